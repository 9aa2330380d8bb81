"""The role that removes what is older than it has to be kept, a little at a time."""

import asyncio
import time
from collections.abc import Callable

import structlog

from crypitor.database.engine import Database, Transaction
from crypitor.database.retention import Kept, Pruned, known_time, note_time, plan, prune
from crypitor.runtime.loop import Health, forever

log = structlog.get_logger(__name__)

IDLE_SECONDS = 10.0
PLAN_MS = 60_000
LOG_SECONDS = 600.0

STEP_SECONDS = 0.015
"""How long a step should take: a block that comes meanwhile waits so much longer at worst."""

SHARE = 0.2
"""Of the time that may be spent in steps."""

FEWEST, MOST = 20, 1000


class Retention:
    """Removes what is too old, in transactions that find their own size.

    clock: unix ms. timer: seconds that only grow. The clock may be set forward: that time has
    passed is believed only as far as the timer has gone on, or blocks have come.
    """

    def __init__(
        self,
        database: Database,
        kept: Kept,
        *,
        clock: Callable[[], int],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._kept = kept
        self._clock = clock
        self._timer = timer
        self._rows = FEWEST * 5
        self._planned_at: int | None = None
        self._known: tuple[int, float] | None = None
        self._rest_seconds = 0.0
        self._removed: dict[str, int] = {}
        self._told_at = time.monotonic()

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Make steps until `stop` is set, with rests between them in which the others write."""

        async def step() -> bool:
            await self.step()
            return False

        await forever(
            "retention", step, stop=stop, health=health, idle_seconds=lambda: self._rest_seconds
        )

    async def step(self) -> bool:
        """Make one step; False when nothing is due."""
        now = self._clock()
        plans = self._planned_at is None or abs(now - self._planned_at) >= PLAN_MS
        began, known = 0.0, now

        async def unit(tx: Transaction) -> Pruned | None:
            nonlocal began, known
            began = self._timer()
            known = self._passed(now, began)
            if plans:
                known = min(now, max(known, await known_time(tx, now)))
                await plan(tx, now)
                await note_time(tx, known)
            return await prune(tx, self._kept, now, self._rows, known)

        pruned = await self._database.write(unit, at_once=True)
        self._known = known, began
        seconds = self._timer() - began
        if plans:
            self._planned_at = now
        if pruned is None:
            self._rest_seconds = IDLE_SECONDS
            return False
        self._rest_seconds = min(IDLE_SECONDS, seconds * (1 / SHARE - 1))
        self._adapt(pruned.removed, seconds)
        self._tell(pruned)
        return True

    def _passed(self, now: int, seconds: float) -> int:
        """Return the latest instant that is known to have passed. seconds: of the timer."""
        known, since = self._known or (0, seconds)
        return min(now, known + round((seconds - since) * 1000))

    def _adapt(self, removed: int, seconds: float) -> None:
        """Let the next step look at fewer rows, or more."""
        if seconds > STEP_SECONDS:
            self._rows = max(FEWEST, self._rows // 2)
        elif removed and seconds < STEP_SECONDS / 2:
            self._rows = min(MOST, self._rows * 5 // 4)

    def _tell(self, pruned: Pruned) -> None:
        if pruned.removed:
            self._removed[pruned.task] = self._removed.get(pruned.task, 0) + pruned.removed
        if self._removed and time.monotonic() - self._told_at >= LOG_SECONDS:
            log.info("removed after their time", **self._removed)
            self._removed, self._told_at = {}, time.monotonic()
