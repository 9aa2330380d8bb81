"""One network's role: from the last published block to the next one, and back when it forked.

Hashes are followed, not heights. What was published last is the tip; what the node shows next
either extends it, or is on another branch, whose ancestor is looked for by parent hashes among the
headers that are kept.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

import structlog

from crypitor.database import networks
from crypitor.database.engine import Database, Transaction
from crypitor.errors import DeepReorg, NodeUnavailable, Unavailable
from crypitor.evm.types import Block, Header
from crypitor.loop import Health, forever, pause
from crypitor.monitor.position import Position, kept_headers
from crypitor.queue import Message, Queue
from crypitor.worker import Observer
from crypitor.worker.beginning import headers_below
from crypitor.worker.fork import LONG_FORK, Doubts, ancestor_of
from crypitor.worker.halt import Halt
from crypitor.worker.lead import BEAT_SECONDS, Lead
from crypitor.worker.lookout import Lookout, Seen
from crypitor.worker.nodes import Nodes
from crypitor.worker.pace import Pace
from crypitor.worker.progress import CATCHING_UP_BLOCKS, Progress
from crypitor.worker.settling import Settling
from crypitor.worker.sight import Sight
from crypitor.worker.status import NetworkState, NetworkStatus, Reorg
from crypitor.worker.trail import Trail

log = structlog.get_logger(__name__)

REWIND_LOOK_MS = 1000
"""How often the database is asked whether the matcher wants to go back."""

HEAD_START_SECONDS = 0.05
"""A block at the head goes through the database before that is asked."""

RELISTEN_SECONDS = 5.0

_COUNTER_BITS = 40


class Follower:
    """Follows one network and publishes its blocks in order, each on top of its parent.

    start: the first block's height, or `latest` for the head; used when nothing was matched yet.
    max_reorg_depth: how many published blocks a reorg may orphan.
    window: how many blocks are asked for at once while the tip is far behind the head.
    poll_seconds: the longest wait between two looks at the head, while no node announces it.
    clock: unix milliseconds.
    tags_wanted: whether something waits for the node's `safe` or `finalized`.
    lead: taken at once, whoever has it, where it is not given.
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
        tags_wanted: Callable[[], bool] = lambda: True,
        lead: Lead | None = None,
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
        self._lead = lead or Lead(network, chain_id, database)
        self._lookout = Lookout(
            nodes,
            window=window,
            depth=max_reorg_depth,
            clock=clock,
            tags_wanted=tags_wanted,
            read_ahead=queue.read_ahead,
        )
        self._term: int | None = None
        self._counter = 0
        self._trail = Trail(max_reorg_depth)
        self._genesis_next = False
        self._looked_for_rewind_at = 0
        self._last_reorg: Reorg | None = None
        self._halt = Halt(network, self.role, health)
        self._waiting: str | None = None
        self._pace = Pace(poll_seconds)
        self._progress = Progress(network, self._pace)
        self._doubts = Doubts(nodes)
        self._settling = Settling(network, nodes) if nodes.settles else None

    @property
    def term(self) -> int | None:
        """The term in which this process leads the network, None while it does not."""
        return self._lead.term

    @property
    def status(self) -> NetworkStatus:
        """How things stand now."""
        now, behind, blocks = self._clock(), self._behind(), self._pace.blocks
        trouble = self._halt.reason or self._waiting
        return NetworkStatus(
            network=self._network,
            chain_id=self._chain_id,
            head=self._lookout.head,
            tip=self._trail.tip,
            safe=self._lookout.safe,
            finalized=self._lookout.finalized,
            last_reorg=self._last_reorg,
            state=self._state(behind),
            trouble=trouble,
            behind=behind,
            blocks_per_second=round(self._pace.blocks_per_second(now), 2),
            seconds_to_head=None
            if behind is None or trouble is not None
            else self._pace.seconds_to_head(behind, now),
            requests_per_block=round(self._nodes.requests / blocks, 2) if blocks else None,
            nodes=self._nodes.status,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the network until `stop` is set."""
        try:
            async with asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(self._listen(stop), name=f"{self.role} heads")
                leading = tasks.create_task(self._lead.keep(stop), name=f"{self.role} lead")
                await forever(
                    self.role,
                    self.step,
                    stop=stop,
                    health=self._health,
                    idle_seconds=self.idle_seconds,
                    wake=self._wake,
                )
                listening.cancel()
                leading.cancel()
        finally:
            await self.close()
            await self._lead.leave()

    async def open(self) -> bool:
        """Take the lead of the network and read where its matching stands; False if others lead.

        `step` does it where it was not done. Raises DatabaseUnavailable, and ConfigError if the
        database has followed another chain under this name.
        """
        if self._term is not None:  # somebody else took the lead meanwhile
            await self._lookout.drop()
            self._term, self._lookout.head = None, None
            self._halt.end()
        kept = await self._lead.take(self._stored)
        if kept is None:
            return False
        self._term = self._lead.term
        self._go_on_from(kept)
        return True

    async def close(self) -> None:
        """Give up what is under way."""
        await self._lookout.drop()

    async def step(self) -> bool:
        """Publish the next block, or leave a branch; False when nothing more is known to be there.

        Raises Unavailable as long as the next block cannot be had, or not be proven.
        """
        try:
            busy = await self._advance()
        except Unavailable as trouble:
            self._waiting = str(trouble)
            raise
        self._waiting = None
        return busy

    async def _advance(self) -> bool:
        if (self._lead.term is None or self._term is None) and not await self.open():
            return False
        if not self._is_coming():
            await self._heed_rewind()
        if await self._halt.lasts(self._trail, self._nodes, self._clock()):
            return False
        tip = self._trail.tip
        if tip is None and not self._genesis_next:
            return await self._begin()
        number = tip.number + 1 if tip else 0
        seen = await self._lookout.next(number, self._trail)
        sight = seen.sight
        if sight.block is None:
            self._pace.misses += 1
            return await self._without_block(sight, number)
        if not self._trail.continues_with(sight.block.header):
            return await self._fork(sight.block.header, sight.node)
        await self._publish(sight.block, seen)
        await self._heed_rewind(HEAD_START_SECONDS)
        return bool(self._behind())

    def idle_seconds(self) -> float:
        """Return how long to wait now: shortly for a block that is known to be on its way."""
        if self._lead.term is None:
            return BEAT_SECONDS
        if self._halt.reason is not None:
            return REWIND_LOOK_MS / 1000
        return self._pace.wait_seconds(self._clock(), expecting=bool(self._behind()))

    def _is_coming(self) -> bool:
        """Whether the next block is there by all that is known: then it goes before other looks."""
        well = self._halt.reason is None and self._waiting is None and not self._pace.misses
        return well and bool(self._behind())

    def _behind(self) -> int | None:
        """Return how many blocks the tip is below the head."""
        head, tip = self._lookout.head, self._trail.tip
        return None if head is None or tip is None else max(0, head.number - tip.number)

    def _state(self, behind: int | None) -> NetworkState:
        if self._lead.elsewhere:
            return "standby"
        if self._halt.reason is not None:
            return "stopped"
        if self._waiting is not None:
            return "waiting"
        return "catching up" if (behind or 0) > CATCHING_UP_BLOCKS else "following"

    def _go_on_from(self, kept: Sequence[Header]) -> None:
        self._trail.replace(kept)
        self._genesis_next = False

    async def _stored(self, tx: Transaction) -> tuple[Header, ...]:
        return await networks.headers(tx, self._network, kept_headers(self._trail.depth))

    async def _begin(self) -> bool:
        """Settle which block is the first, where nothing has been matched yet.

        The headers below it are stored too, so that a reorg of the first blocks finds its ancestor.
        """
        first = self._start
        if first == "latest":
            head = self._lookout.head = await self._nodes.header_at("latest")
            if head is None:
                return False
            first = head.number
        if first == 0:
            self._genesis_next = True
            return True
        before = await headers_below(first, self._trail.depth, self._nodes)
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

    async def _heed_rewind(self, head_start_seconds: float = 0.0) -> None:
        """Go on from what was matched, if the matcher asked for it."""
        now = self._clock()
        if abs(now - self._looked_for_rewind_at) < REWIND_LOOK_MS:
            return
        self._looked_for_rewind_at = now
        if head_start_seconds and not self._behind():
            await pause(head_start_seconds, self._wake)
        if not await self._database.read(
            lambda tx: networks.rewind_asked(tx, self._network), at_once=True
        ):
            return

        assert self._term is not None
        term = self._term

        async def work(tx: Transaction) -> Position:
            await networks.take_rewind(tx, self._network, term)
            return await networks.position_of(tx, self._network, kept_headers(self._trail.depth))

        position = await self._database.write(work)
        await self._lookout.drop()
        if position.sequence >> _COUNTER_BITS == self._term:
            self._counter = max(self._counter, position.sequence & (1 << _COUNTER_BITS) - 1)
        self._go_on_from(position.headers)
        self._halt.end()
        log.info("going back to the last matched block", network=self._network, tip=self._trail.tip)

    async def _publish(self, block: Block, seen: Seen) -> None:
        sight = seen.sight
        if self._settling is not None:
            sight = await self._settling.proven_by(block, sight)
        self._counter += 1
        head = self._lookout.head
        message = Message(
            network=self._network,
            chain_id=self._chain_id,
            sequence=self._sequence(),
            block=block,
            safe=sight.safe,
            finalized=sight.finalized,
            seen_at=seen.at,
            behind=max(0, head.number - block.header.number) if head else 0,
        )
        await self._queue.publish(message)
        self._trail.add(block.header)
        self._pace.published(block.header, seen.at)
        self._observer.published(self._network)
        self._progress.tell(block.header, self._behind() or 0, seen.at)

    def _sequence(self) -> int:
        assert self._term is not None
        return self._term << _COUNTER_BITS | self._counter

    async def _without_block(self, sight: Sight, number: int) -> bool:
        """Tell why the node has no next block: nothing new, a lag, or a branch that is shorter."""
        head = sight.head
        if self._trail.tip is None or head.number >= number:
            return False
        known = self._trail.at(head.number)
        if known is None:
            below = self._trail.tip.number - head.number
            trouble = f"head {head.number} is {below} blocks below what was published"
            self._nodes.accuse(sight.node, trouble)
            raise NodeUnavailable(trouble)
        if known.hash == head.hash:
            return False
        return await self._fork(head, sight.node)

    async def _fork(self, header: Header, node: str) -> bool:
        """Go back to where the branch of `header` left ours; the next step goes on from there.

        node: who showed it, and is not believed if the others say that there is no such branch.
        """
        await self._lookout.drop()
        tip = self._trail.tip
        assert tip is not None
        try:
            ancestor = await ancestor_of(header, self._trail, self._nodes)
        except DeepReorg as deep:
            if await self._doubts.is_foreign(tip, header, node, self._clock()):
                return True
            self._halt.begin(deep, self._clock())
            return False
        except NodeUnavailable as gone:
            self._nodes.accuse(node, str(gone))
            raise
        long = tip.number - ancestor.number >= LONG_FORK
        if long and await self._doubts.is_foreign(tip, header, node, self._clock()):
            return True
        depth = self._trail.back_to(ancestor)
        self._last_reorg = Reorg(self._clock(), depth, ancestor.number)
        self._pace.misses = 0
        self._observer.reorganised(self._network, depth)
        log.info("branch left", network=self._network, depth=depth, ancestor=ancestor.number)
        return True

    async def _listen(self, stop: asyncio.Event) -> None:
        """Wake the steps at each new head that a node announces."""
        while self._nodes.push and not stop.is_set():
            try:
                async for header in self._nodes.heads():
                    self._pace.announced = header.number
                    if self._trail.tip is None or header.hash != self._trail.tip.hash:
                        self._lookout.head = header
                        self._pace.misses = 0
                        self._wake.set()
            except NodeUnavailable as trouble:
                log.debug("no announcements", network=self._network, trouble=str(trouble))
            self._pace.announced = None
            self._wake.set()
            await pause(RELISTEN_SECONDS, stop)
