"""The monitor's role: takes blocks from the queue, matches them, stores what came of each."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from crypitor.database.blocks import BlockEffect, Saved, save_block
from crypitor.database.engine import Database
from crypitor.database.networks import ask_rewind, position_of
from crypitor.errors import IndexOutdated
from crypitor.evm.types import Address, Header
from crypitor.loop import Health, forever
from crypitor.monitor.index import Index
from crypitor.monitor.match import Tally, find_matches
from crypitor.monitor.models import Confirmations, Match
from crypitor.monitor.position import Extends, Position, Repeated, Unlinked, place
from crypitor.monitor.tokens import Tokens
from crypitor.queue import Message, Queue
from crypitor.webhook.message import NetworkTitle

log = structlog.get_logger(__name__)

QUEUE_WAIT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Chain:
    """What the matcher must know of a network.

    title: for people.
    confirmations: required where a monitor says nothing else.
    kept_headers: how many matched headers are kept, the tip among them.
    """

    title: NetworkTitle
    confirmations: Confirmations
    kept_headers: int


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
        """Count a block that took effect; `seconds` is what finding its matches took."""


@dataclass(slots=True)
class _Work:
    """A block that is being given effect: kept over an outage, so that it is matched only once."""

    message: Message
    matches: list[Match]
    tally: Tally
    seconds: float
    revision: int | None


class Matcher:
    """Queue → matches → database, one block at a step.

    wake: told the endpoints that have something new, right after it is stored.
    clock: unix milliseconds.
    refresh: brings the index up to date, before each block; returns the revision of the monitors
    that must still be the newest when the block is stored, None where there is none.
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
    ) -> None:
        self._queue = queue
        self._database = database
        self._index = index
        self._chains = chains
        self._wake = wake
        self._clock = clock
        self._observer = observer
        self._refresh = refresh
        self._positions: dict[str, Position] = {}
        self._matched: dict[str, int] = {}
        self._work: _Work | None = None
        self._tokens = Tokens()

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Match blocks until `stop` is set."""
        await forever("monitor", self.step, stop=stop, health=health, idle_seconds=0.0)

    async def load(self) -> None:
        """Read where every network stands. Raises DatabaseUnavailable."""
        for network in self._chains:
            await self._position(network)

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
        """Give the next block its effect. False when there was none within the waiting time."""
        if self._work is None:
            message = await self._queue.next(QUEUE_WAIT_SECONDS)
            if message is None:
                await self._refresh()
                return False
            if not await self._begin(message):
                await self._queue.done(message)
                return True
        work = self._work
        assert work is not None
        if await self._save(work):
            self._work = None
            await self._queue.done(work.message)
        return True

    async def _begin(self, message: Message) -> bool:
        """Find the matches of a block that comes next; False for one that does not."""
        if message.network not in self._chains:
            log.warning("block of a network that is not configured", network=message.network)
            return False
        if await self._placed(message) is None:
            return False
        self._work = await self._match(message)
        return True

    async def _match(self, message: Message) -> _Work:
        revision = await self._refresh()
        started = time.perf_counter()
        tally = Tally()
        matches = find_matches(message.block, message.network, message.chain_id, self._index, tally)
        self._matched[message.network] = message.block.header.number
        return _Work(message, matches, tally, time.perf_counter() - started, revision)

    async def _save(self, work: _Work) -> bool:
        """Store the effect. False when somebody else has moved the chain meanwhile."""
        message, header = work.message, work.message.block.header
        placed = await self._placed(message)
        if placed is None:
            self._work = None
            await self._queue.done(message)
            return False
        position = await self._position(message.network)
        chain = self._chains[message.network]
        now = self._clock()
        contracts = _contracts(work.matches)
        known = self._tokens.known(message.network, contracts, now)
        effect = BlockEffect(
            network=message.network,
            chain_id=message.chain_id,
            title=chain.title,
            expected_sequence=position.sequence,
            sequence=message.sequence,
            header=header,
            ancestor_number=placed.ancestor.number if placed.ancestor else None,
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
            revision=work.revision,
        )
        try:
            saved = await self._database.write(lambda tx: save_block(tx, effect))
        except IndexOutdated:
            self._work = await self._match(message)
            return False
        if saved is None:
            del self._positions[message.network]
            return False
        self._positions[message.network] = position.with_block(
            message.sequence, placed.ancestor, header, chain.kept_headers
        )
        self._tokens.keep(message.network, saved.tokens)
        self._wake(saved.endpoints)
        if placed.orphaned:
            log.info(
                "reorg",
                network=message.network,
                depth=len(placed.orphaned),
                block=header.number,
                reverted=saved.reverted,
            )
        self._observer.block_matched(message, work.matches, work.tally, saved, work.seconds)
        return True

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

    async def _ask_rewind(self, message: Message) -> None:
        log.warning(
            "block without a known parent; asking the worker to go back",
            network=message.network,
            block=message.block.header.number,
        )
        await self._database.write(lambda tx: ask_rewind(tx, message.network))


def _contracts(matches: Iterable[Match]) -> set[Address]:
    """Return the contracts of which a body tells the name."""
    return {match.subject.contract for match in matches if match.subject.contract is not None}
