"""The roles that see to what is past: replays, deletions, what is kept no longer, memory."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Literal, Protocol, TypeAlias

from crypitor.config import Config, RetentionConfig
from crypitor.database.cancellations import cancel_more, has_cancellations
from crypitor.database.engine import Database, Transaction
from crypitor.database.leftovers import has_leftovers, remove_leftovers
from crypitor.database.limits import Limits
from crypitor.database.retention import DAY_MS, Kept
from crypitor.database.uses import Uses
from crypitor.process.quotas import Quotas
from crypitor.process.retention import Retention
from crypitor.process.statistics import Statistics
from crypitor.runtime.garbage import Garbage
from crypitor.runtime.loop import Health, clock, forever
from crypitor.webhook.replayer import Replayer

REST_SECONDS = 0.02
IDLE_SECONDS = 1.0

InTransaction: TypeAlias = Callable[[Transaction], Awaitable[bool]]


class Runs(Protocol):
    """What runs until it is told to stop."""

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Run until `stop` is set."""


def upkeep(
    config: Config,
    roles: Sequence[str],
    database: Database,
    wake: Callable[[Iterable[str]], None],
    spare: Callable[[], None],
) -> Iterator[tuple[str, Runs]]:
    """Yield name and role of what a process with these roles does beside them.

    spare: raises DatabaseUnavailable while there is no room for what can wait.
    Each of them shares its work, step by step, with the same one in other processes.
    """
    yield "leftovers", leftovers(database)
    yield "garbage", Garbage(busy=lambda: database.is_writing)
    if "webhook" in roles:
        per_second = config.webhook.replay_per_second
        replayer = Replayer(database, wake=wake, clock=clock, per_second=per_second, spare=spare)
        yield "replays", replayer
        yield "cancellations", cancellations(database)
        yield "quotas", Quotas(database, project_limits(config), clock=clock, wake=wake)
    if {"webhook", "monitor"} & set(roles):
        yield "retention", Retention(database, kept_of(config.retention), clock=clock)
        yield "statistics", Statistics(database, clock=clock)


def storing_uses(uses: Uses, database: Database) -> Callable[[], Coroutine[None, None, bool]]:
    """Return what stores when keys were used."""

    async def store() -> bool:
        await uses.store(database)
        return False

    return store


class Sweep:
    """Does what deletions have left, a step at a time, with a rest after each.

    left: whether there is any. sweep: does some of it; False when nothing is left.
    """

    def __init__(
        self, name: str, database: Database, left: InTransaction, sweep: InTransaction
    ) -> None:
        self._name = name
        self._database = database
        self._left = left
        self._sweep = sweep
        self._more = False

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Make steps until `stop` is set."""

        async def step() -> bool:
            await self.step()
            return False  # others have their turn before the next

        await forever(self._name, step, stop=stop, health=health, idle_seconds=self._rest_seconds)

    async def step(self) -> bool:
        """Make one step; False when nothing is left."""
        if not self._more:
            self._more = await self._database.read(self._left, at_once=True)
        if self._more:
            self._more = await self._database.write(self._sweep)
        return self._more

    def _rest_seconds(self) -> float:
        return REST_SECONDS if self._more else IDLE_SECONDS


def leftovers(database: Database) -> Sweep:
    """Return what removes the addresses of deleted monitors."""
    return Sweep("leftovers", database, has_leftovers, remove_leftovers)


def cancellations(database: Database) -> Sweep:
    """Return what gives up the deliveries of deleted monitors and endpoints."""
    return Sweep("cancellations", database, has_cancellations, lambda tx: cancel_more(tx, clock()))


def kept_of(retention: RetentionConfig) -> Kept:
    """Return in milliseconds and bytes what is configured in days and megabytes."""
    most_mb = retention.max_database_mb
    return Kept(
        attempts=_days(retention.attempts_days),
        bodies=_days(retention.bodies_days),
        deliveries=_days(retention.deliveries_days),
        matches=_days(retention.matches_days),
        audit=_days(retention.audit_days),
        most_bytes=None if most_mb is None else most_mb * 1_000_000,
    )


def project_limits(config: Config) -> Limits:
    """Return what a project may have that has no limits of its own."""
    return Limits(**config.limits.model_dump())


def _days(days: int | Literal["forever"]) -> int | None:
    return None if days == "forever" else days * DAY_MS
