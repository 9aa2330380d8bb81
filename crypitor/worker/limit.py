"""Keeps the calls to one node below what it allows."""

import asyncio
from collections.abc import Awaitable, Callable


class Limit:
    """Lets so many calls a second through, and as many at once after a pause of a second.

    per_second: None for no limit.  clock: seconds that only grow.
    """

    def __init__(
        self,
        per_second: float | None,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._per_second = per_second
        self._clock = clock
        self._sleep = sleep
        self._free_at = 0.0

    async def turn(self, calls: int) -> None:
        """Wait until a request of so many calls may be sent; a larger one makes the next wait."""
        if self._per_second is None:
            return
        now = self._clock()
        begin = max(self._free_at, now - 1.0)
        self._free_at = begin + calls / self._per_second
        if begin > now:
            await self._sleep(begin - now)
