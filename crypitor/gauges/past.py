"""Balances and views of past blocks: in each block that touched them, beside what was before it."""

from collections.abc import Iterable, Sequence

from crypitor.evm.types import Address, Block, Hash, Header
from crypitor.monitor.becoming import State
from crypitor.monitor.gauged import Glance
from crypitor.monitor.gauges import (
    Ended,
    Gauge,
    Recall,
    Standing,
    Stood,
    gauges_of,
    look,
    state_rules,
)
from crypitor.monitor.models import Kind, Match, Monitor
from crypitor.worker.nodes import Nodes


async def nothing(_: Sequence[str]) -> dict[str, Standing]:
    """Recall no gauge: nobody looked at any."""
    return {}


class PastGauges:
    """The gauges of one monitor on one network, block after block.

    What was looked at before is known, by `go_on`, from who stored it. What is not known of a gauge
    is asked of the block before: what was true there has been told there, and not in the block that
    is looked at. For what a condition says of `previous` and `change` it is taken to have stood
    still until then.

    glances: what was seen in the last block.  no_answer: conditions of all blocks that had none.
    """

    def __init__(self, nodes: Nodes, monitor: Monitor, network: str, chain_id: int) -> None:
        self._nodes = nodes
        self._monitor = monitor
        self._network = network
        self._chain_id = chain_id
        self._rules = state_rules(monitor)
        self._standings: dict[str, Standing] = {}
        self._last: Hash | None = None
        self._ended: list[Ended] = []
        self._stood: list[Stood] = []
        self._of: str | None = None
        self._recall: Recall = nothing
        self.glances: list[Glance] = []
        self.no_answer = 0

    def __bool__(self) -> bool:
        """Whether the monitor asks about state at all."""
        return bool(self._rules)

    def go_on(self, job: str, last: Hash | None, recall: Recall) -> None:
        """Go on with a job behind the last block that was stored of it, None before the first.

        What was seen beyond that, or for another job, is not what is stored.
        """
        if self._of != job or self._last is None or self._last != last:
            self._forget()
        self._of, self._recall = job, recall

    def _forget(self) -> None:
        self._standings.clear()
        self._ended.clear()
        self._stood.clear()
        self._last = None

    async def matches(
        self, block: Block, touched: Sequence[tuple[Address, str | None]]
    ) -> list[Match]:
        """Return what became true in a block. touched: accounts, with labels, and contracts.

        Raises NodeUnavailable; NoState where no node has the state of that block any more.
        """
        header = block.header
        if self._last != header.parent_hash:
            self._forget()  # blocks were left out, or are of another branch
        self.glances.clear()
        gauges = list(self._touched(touched))
        if gauges:
            await self._begin(gauges, header)
            found = await self._look(gauges, header)
        else:
            found = []
        self._last = header.hash
        return found

    def take_ended(self) -> list[Ended]:
        """Return what has ended since this was asked last, of what became true in these blocks."""
        ended, self._ended = self._ended, []
        return ended

    def take_stood(self) -> list[Stood]:
        """Return where gauges stood after each look since this was asked last, by their ids."""
        stood, self._stood = self._stood, []
        return stood

    def _touched(self, touched: Sequence[tuple[Address, str | None]]) -> Iterable[Gauge]:
        addresses = {address for address, _ in touched}
        for prepared in self._rules:
            accounts = touched if prepared.rule.kind is Kind.BALANCE else ()
            for gauge in gauges_of(self._monitor, prepared, self._network, accounts):
                if gauge.subject in addresses:
                    yield gauge

    async def _begin(self, gauges: Sequence[Gauge], header: Header) -> None:
        """Find out where new gauges stood before a block."""
        new = [gauge for gauge in gauges if gauge.id not in self._standings]
        if new:
            self._standings |= await self._recall([gauge.id for gauge in new])
            new = [gauge for gauge in new if gauge.id not in self._standings]
        if not new or not header.number:
            return
        before = Header(header.number - 1, header.parent_hash, "", header.timestamp)
        answers = await self._nodes.state(before.hash, [gauge.read for gauge in new])
        for gauge, answer in zip(new, answers, strict=True):
            found = look(gauge, Standing(), before, self._chain_id, answer)
            if found is not None:
                reading = found.standing.reading
                again = look(gauge, Standing(reading=reading), before, self._chain_id, answer)
                state = State.RAISED if again and again.match else State.ARMED
                self._standings[gauge.id] = Standing(state, reading)

    async def _look(self, gauges: Sequence[Gauge], header: Header) -> list[Match]:
        answers = await self._nodes.state(header.hash, [gauge.read for gauge in gauges])
        told: list[Match] = []
        for gauge, answer in zip(gauges, answers, strict=True):
            before = self._standings.get(gauge.id, Standing())
            found = look(gauge, before, header, self._chain_id, answer)
            self.glances.append(Glance(gauge, before, answer))
            if found is not None:
                self.no_answer += found.no_answer
                self._standings[gauge.id] = found.standing
                self._stood.append((gauge.id, found.standing))
                told += [found.match] if found.match else []
                self._ended += [found.ended] if found.ended else []
        return told
