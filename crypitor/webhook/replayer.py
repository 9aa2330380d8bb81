"""What follows the sending: replays of past deliveries, and the rest of what deletions cancel.

Both are done in small transactions, by whichever process comes first.
"""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from crypitor.database.cancellations import cancel_more
from crypitor.database.engine import Database
from crypitor.database.replays import step_replay
from crypitor.loop import Health, forever

log = structlog.get_logger(__name__)

IDLE_SECONDS = 1.0
PER_SECOND = 50.0
BETWEEN_CANCELLATIONS_SECONDS = 0.02


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
    ) -> None:
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
        now = self._clock()
        stepped = await self._database.write(lambda tx: step_replay(tx, self._per_second, now))
        if stepped is None:
            self._idle_seconds = IDLE_SECONDS
            return False
        self._wake(stepped.endpoints)
        if stepped.done:
            log.info("replay done", job=stepped.replay_id, deliveries=stepped.queued)
        self._idle_seconds = min(IDLE_SECONDS, max(0, stepped.next_at - self._clock()) / 1000)
        return stepped.next_at <= now


class Canceller:
    """Gives up what deletions have left open. clock: unix milliseconds."""

    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock
        self._more = False

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Make steps until `stop` is set, with a rest between two for those who write as well."""

        async def step() -> bool:
            self._more = await self.step()
            return False

        await forever(
            "cancellations", step, stop=stop, health=health, idle_seconds=self._rest_seconds
        )

    async def step(self) -> bool:
        """Make one step; False when nothing is left."""
        return await self._database.write(lambda tx: cancel_more(tx, self._clock()))

    def _rest_seconds(self) -> float:
        return BETWEEN_CANCELLATIONS_SECONDS if self._more else IDLE_SECONDS
