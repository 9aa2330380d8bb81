"""Those who wait for their turn to write, while nobody can: each is told after his own time.

Without a lock of another process a row may be long; that is no outage.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic


class Patience:
    """seconds: for which one waits in all, once the database is known to be locked."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: dict[asyncio.Timeout, float] = {}
        self._is_locked = False

    @contextmanager
    def place(self, limit: asyncio.Timeout, since: float) -> Iterator[None]:
        """Wait within this; `limit` ends it. since: on the monotonic clock."""
        self._waiting[limit] = since
        if self._is_locked:
            self._set(limit, since)
        try:
            yield
        finally:
            self.leave(limit)

    def leave(self, limit: asyncio.Timeout) -> None:
        """Wait no more: what follows takes as long as it takes."""
        if self._waiting.pop(limit, None) is not None and not limit.expired():
            limit.reschedule(None)

    def lock(self) -> None:
        """Note that the first in the row could not get the lock in its time."""
        if not self._is_locked:
            self._is_locked = True
            for limit, since in self._waiting.items():
                self._set(limit, since)

    def free(self) -> None:
        """Note that somebody has written."""
        if self._is_locked:
            self._is_locked = False
            for limit in self._waiting:
                if not limit.expired():
                    limit.reschedule(None)

    def _set(self, limit: asyncio.Timeout, since: float) -> None:
        if not limit.expired():
            left = max(0.0, since + self._seconds - monotonic())
            limit.reschedule(asyncio.get_running_loop().time() + left)
