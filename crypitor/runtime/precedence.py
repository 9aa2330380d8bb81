"""A block at the head of its chain goes first: whoever can wait some milliseconds waits."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

LONGEST_SECONDS = 0.05
"""For which others wait at a stretch; after that they are free for at least as long as it took."""


class Precedence:
    """Which networks have a block under way to its first POST, in this process.

    given: False where blocks do not get that far in this process; then nobody goes first.
    clock: seconds that only grow.
    """

    def __init__(self, *, given: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self._given = given
        self._clock = clock
        self._under_way: set[str] = set()
        self._began = self._free_until = 0.0
        self._limit: asyncio.TimerHandle | None = None
        self._waiting: list[Callable[[], None]] = []

    @property
    def taken(self) -> bool:
        """Whether others should wait."""
        return bool(self._under_way)

    def take(self, network: str) -> None:
        """Let a network's block go first; others have waited enough, it has no effect."""
        now = self._clock()
        if not self._under_way:
            if not self._given or now < self._free_until:
                return
            self._began = now
            self._limit = asyncio.get_running_loop().call_later(LONGEST_SECONDS, self._end)
        self._under_way.add(network)

    def leave(self, network: str) -> None:
        """Note that a network's block, if one was under way, needs that no more."""
        if network in self._under_way:
            self._under_way.discard(network)
            if not self._under_way:
                self._end()

    @contextmanager
    def taken_by(self, name: str) -> Iterator[None]:
        """Let what is done within go first."""
        self.take(name)
        try:
            yield
        finally:
            self.leave(name)

    async def over(self) -> None:
        """Return once nobody goes first: at once, if that is so."""
        if self._under_way:
            over = asyncio.Event()
            self._waiting.append(over.set)
            await over.wait()

    def then(self, free: Callable[[], None]) -> None:
        """Call, once nobody goes first: now, if that is so."""
        if self._under_way:
            self._waiting.append(free)
        else:
            free()

    def _end(self) -> None:
        now = self._clock()
        self._under_way.clear()
        self._free_until = now + (now - self._began)
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
        waiting, self._waiting = self._waiting, []
        for free in waiting:
            free()


def taken_of(several: Iterable[Precedence]) -> Precedence | None:
    """Return one of these that is taken, None where nobody goes first."""
    return next((each for each in several if each.taken), None)
