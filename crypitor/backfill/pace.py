"""Keeps requests apart."""

import asyncio
import time


class Pace:
    """Lets so many pass in a second, evenly."""

    def __init__(self, per_second: float) -> None:
        self._apart_seconds = 1 / per_second
        self._next_at = 0.0

    async def turn(self) -> None:
        """Wait until the next may pass."""
        now = time.monotonic()
        at = max(now, self._next_at)
        self._next_at = at + self._apart_seconds
        if at > now:
            await asyncio.sleep(at - now)
