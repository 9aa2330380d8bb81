"""The role that looks at balances and views, in each block in which any is due.

It walks behind the matcher, over the headers that were matched: what it does never delays a block.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

import structlog

from crypitor.database.effects import Saved
from crypitor.database.engine import Database, Transaction
from crypitor.database.gauges import Due, Place, Stored, begin_looks, next_look
from crypitor.database.looks import Look, save_looks
from crypitor.database.monitors import newest_revision
from crypitor.database.unwound import unwind
from crypitor.evm.multicall import Read
from crypitor.evm.types import Header
from crypitor.gauges.followed import Followed
from crypitor.monitor.gauges import Gauge, Looked, look
from crypitor.monitor.models import Confirmations, Match
from crypitor.runtime.loop import Health, forever
from crypitor.webhook.message import NetworkTitle
from crypitor.worker.nodes import Nodes
from crypitor.worker.rpc import Tag
from crypitor.worker.state import NoState

log = structlog.get_logger(__name__)

IDLE_SECONDS = 0.25
MOST_DUE = 1_000
"""Gauges that are looked at in one block although it did not touch them; the others come next."""

MOST_UNWOUND = 500
SLICE = 50


class Observer(Protocol):
    """Hears what was looked at, for the metrics."""

    def looked(
        self, network: str, gauges: int, matches: Sequence[Match], saved: Saved, no_answer: int
    ) -> None:
        """Count what came of a block. no_answer: conditions that had none."""


class Looker:
    """Looks at the state of one network while this process leads it.

    nodes: its own, so that the live path's connections and limits stay free.
    term: the process's term as the network's leader, None while it is none.
    confirmations: required where a monitor says nothing else.
    wake: told the endpoints that have something new.  clock: unix milliseconds.
    """

    def __init__(
        self,
        network: str,
        chain_id: int,
        title: NetworkTitle,
        nodes: Nodes,
        database: Database,
        *,
        term: Callable[[], int | None],
        confirmations: Confirmations,
        wake: Callable[[Iterable[str]], None],
        clock: Callable[[], int],
        observer: Observer,
    ) -> None:
        self.role = f"looks {network}"
        self._network = network
        self._chain_id = chain_id
        self._title = title
        self._nodes = nodes
        self._database = database
        self._term = term
        self._confirmations: Confirmations = confirmations
        self._wake = wake
        self._clock = clock
        self._observer = observer
        self._followed = Followed(network, database)
        self._led: int | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop` is set. The service is ready whatever keeps a look waiting."""
        await forever(self.role, self.step, stop=stop, health=Health(), idle_seconds=IDLE_SECONDS)

    async def step(self) -> bool:
        """Do what comes next: follow monitors, go back, or look at one block. False for nothing.

        Raises NodeUnavailable and DatabaseUnavailable; it can be repeated after both.
        """
        term = self._term()
        if term != self._led:
            self._followed.forget()
            self._led = term
        if term is None:
            return False
        if not self._followed:
            await self._followed.refresh()
        if not self._followed:
            return False
        return await self._followed.enrol_some() or await self._go_on(term)

    async def _go_on(self, term: int) -> bool:
        revision, place, due = await self._database.read(
            partial(_what_is_next, network=self._network), at_once=True
        )
        if not self._followed.knows(revision):
            await self._followed.refresh()
            return True
        if place.newest is None:
            return False
        if not place.stands:
            return await self._unwind(term)
        if not place.begun or place.lost:
            return await self._database.write(
                partial(begin_looks, network=self._network, term=term)
            )
        return due is not None and await self._look(due, term)

    async def _unwind(self, term: int) -> bool:
        """Go back over what a reorg took away."""
        saved = await self._database.write(
            partial(
                unwind,
                network=self._network,
                title=self._title,
                term=term,
                now=self._clock(),
                limit=MOST_UNWOUND,
            )
        )
        if saved is None:
            return False
        self._wake(saved.endpoints)
        return True

    async def _look(self, due: Due, term: int) -> bool:
        """Look at what is due in a block, and store what came of it."""
        asked = [(stored, self._followed.gauge(stored)) for stored in due.gauges]
        gone = [stored.id for stored, gauge in asked if gauge is None]
        pairs = [(stored, gauge) for stored, gauge in asked if gauge is not None]
        look_ = partial(
            Look,
            network=self._network,
            chain_id=self._chain_id,
            title=self._title,
            header=due.header,
            gone=gone,
            safe=await self._height("safe", due),
            finalized=await self._height("finalized", due),
        )
        try:
            answers = await self._answers(due.header, [gauge.read for _, gauge in pairs])
        except NoState as trouble:
            if due.newest:
                raise
            log.info(
                "no node has the state of a block any more: looking at a later one",
                network=self._network,
                block=due.header.number,
                trouble=str(trouble),
            )
            missed = [gauge for _, gauge in pairs]
            return await self._save(look_(looked=(), missed=missed, now=self._clock()), term)
        looked, put_off = await self._looked(due.header, pairs, answers)
        required = [
            (each.match, each.gauge.monitor.confirmations or self._confirmations)
            for each in looked
            if each.match is not None
        ]
        return await self._save(
            look_(looked=looked, put_off=put_off, required=required, now=self._clock()), term
        )

    async def _answers(self, header: Header, reads: Sequence[Read]) -> list[str | None]:
        """Return the answer to each read; those that are alike are asked once."""
        places = {read: place for place, read in enumerate(dict.fromkeys(reads))}
        if not places:
            return []
        answers = await self._nodes.state(header.hash, list(places))
        return [answers[places[read]] for read in reads]

    async def _looked(
        self,
        header: Header,
        pairs: Sequence[tuple[Stored, Gauge]],
        answers: Sequence[str | None],
    ) -> tuple[list[Looked], list[Gauge]]:
        """Return what each answer comes to, and the gauges without one."""
        looked: list[Looked] = []
        put_off: list[Gauge] = []
        for place, ((stored, gauge), answer) in enumerate(zip(pairs, answers, strict=True)):
            found = look(gauge, stored.standing, header, self._chain_id, answer)
            if found is None:
                put_off.append(gauge)
            else:
                looked.append(found)
            if place % SLICE == SLICE - 1:
                await asyncio.sleep(0)
        return looked, put_off

    async def _height(self, tag: Tag, due: Due) -> int | None:
        """Return the height of a tag, where something waits for it."""
        if tag not in due.tags:
            return None
        header = await self._nodes.header_at(tag)
        return None if header is None else header.number

    async def _save(self, look_: Look, term: int) -> bool:
        saved = await self._database.write(partial(save_looks, look=look_, term=term), at_once=True)
        if saved is None:
            return False
        self._wake(saved.endpoints)
        self._observer.looked(
            self._network,
            len(look_.looked),
            [match for match, _ in look_.required],
            saved,
            sum(each.no_answer for each in look_.looked),
        )
        return True


async def _what_is_next(tx: Transaction, network: str) -> tuple[int, Place, Due | None]:
    """Return the newest change of a monitor, how far was looked, and at what to look next."""
    revision = await newest_revision(tx)
    place, due = await next_look(tx, network, MOST_DUE)
    return revision, place, due
