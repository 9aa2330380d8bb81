"""The monitor's role: takes blocks from the queue, matches them, stores what came of each."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from crypitor.database.blocks import BlockEffect, Tip
from crypitor.database.effects import Saved
from crypitor.database.engine import Database
from crypitor.database.networks import ask_rewind, position_of
from crypitor.errors import IndexOutdated
from crypitor.evm.types import Address, Header
from crypitor.monitor.index import Index
from crypitor.monitor.match import Tally
from crypitor.monitor.models import Confirmations, Match
from crypitor.monitor.needed import is_known
from crypitor.monitor.position import Extends, Position, Repeated, Unlinked, place
from crypitor.monitor.saving import MOST_MATCHES, Claiming, Saving
from crypitor.monitor.slices import SLICE_SECONDS, Found, find_in_slices
from crypitor.monitor.tokens import Tokens
from crypitor.queue import Message, Queue
from crypitor.runtime.loop import Health, forever
from crypitor.webhook.message import NetworkTitle

log = structlog.get_logger(__name__)

QUEUE_WAIT_SECONDS = 0.5

MOST_BLOCKS = 16
"""Of one transaction, for the reason that its matches are bounded for."""

GATHER_SECONDS = 0.02
"""How long the next block is waited for, to share a transaction, where many are still to come."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What the matcher must know of a network.

    title: for people.
    confirmations: required where a monitor says nothing else.
    kept_headers: how many matched headers are kept, the tip among them.
    coin: whose logs tell moves of the chain's own coin; None for what is known by the chain's id.
    """

    title: NetworkTitle
    confirmations: Confirmations
    kept_headers: int
    coin: Address | None = None


class Observer(Protocol):
    """Hears what was matched, for the metrics."""

    def block_matched(
        self,
        message: Message,
        matches: Sequence[Match],
        tally: Tally,
        saved: Saved,
        seconds: float,
    ) -> None:
        """Count a block that took effect.

        saved: what came of it and of those that shared its transaction.
        seconds: what finding its matches took.
        """


@dataclass(slots=True)
class _Work:
    """A block that is being given effect: kept over an outage, so that it is matched only once."""

    message: Message
    found: Found
    revision: int | None

    @property
    def matches(self) -> list[Match]:
        return self.found.matches


class Matcher:
    """Queue → matches → database, some blocks of each network at a step.

    Blocks that wait behind the next one and stand on it share its transaction: that is so while the
    matcher is behind, and then a block costs a third. At the head each block is alone, and told as
    `Saving` says.

    wake: told the endpoints that have something new, right after it is stored.
    claiming: of the sender in this process, if there is one: what a unit of work queues for these
    endpoints is claimed by what the context yields, within that unit.
    clock: unix milliseconds.
    refresh: brings the index up to date, before each block; returns the revision of the monitors
    that must still be the newest when the block is stored, None where there is none.
    slice_seconds: of finding matches, after which others get their turn.
    told: called with a network after the first POST of its block, if it has any, has left.
    """

    def __init__(
        self,
        queue: Queue,
        database: Database,
        index: Index,
        chains: Mapping[str, Chain],
        *,
        wake: Callable[[Iterable[str]], None],
        clock: Callable[[], int],
        observer: Observer,
        refresh: Callable[[], Awaitable[int | None]],
        claiming: Claiming | None = None,
        slice_seconds: float = SLICE_SECONDS,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._queue = queue
        self._database = database
        self._index = index
        self._chains = chains
        self._clock = clock
        self._observer = observer
        self._refresh = refresh
        self._slice_seconds = slice_seconds
        self._told = told
        self._positions: dict[str, Position] = {}
        self._matched: dict[str, int] = {}
        self._works: dict[str, list[_Work]] = {}
        self._held: Message | None = None
        self._tokens = Tokens()
        self._saving = Saving(database, wake=wake, claiming=claiming)

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Match blocks until `stop` is set."""
        await forever("monitor", self.step, stop=stop, health=health, idle_seconds=0.0)

    async def load(self) -> None:
        """Read where every network stands. Raises DatabaseUnavailable.

        What its newest block confirms may not have been told before the last process ended.
        """
        for network in self._chains:
            tip = (position := await self._position(network)).tip
            if tip is not None:
                self._saving.confirm_later(
                    Tip(
                        network=network,
                        title=self._chains[network].title,
                        header=tip,
                        now=self._clock(),
                        sequence=position.sequence,
                    )
                )

    def tip(self, network: str) -> Header | None:
        """Return the newest block that has been matched, as far as this process knows."""
        position = self._positions.get(network)
        return position.tip if position else None

    def armed_from(self, network: str) -> int | None:
        """Return the first block for which a change of the index made now is in force.

        None before the network's first block, which will be the one.
        """
        tip = self.tip(network)
        numbers = [tip.number] if tip else []
        if network in self._matched:
            numbers.append(self._matched[network])
        return max(numbers) + 1 if numbers else None

    async def step(self) -> bool:
        """Give the next blocks their effect. False when there were none within the waiting time."""
        await self._saving.confirm()
        if not self._works and not await self._take():
            return False
        for network in [*self._works]:
            await self._save(network)
        await self._saving.confirm()
        return True

    async def _take(self) -> bool:
        """Match the next block, and those that wait behind it; False when there is none."""
        if self._held is None:
            self._held = await self._queue.next(QUEUE_WAIT_SECONDS)
        if self._held is None:
            await self._refresh()
        blocks = matches = 0
        while self._held is not None and blocks < MOST_BLOCKS and matches < MOST_MATCHES:
            if not await self._comes_next(self._held):
                if self._works:
                    return True  # what it is can be told when these have taken effect
                await self._queue.done(self._held)
                self._held = None
                return True
            work = await self._match(self._held)
            if work is None:
                if self._works:
                    return True
                await self._ask_rewind(self._held, lacks=True)
                await self._queue.done(self._held)
                self._held = None
                return True
            self._works.setdefault(work.message.network, []).append(work)
            self._held = None
            blocks, matches = blocks + 1, matches + len(work.matches)
            more = work.message.behind >= MOST_BLOCKS and blocks < MOST_BLOCKS
            self._held = await self._queue.next(GATHER_SECONDS if more else 0)
            if self._held is not None:
                await asyncio.sleep(0)
        return blocks > 0

    async def _comes_next(self, message: Message) -> bool:
        """Whether a block stands on the one before it, which may be waiting for its effect."""
        works = self._works.get(message.network)
        if works:
            last = works[-1].message
            return message.sequence > last.sequence and last.block.header.is_parent_of(
                message.block.header
            )
        if message.network not in self._chains:
            log.warning("block of a network that is not configured", network=message.network)
            return False
        return await self._placed(message) is not None

    async def _match(self, message: Message) -> _Work | None:
        """Return what a block comes to; None where it lacks receipts that are needed now."""
        revision = await self._refresh()
        found = await find_in_slices(
            message.block,
            message.network,
            message.chain_id,
            self._index,
            self._slice_seconds,
            self._chains[message.network].coin,
        )
        # nothing may be waited for in between: changes from here on are of the next block
        if not is_known(message.block, message.network, self._index, found.matches):
            return None
        self._matched[message.network] = message.block.header.number
        return _Work(message if revision is not None else message.emptied(), found, revision)

    async def _save(self, network: str) -> None:
        """Store what a network's next blocks do, unless somebody else has moved the chain."""
        works = _together(self._works[network])
        placed = await self._placed(works[0].message)
        if placed is None:
            await self._queue.done(works[0].message)
            self._drop(network, 1)
            return
        position = await self._position(network)
        effects = [
            self._effect(work, ancestor)
            for work, ancestor in zip(
                works,
                (placed.ancestor, *(work.message.block.header for work in works[:-1])),
                strict=True,
            )
        ]
        try:
            at_head = works[-1].message.behind < MOST_BLOCKS
            saved = await self._saving.save(effects, position.sequence, at_head=at_head)
        except IndexOutdated:
            await self._match_again(network)
            return
        if saved is None:
            del self._positions[network]
            return
        kept = self._chains[network].kept_headers
        for work, effect in zip(works, effects, strict=True):
            ancestor = placed.ancestor if work is works[0] else position.tip
            position = position.with_block(work.message.sequence, ancestor, effect.header, kept)
        self._positions[network] = position
        self._tokens.keep(network, saved.tokens)
        self._drop(network, len(works))
        self._told(network)
        if placed.orphaned:
            log.info(
                "reorg",
                network=network,
                depth=len(placed.orphaned),
                block=works[0].message.block.header.number,
                reverted=saved.reverted,
            )
        for work in works:
            found = work.found
            self._observer.block_matched(
                work.message, found.matches, found.tally, saved, found.seconds
            )
        await self._queue.done(*(work.message for work in works))

    async def _match_again(self, network: str) -> None:
        """Match a network's blocks by the index as it is now, or have them read again."""
        again = []
        for work in self._works[network]:
            found = await self._match(work.message)
            if found is None:
                await self._ask_rewind(work.message, lacks=True)
                await self._queue.done(*(each.message for each in self._works.pop(network)))
                return
            again.append(found)
        self._works[network] = again

    def _drop(self, network: str, count: int) -> None:
        del self._works[network][:count]
        if not self._works[network]:
            del self._works[network]

    def _effect(self, work: _Work, ancestor: Header | None) -> BlockEffect:
        message, header = work.message, work.message.block.header
        chain, now = self._chains[message.network], self._clock()
        contracts = _contracts(work.matches)
        known = self._tokens.known(message.network, contracts, now)
        return BlockEffect(
            network=message.network,
            chain_id=message.chain_id,
            title=chain.title,
            sequence=message.sequence,
            header=header,
            ancestor_number=ancestor.number if ancestor else None,
            matches=[
                (match, match.monitor.confirmations or chain.confirmations)
                for match in work.matches
            ],
            safe=message.safe,
            finalized=message.finalized,
            oldest_kept=header.number - chain.kept_headers + 1,
            now=now,
            tokens=known,
            unknown=contracts - known.keys(),
            touched=work.found.touched,
            revision=work.revision,
        )

    async def _placed(self, message: Message) -> Extends | None:
        """Say what the block stands on, None when it takes no effect.

        Before a block is dropped the database is asked: another matcher may have had the chain.
        """
        placed = await self._place(message)
        if not isinstance(placed, Extends):
            self._positions.pop(message.network, None)
            placed = await self._place(message)
        if isinstance(placed, Unlinked):
            await self._ask_rewind(message)
        return placed if isinstance(placed, Extends) else None

    async def _place(self, message: Message) -> Extends | Repeated | Unlinked:
        position = await self._position(message.network)
        return place(position, message.sequence, message.block.header)

    async def _position(self, network: str) -> Position:
        if network not in self._positions:
            kept = self._chains[network].kept_headers
            self._positions[network] = await self._database.read(
                lambda tx: position_of(tx, network, kept)
            )
        return self._positions[network]

    async def _ask_rewind(self, message: Message, *, lacks: bool = False) -> None:
        """Have the worker go back. lacks: because of receipts that somebody asks about by now."""
        told = {"network": message.network, "block": message.block.header.number}
        if lacks:
            log.info("block without receipts that are needed now; it is read again", **told)
        else:
            log.warning("block without a known parent; asking the worker to go back", **told)
        await self._database.write(lambda tx: ask_rewind(tx, message.network))


def _together(works: Sequence[_Work]) -> Sequence[_Work]:
    """Return the first of these, and those behind it for which its transaction has room."""
    matches = 0
    for count, work in enumerate(works):
        matches += len(work.matches)
        if count and matches > MOST_MATCHES:
            return works[:count]
    return [*works]


def _contracts(matches: Iterable[Match]) -> set[Address]:
    """Return the contracts of which a body tells the name."""
    return {match.subject.contract for match in matches if match.subject.contract is not None}
