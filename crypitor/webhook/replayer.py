"""Sends past deliveries again, in small transactions, by whichever process comes first."""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from crypitor.database.engine import Database
from crypitor.database.replays import step_replay
from crypitor.runtime.loop import Health, forever

log = structlog.get_logger(__name__)

IDLE_SECONDS = 1.0
PER_SECOND = 50.0


class Replayer:
    """Opens past deliveries again, at a pace.

    per_second: deliveries that each replay opens. wake: told that something is due.
    clock: unix milliseconds.
    """

    def __init__(
        self,
        database: Database,
        *,
        wake: Callable[[Iterable[str]], None],
        clock: Callable[[], int],
        per_second: float = PER_SECOND,
        spare: Callable[[], None] = lambda: None,
    ) -> None:
        self._spare = spare
        self._database = database
        self._wake = wake
        self._clock = clock
        self._per_second = per_second
        self._idle_seconds = IDLE_SECONDS

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Make steps until `stop` is set."""
        await forever(
            "replays",
            self.step,
            stop=stop,
            health=health,
            idle_seconds=lambda: self._idle_seconds,
        )

    async def step(self) -> bool:
        """Make a step of the replay that is due; False when there is nothing to do now."""
        self._spare()
        now = self._clock()
        stepped = await self._database.write(
            lambda tx: step_replay(tx, self._per_second, now), at_once=True
        )
        if stepped is None:
            self._idle_seconds = IDLE_SECONDS
            return False
        self._wake(stepped.endpoints)
        if stepped.done:
            log.info("replay done", job=stepped.replay_id, deliveries=stepped.queued)
        self._idle_seconds = min(IDLE_SECONDS, max(0, stepped.next_at - self._clock()) / 1000)
        return stepped.next_at <= now
