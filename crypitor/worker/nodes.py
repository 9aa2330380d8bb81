"""Several endpoints of one network: the first healthy one is used, the rest stand by."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Literal, Self, TypeVar

import structlog

from crypitor.errors import NodeUnavailable, Unproven
from crypitor.evm.multicall import Read
from crypitor.evm.profiles import Level, Profile
from crypitor.evm.types import Address, Block, Hash, Header
from crypitor.monitor.needed import Needed
from crypitor.runtime.redaction import names_of
from crypitor.runtime.thrown import let_go
from crypitor.worker import Observer
from crypitor.worker.failures import joined, named
from crypitor.worker.limit import Limits, Rank
from crypitor.worker.node import Node
from crypitor.worker.requests import Turn
from crypitor.worker.rpc import Bloomed, Tag
from crypitor.worker.seat import Seat, trouble_of
from crypitor.worker.sight import Sight
from crypitor.worker.status import NodeStatus
from crypitor.worker.tracing import Traces

log = structlog.get_logger(__name__)

T = TypeVar("T")

COOL_DOWN_SECONDS = 15.0
"""How long a node that failed is not preferred to others; up to four times that if it often did."""

STALE_SECONDS = 15.0
"""A head that has not moved for so long makes one look at the siblings', at most so often."""

OLD_SECONDS = 60.0
"""So does a head whose block is so old."""

_FADING = 0.95
"""What is left of the error rate after one more request that worked."""


class Nodes:
    """The nodes of one network, in the order of preference; `async with` closes them.

    clock: seconds that only grow.  wall: unix seconds.
    settles: whether blocks are proven by later ones.  coin: whose logs tell moves of the chain's
    own coin.

    The methods are Node's. Each asks the first node that is not resting after a failure; where
    that fails, or has not what is asked for, the others are asked in turn within the same call.
    NodeUnavailable is raised when all failed.
    """

    def __init__(
        self,
        network: str,
        nodes: Sequence[Node],
        *,
        observer: Observer,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._network = network
        self._seats = [Seat(node) for node in nodes]
        self.coin = next((node.coin for node in nodes), None)
        self.settles = any(node.verify == "settled" for node in nodes)
        self._compared_at = clock()
        self._wall = wall
        self._active: Seat | None = None
        self._observer = observer
        self._clock = clock

    @classmethod
    def of_urls(
        cls,
        network: str,
        urls: Sequence[str],
        *,
        chain_id: int,
        timeout_seconds: float,
        verify: Level,
        profile: Profile | None = None,
        calls_per_second: float | None = None,
        limits: Limits | None = None,
        rank: Rank = Rank.LIVE,
        observer: Observer,
        traces: Traces = "off",
        arrives: Callable[[], None] = lambda: None,
        needed: Needed | None = None,
    ) -> Self:
        """Return the nodes behind these URLs; see Node for the arguments.

        calls_per_second: to each of them, together with whoever shares `limits`.
        """
        limits = limits or Limits()
        nodes = [
            Node(
                url,
                name,
                chain_id=chain_id,
                timeout_seconds=timeout_seconds,
                verify=verify,
                profile=profile,
                limit=limits.of(url, calls_per_second),
                rank=rank,
                traces=traces,
                observe=partial(observer.requested, network, name),
                arrives=arrives,
                needed=needed,
            )
            for url, name in zip(urls, names_of(urls), strict=True)
        ]
        return cls(network, nodes, observer=observer)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for seat in self._seats:
            await seat.node.close()

    @property
    def push(self) -> bool:
        """Whether any node can announce new heads."""
        return any(seat.node.pushes for seat in self._seats)

    @property
    def status(self) -> tuple[NodeStatus, ...]:
        """Every node, in the order of preference."""
        now = self._clock()
        return tuple(
            NodeStatus(
                name=seat.node.name,
                state="failing" if seat.error else "active" if seat is self._active else "standby",
                head=seat.head.number if seat.head else None,
                head_seconds=round(now - seat.head_since, 1) if seat.head else None,
                error=seat.error,
                error_rate=round(seat.error_rate, 3),
                latency_ms=round(latency * 1000, 1)
                if (latency := seat.node.latency_seconds) is not None
                else None,
                requests=seat.node.requests,
                batch_calls=seat.node.batch_calls,
                limits=seat.node.limits,
            )
            for seat in self._seats
        )

    @property
    def head(self) -> Header | None:
        """The highest block that a node showed last, as its newest."""
        shown = [seat.head for seat in self._seats if seat.head is not None]
        return max(shown, key=lambda head: head.number, default=None)

    @property
    def needs_all(self) -> bool:
        """Whether blocks come with all receipts now."""
        return any(seat.node.needs_all for seat in self._seats)

    @property
    def requests(self) -> int:
        """How many requests were sent to all nodes."""
        return sum(seat.node.requests for seat in self._seats)

    async def next(self, number: int, *, tags: bool = False, turn: Turn | None = None) -> Sight:
        """Return the head and block `number`, if any node has it."""
        lacks: list[str] = []

        async def ask(seat: Seat) -> Sight:
            try:
                sight = await seat.node.next(number, tags=tags, turn=turn)
            finally:
                if seat.node.head is not None:
                    self._showed(seat, seat.node.head)
            if sight.block is None:
                await self._compare(seat)
            if sight.lack:
                lacks.append(f"{seat.node.name}: {sight.lack}")
            return sight

        sight = await self._ask(ask, lambda sight: not sight.lack)
        return replace(sight, lack="; ".join(lacks)) if sight.lack else sight

    def doubt(self) -> None:
        """Check the chain id of every node again with its next request."""
        for seat in self._seats:
            seat.node.doubt()

    def accuse(self, name: str, trouble: str) -> None:
        """Turn to other nodes for a while, because of what this one showed."""
        for seat in self._seats:
            if seat.node.name == name:
                self._failed(seat, NodeUnavailable(trouble))

    async def witnesses(self, number: int, besides: str) -> list[Header | None]:
        """Return what the other nodes have at a height; those that fail are left out."""
        headers: list[Header | None] = []
        for seat in self._in_turn():
            if seat.node.name == besides:
                continue
            try:
                headers.append(await seat.node.header_at(number))
            except NodeUnavailable as error:
                self._failed(seat, error)
        return headers

    async def block(self, number: int) -> Block | None:
        """Return block `number`, None if no node has all of it."""
        return await self._ask(lambda seat: seat.node.block(number), _is_there)

    async def header(self, block_hash: Hash) -> Header | None:
        """Return the header with this hash, None if no node knows it."""
        return await self._ask(lambda seat: seat.node.header(block_hash), _is_there)

    async def header_at(self, place: int | Tag) -> Header | None:
        """Return the header at a height or tag, None if no node has one there."""
        return await self._ask(lambda seat: seat.node.header_at(place), _is_there)

    async def headers(self, first: int, last: int) -> tuple[Header, ...]:
        """Return the headers from `first` to `last`, all from one node."""
        return await self._ask(lambda seat: seat.node.headers(first, last), bool)

    async def headers_up_to(self, first: int, last: int) -> tuple[Header, ...]:
        """Return the headers from `first` to `last` that one node has: who has the most of them."""
        return await self._most(first, last, lambda seat: seat.node.headers_up_to(first, last))

    async def call(self, contract: Address, data: str, block: int | Tag) -> str | None:
        """Return what a contract returns when it is called, None where it reverts."""
        return await self._ask(lambda seat: seat.node.call(contract, data, block), lambda _: True)

    async def state(self, block_hash: Hash, reads: Sequence[Read]) -> list[str | None]:
        """Return what each read returns at a block; NoState where no node has that state."""
        return await self._ask(lambda seat: seat.node.state(block_hash, reads), _is_there)

    async def changed(self, block_hash: Hash) -> frozenset[Address] | None:
        """Return the accounts that a block changed; None where no node has a list of it."""
        return await self._ask(lambda seat: seat.node.changed(block_hash), _is_there)

    async def blooms(self, first: int, last: int) -> tuple[Bloomed, ...]:
        """Return the headers that one node has with their blooms, as `headers_up_to` does."""
        return await self._most(first, last, lambda seat: seat.node.blooms(first, last))

    async def logs(
        self, first: int, last: int, filters: Sequence[Mapping[str, object]]
    ) -> frozenset[int] | None:
        """Return the heights with such a log; None where every node refuses the range."""
        return await self._ask(lambda seat: seat.node.logs(first, last, filters), _is_there)

    async def height_of(self, transaction: Hash) -> int | Literal["pending"] | None:
        """Return the height of the block with a transaction; None if no node knows it."""
        return await self._ask(lambda seat: seat.node.height_of(transaction), _is_there)

    async def heads(self) -> AsyncIterator[Header]:
        """Yield new heads as one node announces them; NodeUnavailable when none does any more."""
        failure = NodeUnavailable("no node announces new heads")
        for seat in self._in_turn():
            if not seat.node.pushes:
                continue
            try:
                async for header in seat.node.heads():
                    self._showed(seat, header)
                    yield header
            except NodeUnavailable as error:
                failure = named(seat.node.name, error)
        raise failure

    async def _ask(self, ask: Callable[[Seat], Awaitable[T]], content: Callable[[T], bool]) -> T:
        failures: list[NodeUnavailable] = []
        answers: list[T] = []
        for seat in self._in_turn():
            try:
                answer = await ask(seat)
            except NodeUnavailable as error:
                failures.append(self._failed(seat, error))
                continue
            if trouble := trouble_of(seat, self._seats):
                self._failed(seat, NodeUnavailable(trouble))
                if isinstance(answer, Sight) and answer.block is None:
                    answers.append(answer)
                    continue
            else:
                self._worked(seat)
            if content(answer):
                return answer
            answers.append(answer)
        if answers:
            return answers[0]
        try:
            raise self._all_failed(failures)
        finally:
            del failures  # one of them may be what is raised, whose trace leads here

    async def _most(
        self, first: int, last: int, ask: Callable[[Seat], Awaitable[tuple[T, ...]]]
    ) -> tuple[T, ...]:
        """Return what one node has of these heights: all of it, or more than others have."""
        answers: list[tuple[T, ...]] = []

        async def note(seat: Seat) -> tuple[T, ...]:
            answers.append(await ask(seat))
            return answers[-1]

        await self._ask(note, lambda found: len(found) > last - first)
        return max(answers, key=len)

    def _in_turn(self) -> Iterator[Seat]:
        """Yield the nodes that may be asked, those that rest after the others."""
        now = self._clock()
        askable = [seat for seat in self._seats if seat.barred_until <= now]
        yield from sorted(askable, key=lambda seat: max(seat.resting_until - now, 0.0))

    def _showed(self, seat: Seat, head: Header) -> None:
        if seat.head is None or seat.head.hash != head.hash:
            seat.head_since = self._clock()
        seat.head = head

    async def _compare(self, seat: Seat) -> None:
        """Look at the heads of the other nodes, if there is reason to doubt this one's."""
        now = self._clock()
        assert seat.head is not None
        doubtful = (
            now - seat.head_since >= STALE_SECONDS
            or self._wall() - seat.head.timestamp >= OLD_SECONDS
        )
        if not doubtful or now - self._compared_at < STALE_SECONDS:
            return
        self._compared_at = now
        for other in self._in_turn():
            if other is seat or other.resting_until > now:
                continue
            try:
                head = await other.node.header_at("latest")
            except NodeUnavailable as error:
                self._failed(other, error)
            else:
                other.error = None
                if head is not None:
                    self._showed(other, head)

    def _worked(self, seat: Seat) -> None:
        seat.error_rate *= _FADING
        seat.error = None
        seat.resting_until = 0.0
        if self._active is not seat:
            if self._active is not None:
                log.info("node in use", network=self._network, node=seat.node.name)
            self._active = seat

    def _failed(self, seat: Seat, error: NodeUnavailable) -> NodeUnavailable:
        if isinstance(error, Unproven):
            self._observer.incomplete(self._network, seat.node.name, error.check)
        if seat.error is None and len(self._seats) > 1:
            log.warning(
                "node fails", network=self._network, node=seat.node.name, trouble=str(error)
            )
        now = self._clock()
        seat.error = str(error)
        seat.error_rate = 1 - (1 - seat.error_rate) * _FADING
        seat.resting_until = now + COOL_DOWN_SECONDS * max(1.0, 4 * seat.error_rate)
        seat.barred_until = now + (error.retry_after or 0.0)
        seat.node.doubt()
        let_go(error)
        return named(seat.node.name, error)

    def _all_failed(self, failures: Sequence[NodeUnavailable]) -> NodeUnavailable:
        """Return one error for all; a single one keeps its kind."""
        now = self._clock()
        barred = [seat.barred_until - now for seat in self._seats if seat.barred_until > now]
        retry_after = min(barred) if len(barred) == len(self._seats) else None
        if len(failures) == 1 and len(self._seats) == 1:
            return failures[0]
        return joined(failures, retry_after)


def _is_there(answer: object) -> bool:
    return answer is not None
