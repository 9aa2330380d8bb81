"""One network's role: from the last published block to the next one, and back when it forked.

Hashes are followed, not heights. What was published last is the tip; what the node shows next
either extends it, or is on another branch, whose ancestor is looked for by parent hashes among the
headers that are kept.
"""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import structlog

from crypitor.database import networks
from crypitor.database.engine import Database, Transaction
from crypitor.errors import DeepReorg, NodeUnavailable
from crypitor.evm.types import Block, Header
from crypitor.loop import Health, forever, pause
from crypitor.queue import Message, Queue
from crypitor.worker import Observer
from crypitor.worker.ahead import Ahead
from crypitor.worker.node import Sight
from crypitor.worker.nodes import Nodes
from crypitor.worker.status import NetworkStatus, Reorg
from crypitor.worker.trail import Trail

log = structlog.get_logger(__name__)

REWIND_LOOK_MS = 1000
"""How often the database is asked whether the matcher wants to go back."""

RELISTEN_SECONDS = 5.0
FIRST_RETRY_SECONDS = 0.02

_COUNTER_BITS = 40


@dataclass(frozen=True, slots=True)
class _Seen:
    sight: Sight
    at: int


class Follower:
    """Follows one network and publishes its blocks in order, each on top of its parent.

    start: the first block's height, or `latest` for the head; used when nothing was matched yet.
    max_reorg_depth: how many published blocks a reorg may orphan.
    window: how many blocks are asked for at once while the tip is far behind the head.
    poll_seconds: the longest wait between two looks at the head.
    clock: unix milliseconds.
    """

    def __init__(
        self,
        network: str,
        chain_id: int,
        nodes: Nodes,
        queue: Queue,
        database: Database,
        *,
        start: int | Literal["latest"],
        max_reorg_depth: int,
        window: int,
        poll_seconds: float,
        clock: Callable[[], int],
        health: Health,
        observer: Observer,
    ) -> None:
        self.role = f"worker {network}"
        self._network = network
        self._chain_id = chain_id
        self._nodes = nodes
        self._queue = queue
        self._database = database
        self._start = start
        self._poll_seconds = poll_seconds
        self._clock = clock
        self._health = health
        self._observer = observer
        self._wake = asyncio.Event()
        self._ahead = Ahead(self._look, window)
        self._term: int | None = None
        self._counter = 0
        self._max_reorg_depth = max_reorg_depth
        self._trail = Trail(max_reorg_depth + 1)
        self._genesis_next = False
        self._looked_for_rewind_at = 0
        self._misses = 0
        self._head: Header | None = None
        self._safe: int | None = None
        self._finalized: int | None = None
        self._last_reorg: Reorg | None = None
        self._stopped: str | None = None

    @property
    def status(self) -> NetworkStatus:
        """How things stand now."""
        return NetworkStatus(
            self._network,
            self._chain_id,
            self._head,
            self._trail.tip,
            self._safe,
            self._finalized,
            self._last_reorg,
            self._stopped,
            self._nodes.status,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the network until `stop` is set."""
        try:
            async with asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(self._listen(stop), name=f"{self.role} heads")
                await forever(
                    self.role,
                    self.step,
                    stop=stop,
                    health=self._health,
                    idle_seconds=self.idle_seconds,
                    wake=self._wake,
                )
                listening.cancel()
        finally:
            await self.close()

    async def open(self) -> None:
        """Take the lead of the network and read where its matching stands.

        `step` does it where it was not done. Raises DatabaseUnavailable, and ConfigError if the
        database has followed another chain under this name.
        """

        async def work(tx: Transaction) -> tuple[int, tuple[Header, ...]]:
            term = await networks.lead(tx, self._network, self._chain_id)
            return term, await self._stored(tx)

        self._term, kept = await self._database.write(work)
        self._go_on_from(kept)

    async def close(self) -> None:
        """Give up what is under way."""
        await self._ahead.drop()

    async def step(self) -> bool:
        """Publish the next block, or leave a branch; False when there was nothing to do."""
        if self._term is None:
            await self.open()
        await self._heed_rewind()
        if self._stopped is not None:
            return False
        number = self._next_number()
        if number is None:
            return await self._begin()
        seen = await self._next(number)
        self._safe, self._finalized = seen.sight.safe, seen.sight.finalized
        block = seen.sight.block
        if block is None:
            self._misses += 1
            return await self._without_block(seen.sight.head, number)
        if not self._trail.continues_with(block.header):
            return await self._fork(block.header)
        await self._publish(block, seen)
        return True

    def idle_seconds(self) -> float:
        """Return how long to wait now: shortly for a block that is known to be on its way."""
        expected = self._head is not None and self._head.number > (
            self._trail.tip.number if self._trail.tip else -1
        )
        if expected and self._stopped is None:
            return min(self._poll_seconds, FIRST_RETRY_SECONDS * 2.0 ** min(self._misses, 20))
        return self._poll_seconds

    def _next_number(self) -> int | None:
        if self._trail.tip is not None:
            return self._trail.tip.number + 1
        return 0 if self._genesis_next else None

    def _go_on_from(self, kept: Sequence[Header]) -> None:
        self._trail.replace(kept)
        self._genesis_next = False

    async def _stored(self, tx: Transaction) -> tuple[Header, ...]:
        return await networks.headers(tx, self._network, self._max_reorg_depth + 1)

    async def _begin(self) -> bool:
        """Settle which block is the first, where nothing has been matched yet.

        The headers below it are stored too, so that a reorg of the first blocks finds its ancestor.
        """
        first = self._start
        if first == "latest":
            self._head = await self._nodes.header_at("latest")
            if self._head is None:
                return False
            first = self._head.number
        if first == 0:
            self._genesis_next = True
            return True
        before = await self._nodes.headers(max(first - self._max_reorg_depth, 0), first - 1)
        if any(not one.is_parent_of(two) for one, two in itertools.pairwise(before)):
            raise NodeUnavailable(f"the headers below block {first} are not linked")
        if before:
            self._go_on_from(await self._stored_beginning(before))
        return len(self._trail) > 0

    async def _stored_beginning(self, before: Sequence[Header]) -> tuple[Header, ...]:
        assert self._term is not None
        term, sequence = self._term, self._sequence()

        async def work(tx: Transaction) -> tuple[Header, ...]:
            await networks.begin(tx, self._network, term=term, sequence=sequence, before=before)
            return await self._stored(tx)

        return await self._database.write(work)

    async def _heed_rewind(self) -> None:
        """Go on from what was matched, if the matcher asked for it."""
        now = self._clock()
        if abs(now - self._looked_for_rewind_at) < REWIND_LOOK_MS:
            return
        self._looked_for_rewind_at = now
        if not await self._database.read(lambda tx: networks.rewind_asked(tx, self._network)):
            return

        async def work(tx: Transaction) -> tuple[Header, ...]:
            await networks.take_rewind(tx, self._network)
            return await self._stored(tx)

        kept = await self._database.write(work)
        await self._ahead.drop()
        self._go_on_from(kept)
        self._stopped = None
        self._health.end(f"{self.role} reorg")
        log.info("going back to the last matched block", network=self._network, tip=self._trail.tip)

    async def _look(self, number: int) -> _Seen:
        sight = await self._nodes.next(number)
        self._head = sight.head
        return _Seen(sight, self._clock())

    async def _next(self, number: int) -> _Seen:
        """Return what the next height shows: as it was seen ahead, if that leads on."""
        if self._head is not None and self._head.number > number:
            self._ahead.reach(number, self._head.number)
        seen = await self._ahead.take(number)
        if seen is not None:
            if seen.sight.block is not None and self._trail.continues_with(seen.sight.block.header):
                return seen
            await self._ahead.drop()
        return await self._look(number)

    async def _publish(self, block: Block, seen: _Seen) -> None:
        self._counter += 1
        message = Message(
            network=self._network,
            chain_id=self._chain_id,
            sequence=self._sequence(),
            block=block,
            safe=seen.sight.safe,
            finalized=seen.sight.finalized,
            seen_at=seen.at,
        )
        await self._queue.publish(message)
        self._trail.add(block.header)
        self._misses = 0
        self._observer.published(self._network)

    def _sequence(self) -> int:
        assert self._term is not None
        return self._term << _COUNTER_BITS | self._counter

    async def _without_block(self, head: Header, number: int) -> bool:
        """Tell why the node has no next block: nothing new, a lag, or a branch that is shorter."""
        if self._trail.tip is None or head.number >= number:
            return False
        known = self._trail.at(head.number)
        if known is None:
            below = self._trail.tip.number - head.number
            raise NodeUnavailable(f"head {head.number} is {below} blocks below what was published")
        if known.hash == head.hash:
            return False
        return await self._fork(head)

    async def _fork(self, header: Header) -> bool:
        """Go back to where the branch of `header` left ours; the next step goes on from there."""
        await self._ahead.drop()
        try:
            ancestor = await self._ancestor(header)
        except DeepReorg as deep:
            self._stop(deep)
            return False
        depth = self._trail.back_to(ancestor)
        self._last_reorg = Reorg(self._clock(), depth, ancestor.number)
        self._misses = 0
        self._observer.reorganised(self._network, depth)
        log.info("branch left", network=self._network, depth=depth, ancestor=ancestor.number)
        return True

    async def _ancestor(self, header: Header) -> Header:
        """Return the newest kept header that `header` descends from, by walking back its parents.

        Raises DeepReorg if there is none.
        """
        branch = header
        while (known := self._trail.at(branch.number - 1)) is not None:
            if known.hash == branch.parent_hash:
                return known
            parent = await self._nodes.header(branch.parent_hash)
            if parent is None or not parent.is_parent_of(branch):
                raise NodeUnavailable(f"the parent of block {branch.number} {branch.hash} is gone")
            branch = parent
        raise DeepReorg(
            f"block {header.number} {header.hash} descends from none of the last"
            f" {len(self._trail)} blocks: the reorg is deeper than max_reorg_depth"
        )

    def _stop(self, deep: DeepReorg) -> None:
        self._stopped = str(deep)
        self._health.begin(f"{self.role} reorg", self._stopped)
        log.error("network stopped", network=self._network, trouble=self._stopped)

    async def _listen(self, stop: asyncio.Event) -> None:
        """Wake the steps at each new head that a node announces."""
        while self._nodes.push and not stop.is_set():
            try:
                async for header in self._nodes.heads():
                    if self._trail.tip is None or header.hash != self._trail.tip.hash:
                        self._head = header
                        self._misses = 0
                        self._wake.set()
            except NodeUnavailable as trouble:
                log.debug("no announcements", network=self._network, trouble=str(trouble))
            await pause(RELISTEN_SECONDS, stop)
