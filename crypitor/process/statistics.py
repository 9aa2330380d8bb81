"""The role that counts what happened by minute and hour, a little at a time."""

import asyncio
import time
from collections.abc import Callable

from crypitor.database.engine import Database
from crypitor.database.statistics import NOTHING, Counted, count_more, is_counted
from crypitor.runtime.loop import Health, forever

IDLE_SECONDS = 1.0

STEP_SECONDS = 0.015
"""How long a step should take: a block that comes meanwhile waits so much longer at worst."""

SHARE = 0.2
"""Of the time that may be spent in steps."""

FEWEST, MOST = 50, 2000


class Statistics:
    """Counts in transactions that find their own size. clock: unix ms."""

    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock
        self._rows = FEWEST * 4
        self._rest_seconds = 0.0

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Make steps until `stop` is set, with rests between them in which the others write."""

        async def step() -> bool:
            await self.step()
            return False

        await forever(
            "statistics", step, stop=stop, health=health, idle_seconds=lambda: self._rest_seconds
        )

    async def step(self) -> Counted:
        """Make one step, if there is anything to count."""
        if await self._database.read(is_counted, at_once=True):
            self._rest_seconds = IDLE_SECONDS
            return NOTHING
        now, rows = self._clock(), self._rows
        began = time.monotonic()
        counted = await self._database.write(lambda tx: count_more(tx, now, rows), at_once=True)
        seconds = time.monotonic() - began
        if seconds > STEP_SECONDS:
            self._rows = max(FEWEST, rows // 2)
        elif counted.more and seconds < STEP_SECONDS / 2:
            self._rows = min(MOST, rows * 5 // 4)
        self._rest_seconds = seconds * (1 / SHARE - 1) if counted.more else IDLE_SECONDS
        return counted
