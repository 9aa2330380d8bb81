"""Several endpoints of one network: the first healthy one is used, the rest stand by."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit

import structlog

from crypitor.errors import NodeUnavailable, Unproven
from crypitor.evm.proof import Level
from crypitor.evm.types import Block, Hash, Header
from crypitor.worker import Observer
from crypitor.worker.node import Node, Sight
from crypitor.worker.rpc import Tag
from crypitor.worker.status import NodeState, NodeStatus

log = structlog.get_logger(__name__)

T = TypeVar("T")

COOL_DOWN_SECONDS = 15.0
"""How long a node that failed is not preferred to others."""


@dataclass(slots=True)
class _Seat:
    """A node and how it fares.

    resting_until: not preferred before, on the clock.  barred_until: not asked before, because it
    said so (Retry-After).
    """

    node: Node
    head: int | None = None
    error: str | None = None
    resting_until: float = 0.0
    barred_until: float = 0.0


class Nodes:
    """The nodes of one network, in the order of preference; `async with` closes them.

    clock: seconds that only grow.

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
    ) -> None:
        self._network = network
        self._seats = [_Seat(node) for node in nodes]
        self._active: _Seat | None = None
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
        tags: bool,
        observer: Observer,
    ) -> Self:
        """Return the nodes behind these URLs; see Node for the arguments."""
        nodes = [
            Node(
                url,
                name,
                chain_id=chain_id,
                timeout_seconds=timeout_seconds,
                verify=verify,
                tags=tags,
                observe=partial(observer.requested, network, name),
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
        return tuple(
            NodeStatus(seat.node.name, self._state(seat), seat.head, seat.error)
            for seat in self._seats
        )

    async def next(self, number: int) -> Sight:
        """Return the head and block `number`, if any node has it."""

        async def ask(seat: _Seat) -> Sight:
            sight = await seat.node.next(number)
            seat.head = sight.head.number
            return sight

        return await self._ask(
            ask, lambda sight: sight.block is not None or sight.head.number < number
        )

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
        return await self._ask(lambda seat: seat.node.headers(first, last), _is_there)

    async def heads(self) -> AsyncIterator[Header]:
        """Yield new heads as one node announces them; NodeUnavailable when none does any more."""
        failure = NodeUnavailable("no node announces new heads")
        for seat in self._in_turn():
            if not seat.node.pushes:
                continue
            try:
                async for header in seat.node.heads():
                    seat.head = header.number
                    yield header
            except NodeUnavailable as error:
                failure = _named(seat, error)
        raise failure

    async def _ask(self, ask: Callable[[_Seat], Awaitable[T]], content: Callable[[T], bool]) -> T:
        failures: list[NodeUnavailable] = []
        answers: list[T] = []
        for seat in self._in_turn():
            try:
                answer = await ask(seat)
            except NodeUnavailable as error:
                failures.append(self._failed(seat, error))
                continue
            self._worked(seat)
            if content(answer):
                return answer
            answers.append(answer)
        if answers:
            return answers[0]
        raise self._all_failed(failures)

    def _in_turn(self) -> Iterator[_Seat]:
        """Yield the nodes that may be asked, those that rest after the others."""
        now = self._clock()
        askable = [seat for seat in self._seats if seat.barred_until <= now]
        yield from sorted(askable, key=lambda seat: max(seat.resting_until - now, 0.0))

    def _worked(self, seat: _Seat) -> None:
        seat.error = None
        seat.resting_until = 0.0
        if self._active is not seat:
            if self._active is not None:
                log.info("node in use", network=self._network, node=seat.node.name)
            self._active = seat

    def _failed(self, seat: _Seat, error: NodeUnavailable) -> NodeUnavailable:
        if isinstance(error, Unproven):
            self._observer.incomplete(self._network, seat.node.name, error.check)
        if seat.error is None and len(self._seats) > 1:
            log.warning(
                "node fails", network=self._network, node=seat.node.name, trouble=str(error)
            )
        now = self._clock()
        seat.error = str(error)
        seat.resting_until = now + COOL_DOWN_SECONDS
        seat.barred_until = now + (error.retry_after or 0.0)
        seat.node.doubt()
        return _named(seat, error)

    def _all_failed(self, failures: Sequence[NodeUnavailable]) -> NodeUnavailable:
        """Return one error for all; a single one keeps its kind."""
        now = self._clock()
        barred = [seat.barred_until - now for seat in self._seats if seat.barred_until > now]
        retry_after = min(barred) if len(barred) == len(self._seats) else None
        if len(failures) == 1 and len(self._seats) == 1:
            return failures[0]
        reasons = [str(failure) for failure in failures] or ["every node asked to be left alone"]
        return NodeUnavailable("; ".join(reasons), retry_after)

    def _state(self, seat: _Seat) -> NodeState:
        if seat.error is not None:
            return "failing"
        return "active" if seat is self._active else "standby"


def names_of(urls: Sequence[str]) -> list[str]:
    """Return a name for each URL: its host and port, numbered where that is not unique.

    Paths, queries and user names of node URLs are keys more often than not: they are left out.
    """
    hosts = [urlsplit(url).netloc.rpartition("@")[2] for url in urls]
    return [
        host if hosts.count(host) == 1 else f"{host}#{hosts[: at + 1].count(host)}"
        for at, host in enumerate(hosts)
    ]


def _is_there(answer: object) -> bool:
    return answer is not None


def _named(seat: _Seat, error: NodeUnavailable) -> NodeUnavailable:
    """Return the error with the node's name in it, and itself as its cause."""
    text = f"{seat.node.name}: {error}"
    named = (
        Unproven(error.check, text)
        if isinstance(error, Unproven)
        else NodeUnavailable(text, error.retry_after)
    )
    named.__cause__ = error
    return named
