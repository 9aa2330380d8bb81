"""The roles that see to what is past: replays, what deletions cancel, what is kept no longer."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, Protocol

from crypitor.config import Config, RetentionConfig
from crypitor.database.engine import Database
from crypitor.database.leftovers import has_leftovers, remove_leftovers
from crypitor.database.retention import DAY_MS, Kept
from crypitor.loop import Health, clock, forever
from crypitor.retention import Retention
from crypitor.webhook.replayer import Canceller, Replayer

LEFTOVERS_REST_SECONDS = 0.02
LEFTOVERS_IDLE_SECONDS = 5.0


class Runs(Protocol):
    """What runs until it is told to stop."""

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Run until `stop` is set."""


def upkeep(
    config: Config,
    roles: Sequence[str],
    database: Database,
    wake: Callable[[Iterable[str]], None],
) -> Iterator[tuple[str, Runs]]:
    """Yield name and role of what a process with these roles does beside them.

    Each of them shares its work, step by step, with the same one in other processes.
    """
    yield "leftovers", Leftovers(database)
    if "webhook" in roles:
        per_second = config.webhook.replay_per_second
        yield "replays", Replayer(database, wake=wake, clock=clock, per_second=per_second)
        yield "cancellations", Canceller(database, clock=clock)
    if {"webhook", "monitor"} & set(roles):
        yield "retention", Retention(database, kept_of(config.retention), clock=clock)


class Leftovers:
    """Removes what deleted monitors left, a step at a time, with a rest after each."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._more = False

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Make steps until `stop` is set."""
        await forever(
            "leftovers", self.step, stop=stop, health=health, idle_seconds=self.rest_seconds
        )

    async def step(self) -> bool:
        """Remove some; always False, so that others have their turn before the next step."""
        if not self._more:
            self._more = await self._database.read(has_leftovers)
        if self._more:
            self._more = await self._database.write(remove_leftovers)
        return False

    def rest_seconds(self) -> float:
        """Return how long to wait before the next step."""
        return LEFTOVERS_REST_SECONDS if self._more else LEFTOVERS_IDLE_SECONDS


def kept_of(retention: RetentionConfig) -> Kept:
    """Return in milliseconds and bytes what is configured in days and megabytes."""
    most_mb = retention.max_database_mb
    return Kept(
        attempts=_days(retention.attempts_days),
        bodies=_days(retention.bodies_days),
        deliveries=_days(retention.deliveries_days),
        matches=_days(retention.matches_days),
        most_bytes=None if most_mb is None else most_mb * 1_000_000,
    )


def _days(days: int | Literal["forever"]) -> int | None:
    return None if days == "forever" else days * DAY_MS
