"""What the API is given by the process that runs it."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypeVar

from aiohttp import web
from aiohttp.typedefs import Middleware

from crypitor.api.serving.changing import Changing
from crypitor.api.serving.counts import Counts
from crypitor.api.serving.front import Front
from crypitor.api.serving.tail import Tail
from crypitor.backfill.trial import Trial
from crypitor.config.shown import Setting
from crypitor.database.engine import Database, Transaction
from crypitor.database.given import Given
from crypitor.database.ids import Ids
from crypitor.database.limits import UNLIMITED, Limits
from crypitor.database.networks import KnownChain
from crypitor.database.room import Room
from crypitor.database.uses import Uses
from crypitor.errors import ConfigError, Unavailable
from crypitor.evm.types import Address, Hash, Header
from crypitor.monitor.index import Labelled
from crypitor.monitor.models import Confirmations, Monitor
from crypitor.runtime.loop import Health, give_way
from crypitor.runtime.precedence import Precedence
from crypitor.runtime.turnstile import Turnstile
from crypitor.webhook.closed import Closed
from crypitor.webhook.delivery import Endpoint, Outcome
from crypitor.webhook.egress import Network

T = TypeVar("T")


class WatchIndex(Protocol):
    """Who watches what, in memory, for a matcher in the same process."""

    def put(self, monitor: Monitor) -> None:
        """Add a monitor, or replace what it asks."""

    def replacing(
        self, monitor: Monitor
    ) -> AbstractContextManager[Callable[[Iterable[Labelled]], None]]:
        """Add or replace a monitor with all its addresses, which the yielded function takes."""

    def remove(self, monitor_id: str) -> None:
        """Forget a monitor and its addresses."""

    def add_addresses(self, monitor_id: str, pairs: Iterable[Labelled]) -> None:
        """Watch more addresses of a monitor that was put."""

    def remove_addresses(self, monitor_id: str, addresses: Iterable[Address]) -> None:
        """Watch these no longer; the monitor was put."""


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """What the configuration says of a network.

    explorer: base URL, None for none.  traces: whether internal transfers are looked for.
    verify: how its blocks are proven, as the configuration has it; empty where it is not told.
    """

    name: str
    chain_id: int
    display_name: str
    symbol: str
    explorer: str | None
    confirmations: Confirmations
    traces: bool = False
    verify: str = ""


class ReadAgain(Protocol):
    """What a configuration that was read again changes, by its keys."""

    @property
    def changed(self) -> Sequence[str]:
        """In force in a moment."""

    @property
    def restart(self) -> Sequence[str]:
        """Waiting for a restart."""


class Passed(Protocol):
    """Heights from `first` to `last`, and how many of them have a block, or at most."""

    @property
    def first(self) -> int:
        """The lowest."""

    @property
    def last(self) -> int:
        """The highest."""

    @property
    def blocks(self) -> int:
        """How many have a block."""

    @property
    def is_most(self) -> bool:
        """Whether it may be fewer."""


class Footing(Protocol):
    """Where a network would go on."""

    @property
    def before(self) -> Sequence[Header]:
        """The headers below it."""

    @property
    def passed(self) -> Passed | None:
        """What is left out."""


class Proposal(Protocol):
    """Where a stopped network would best go on."""

    @property
    def first(self) -> int:
        """The first block that is read again."""

    @property
    def reason(self) -> str:
        """Why that one, in a sentence."""


Proposing: TypeAlias = Callable[
    [KnownChain, Callable[[int], Awaitable[tuple[int, Hash] | None]]], Awaitable[Proposal]
]
"""Finds the first block that differs from what is kept of a chain, which it asks for by height."""

Looking: TypeAlias = Callable[[int, Header | None], Awaitable[Footing]]
"""Looks what going on at a height comes to, after the block that was matched last."""


async def _as_it_is() -> ReadAgain:
    raise ConfigError("configuration", ["this process cannot read it again"])


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that the API works with.

    index: None when matchers follow the changes by themselves, in this process or others.
    armed_from: network → first block at which a change made now is in force, None while unknown;
    without an index the database is asked instead, within the change.
    networks: by name.
    status: network → what `NetworkAnswer` has beyond `networks`; keys may be missing.
    roles: those of this process.
    wake: tells the sender of this process, if there is one, which endpoints may have something due.
    post: sends a body, signed, to an endpoint: endpoint, webhook-id, body, unix milliseconds.
    lease_ms: how long a sender may hold a delivery.
    allow_private: networks of `webhook.allow_private`. closed: what is never called.
    kafka_topics: topics that endpoints may name.
    auth: False lets everybody on this machine in, as the operator.
    front: who may ask, beside keys.
    clock: unix milliseconds.
    process: the name of this process. processes: what each process of the service told of itself of
    late; empty with only this one.
    in_doubt: told when a change failed without a word on whether it was committed.
    counts: of the monitors' addresses.
    trials: network → what tries monitors on its past.
    footings: network → what looks, at its nodes, what going on somewhere comes to; raises Conflict.
    proposals: network → what finds, at its nodes, where it would best go on.
    precedence: of blocks that are on their way to their first POST.
    given: what was given out to callers, which an older copy of the database does not know.
    refused: told, with a word for why, of what came to the API's port and was not served.
    changing: whose turn it is while the database and then the index change, so that both see one
    order.
    steady: seconds of a clock that nobody puts back.
    ids: the times of new ids.
    limits: of a project that has none of its own.
    uses: when keys were used, to be stored now and then.
    events: the end of the log of what was told, for those who follow it.
    reload: reads the configuration again and lets it be taken; raises ConfigError.
    traced: middlewares that trace requests, before all others; none where nothing is traced.
    settings: what is configured, by its table, without secrets.
    room: of the database; None where it is no file.
    slices: of long work, in whose turn the next one begins.
    """

    database: Database
    events: Tail
    index: WatchIndex | None
    armed_from: Callable[[str], int | None]
    networks: Mapping[str, NetworkFacts]
    status: Callable[[], Mapping[str, Mapping[str, object]]]
    health: Health
    roles: Sequence[str]
    render_metrics: Callable[[], Awaitable[bytes]]
    wake: Callable[[Iterable[str]], None]
    post: Callable[[Endpoint, str, bytes, int], Awaitable[Outcome]]
    lease_ms: int
    allow_private: Sequence[Network]
    auth: bool
    clock: Callable[[], int]
    random_bytes: Callable[[int], bytes]
    front: Front = field(default_factory=Front)
    process: str = "this process"
    processes: Callable[[], Sequence[Mapping[str, Any]]] = tuple
    kafka_topics: Sequence[str] = ()
    closed: Closed = field(default_factory=Closed)
    in_doubt: Callable[[], None] = lambda: None
    refused: Callable[[str], None] = lambda _: None
    trials: Mapping[str, Trial] = field(default_factory=dict)
    footings: Mapping[str, Looking] = field(default_factory=dict)
    proposals: Mapping[str, Proposing] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    precedence: Precedence = field(default_factory=Precedence)
    given: Given = field(default_factory=Given)
    changing: Changing = field(default_factory=Changing)
    steady: Callable[[], float] = time.monotonic
    uses: Uses = field(default_factory=Uses)
    ids: Ids = field(default_factory=Ids)
    limits: Limits = UNLIMITED
    reload: Callable[[], Awaitable[ReadAgain]] = _as_it_is
    traced: Sequence[Middleware] = ()
    settings: Callable[[], Mapping[str, Sequence[Setting]]] = dict
    room: Callable[[], Room | None] = lambda: None
    slices: Turnstile = field(init=False)

    def __post_init__(self) -> None:
        """Let blocks go before slices."""
        object.__setattr__(self, "slices", Turnstile(*self.first))

    @property
    def first(self) -> tuple[Precedence, ...]:
        """Who goes before requests, one of them at a time: blocks, and what is stored of them."""
        return self.precedence, self.database.first

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run a unit of work that writes. Raises DatabaseUnavailable."""
        try:
            return await self.database.write(work, at_once=True)
        except Unavailable:
            self.in_doubt()
            raise

    async def give_way(self) -> None:
        """Let others go on, between two slices of long work: above all whoever stores something.

        Of all that is long one slice is worked at in a turn of the loop.
        """
        await give_way(lambda: self.database.is_writing)
        await self.slices.passed()


CONTEXT = web.AppKey("CONTEXT", Context)
