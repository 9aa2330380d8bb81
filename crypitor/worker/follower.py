"""One network's role: from the last published block to the next one, and back when it forked.

Hashes are followed, not heights. What was published last is the tip; what the node shows next
either extends it, or is on another branch, whose ancestor is looked for by parent hashes among the
headers that are kept.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

import structlog

from crypitor.database.engine import Database, Transaction
from crypitor.errors import DeepReorg, NodeUnavailable, Unavailable
from crypitor.evm.types import Block, Header
from crypitor.monitor.position import kept_headers
from crypitor.queue import Message, Queue
from crypitor.runtime.loop import Health, forever
from crypitor.webhook.message import NetworkTitle
from crypitor.worker import Observer
from crypitor.worker.anew import Anew
from crypitor.worker.announced import listen
from crypitor.worker.beginning import Beginning
from crypitor.worker.fork import Branches
from crypitor.worker.gap import BrokenLink, Gap
from crypitor.worker.halt import Halt
from crypitor.worker.lead import BEAT_SECONDS, Lead
from crypitor.worker.lookout import Lookout, Seen
from crypitor.worker.nodes import Nodes
from crypitor.worker.pace import Pace, longest_silence
from crypitor.worker.progress import Progress
from crypitor.worker.reset import OnReset
from crypitor.worker.rewinds import LOOK_MS, Rewinds
from crypitor.worker.settling import Settling
from crypitor.worker.sight import Sight
from crypitor.worker.status import MOST_REORGS, NetworkStatus, Reorg, state_of
from crypitor.worker.trail import Trail

log = structlog.get_logger(__name__)
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
    reset: what to do when the chain is begun anew.  title: of the network, for people.
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
        reset: OnReset = "stop",
        title: NetworkTitle | None = None,
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
        self._first: int | None = None
        self._branch_left = False
        self._reorgs: deque[Reorg] = deque(maxlen=MOST_REORGS)
        self._halt = Halt(network, self.role, health)
        self._waiting: str | None = None
        self._pace = Pace(poll_seconds, longest_silence(chain_id))
        self._progress = Progress(network, self._pace)
        self._settling = Settling(network, nodes) if nodes.settles else None
        self._gap = Gap(network, nodes)
        self._branches = Branches(nodes, self._gap)
        self._rewinds = Rewinds(network, database, kept_headers(max_reorg_depth), self._wake)
        self._beginning = Beginning(
            network, nodes, database, self._gap, start=start, depth=max_reorg_depth
        )
        self._anew = Anew(network, nodes, database, on_reset=reset, title=title)

    @property
    def term(self) -> int | None:
        """The term in which this process leads the network, None while it does not."""
        return self._lead.term

    @property
    def status(self) -> NetworkStatus:
        """How things stand now."""
        now, behind, blocks = self._clock(), self._behind(), self._pace.blocks
        trouble = self._halt.reason or self._waiting or self._lead.doubt
        return NetworkStatus(
            network=self._network,
            chain_id=self._chain_id,
            head=self._lookout.head,
            tip=self._trail.tip,
            safe=self._lookout.safe,
            finalized=self._lookout.finalized,
            reorgs=tuple(self._reorgs),
            state=state_of(behind, self._halt.reason, trouble, led_elsewhere=self._lead.elsewhere),
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
                listening = tasks.create_task(
                    listen(self._network, self._nodes, self._pace, self._heard, stop),
                    name=f"{self.role} heads",
                )
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
        except BrokenLink as broken:
            self._halt.begin(str(broken), self._clock(), broken)
            busy = False
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
        if tip is None and self._first is None:
            return await self._begin()
        number = self._gap.next_number(tip) if tip else self._first or 0
        seen = await self._lookout.next(number, self._trail)
        sight = seen.sight
        if sight.block is None:
            self._pace.misses += 1
            return await self._without_block(sight, number)
        if not self._trail.continues_with(sight.block.header):
            return await self._fork(sight.block.header, sight.node)
        self._gap.close()
        await self._publish(sight.block, seen)
        await self._heed_rewind(at_head=not self._behind())
        if not self._behind():
            await self._anew.learn(self._led_term())
        return bool(self._behind())

    def idle_seconds(self) -> float:
        """Return how long to wait now: shortly for a block that is known to be on its way."""
        if self._lead.term is None:
            return BEAT_SECONDS
        if self._halt.reason is not None:
            return LOOK_MS / 1000
        return self._pace.wait_seconds(self._clock(), expecting=bool(self._behind()))

    def _is_coming(self) -> bool:
        """Whether the next block is there by all that is known: then it goes before other looks."""
        well = self._halt.reason is None and self._waiting is None and not self._pace.misses
        return well and bool(self._behind())

    def _behind(self) -> int | None:
        """Return how many blocks the tip is below the head."""
        return self._behind_of(self._trail.tip)

    def _behind_of(self, header: Header | None) -> int | None:
        head = self._lookout.head
        return None if head is None or header is None else max(0, head.number - header.number)

    def _go_on_from(self, kept: Sequence[Header]) -> None:
        self._trail.replace(kept)
        self._first = None

    async def _stored(self, tx: Transaction) -> tuple[Header, ...]:
        return (await self._rewinds.position(tx)).headers

    async def _begin(self) -> bool:
        """Settle which block is the first, where nothing has been matched yet."""
        position = await self._database.read(self._rewinds.position)
        begun = await self._beginning.settle(
            position.first, self._led_term(), self._sequence(), self._clock()
        )
        if begun.head is not None:
            self._lookout.head = begun.head
        if begun.before:
            self._go_on_from(await self._database.read(self._stored))
        self._first = begun.first
        return begun.first is not None or len(self._trail) > 0

    async def _heed_rewind(self, *, at_head: bool = False) -> None:
        """Go on from what was matched, if the matcher asked for it."""
        position = await self._rewinds.asked(self._led_term, self._clock(), at_head=at_head)
        if position is None:
            return
        await self._lookout.drop()
        if position.sequence >> _COUNTER_BITS == self._term:
            self._counter = max(self._counter, position.sequence & (1 << _COUNTER_BITS) - 1)
        self._go_on_from(position.headers)
        self._halt.end()
        tip = self._trail.tip.number if self._trail.tip else None
        log.info("going back to the last matched block", network=self._network, tip=tip)

    def _led_term(self) -> int:
        assert self._term is not None
        return self._term

    async def _publish(self, block: Block, seen: Seen) -> None:
        tip, sight = self._trail.tip, seen.sight
        if self._settling is not None:
            sight = await self._settling.proven_by(block, sight)
        if self._branch_left and tip is not None and block.header.number > tip.number + 1:
            await self._go_back_to(self._trail.headers, block.header.number)
        self._branch_left = False
        self._counter += 1
        message = Message(
            network=self._network,
            chain_id=self._chain_id,
            sequence=self._sequence(),
            block=block,
            safe=sight.safe,
            finalized=sight.finalized,
            seen_at=seen.at,
            behind=self._behind_of(block.header) or 0,
        )
        await self._queue.publish(message)
        self._trail.add(block.header)
        self._pace.published(block.header, seen.at)
        self._observer.published(self._network)
        self._progress.tell(block.header, self._behind() or 0, seen.at)

    def _sequence(self) -> int:
        return self._led_term() << _COUNTER_BITS | self._counter

    async def _without_block(self, sight: Sight, number: int) -> bool:
        """Tell why the node has no next block: nothing new, a gap, a lag, or a shorter branch."""
        head, tip = sight.head, self._trail.tip
        if head.number >= number:
            over = await self._branches.over(sight, number, self._trail, self._clock())
            return over if isinstance(over, bool) else await self._fork(over, sight.node)
        if tip is None:
            return False
        self._gap.close()
        known = self._trail.at(head.number)
        if known is None and head.number < tip.number:
            if (anew := await self._goes_anew(head, sight.node)) is not None:
                return anew
            below = tip.number - head.number
            trouble = f"head {head.number} is {below} blocks below what was published"
            self._nodes.accuse(sight.node, trouble)
            raise NodeUnavailable(trouble)
        if known is None or known.hash == head.hash:
            return False
        return await self._fork(head, sight.node)

    async def _goes_anew(self, head: Header, node: str) -> bool | None:
        """Follow a chain that was begun anew, or stop; None where it is the one that it was."""
        tip, now = self._trail.tip, self._clock()
        assert tip is not None
        begun = await self._anew.seen(self._trail, now)
        if begun is None or await self._branches.is_foreign(tip, head, node, now):
            return None
        if not self._anew.is_sure(now):
            return False
        if not self._anew.follows:
            self._halt.begin(self._anew.reason(tip, begun, head), now)
            return False
        log.warning(
            "the chain was begun anew: following the new one",
            network=self._network,
            tip=tip.number,
            block=begun.number,
            hash=begun.hash,
        )
        first = self._start if isinstance(self._start, int) else 0
        await self._go_back_to((), first if first <= head.number else 0)
        return True

    async def _go_back_to(self, kept: Sequence[Header], first: int) -> None:
        """Revert what was told above these headers, at once, and go on with height `first`.

        Elsewhere the next block does it, by what it stands on.
        """
        await self._lookout.drop()
        self._counter += 1
        await self._anew.go_back_to(kept, first, self._sequence(), self._led_term(), self._clock())
        self._go_on_from(kept)

    async def _fork(self, header: Header, node: str) -> bool:
        """Go back to where the branch of `header` left ours; the next step goes on from there."""
        await self._lookout.drop()
        now, tip = self._clock(), self._trail.tip
        assert tip is not None
        try:
            ancestor = await self._branches.ancestor(header, node, self._trail, now)
        except DeepReorg as deep:
            if (anew := await self._goes_anew(header, node)) is not None:
                return anew
            self._halt.begin(str(deep), now)
            return False
        if ancestor is None:
            return True
        depth = self._trail.back_to(ancestor)
        self._branch_left = True
        self._reorgs.append(Reorg(now, depth, ancestor.number))
        self._pace.misses = 0
        self._observer.reorganised(self._network, depth)
        log.info("branch left", network=self._network, depth=depth, ancestor=ancestor.number)
        return True

    def _heard(self, header: Header | None) -> None:
        """Wake the steps at a head that a node announced, or when none does any more."""
        if header is not None:
            if self._trail.tip is not None and header.hash == self._trail.tip.hash:
                return
            self._lookout.head = header
            self._pace.misses = 0
        self._wake.set()
