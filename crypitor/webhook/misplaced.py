"""Looks now and then for instants that another clock has put too far ahead."""

from collections.abc import Callable

from crypitor.database.engine import Database
from crypitor.database.instants import any_too_far, bring_back

SHARED_MS = 2_000
"""Between two looks where other processes queue deliveries, by clocks of their own."""

ALONE_MS = 60_000
"""The same where none does: of a clock that was set back one is told at once."""

SHARE = 0.02
"""Of the time that looks may take: one reads all deliveries that wait for a next attempt."""


class Misplaced:
    """Makes due what is further ahead than its wait. shared: whether other processes queue."""

    def __init__(self, database: Database, clock: Callable[[], int], *, shared: bool) -> None:
        self._database = database
        self._clock = clock
        self._again_ms = SHARED_MS if shared else ALONE_MS
        self._look_at = 0

    def look_again(self) -> None:
        """Let the next look be at once: the clock was set back."""
        self._look_at = 0

    async def look(self, now: int) -> None:
        """Look, if it is time to. Raises DatabaseUnavailable. now: unix milliseconds."""
        if now < self._look_at:
            return
        more = await self._database.read(lambda tx: any_too_far(tx, now), at_once=True)
        took = self._clock() - now
        while more:
            more = await self._database.write(lambda tx: bring_back(tx, now), at_once=True)
        self._look_at = now + max(self._again_ms, round(took / SHARE))
