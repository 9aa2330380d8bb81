"""Keeps the calls to one node below what it allows, whoever makes them."""

import asyncio
import itertools
import time
from bisect import insort
from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import NamedTuple

RESERVE_SECONDS = 0.5
"""So much of what a node allows is left for the live path by everybody else."""

_SOON_SECONDS = 1e-6  # less than that is rounding


class Rank(IntEnum):
    """Who goes first where not all can."""

    LIVE = 0
    ASIDE = 1
    PAST = 2


class _Ticket(NamedTuple):
    rank: Rank
    place: int
    calls: int


class Limit:
    """Lets so many calls a second through, and as many at once after a pause of a second.

    The live path goes as soon as what it sent before is paid for. Everybody else saves up for a
    request before it is sent, out of what the live path leaves, so that a large batch never makes
    the live path wait.

    per_second: None for no limit.  clock: seconds that only grow.
    """

    def __init__(
        self,
        per_second: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._per_second = per_second or 0.0
        self._clock = clock
        self._sleep = sleep
        self._left = self._per_second
        self._counted_at = clock()
        self._places = itertools.count()
        self._tickets: list[_Ticket] = []

    async def turn(self, calls: int, rank: Rank = Rank.LIVE) -> None:
        """Wait until a request of so many calls may be sent."""
        if not self._per_second:
            return
        self._count()
        ticket = _Ticket(rank, next(self._places), calls)
        insort(self._tickets, ticket)
        try:
            while (seconds := self._wait_seconds(ticket)) > _SOON_SECONDS:
                await self._sleep(seconds)
        finally:
            self._tickets.remove(ticket)
        self._left -= calls

    def also(self, calls: int) -> None:
        """Count calls that had to be sent together with a request; the next ones wait for it."""
        self._left -= calls

    def _wait_seconds(self, ticket: _Ticket) -> float:
        """Return how long a request has to wait if no other comes before it."""
        self._count()
        needed = float(sum(other.calls for other in self._tickets if other < ticket))
        if ticket.rank is not Rank.LIVE:
            needed += ticket.calls + RESERVE_SECONDS * self._per_second
        return (needed - self._left) / self._per_second

    def _count(self) -> None:
        """Bring what may be sent up to now; more than a second's is saved only for a request."""
        now = self._clock()
        saving = next((one for one in self._tickets if one.rank is not Rank.LIVE), None)
        most = self._per_second
        if saving is not None:
            most = max(most, saving.calls + RESERVE_SECONDS * self._per_second)
        self._left = min(self._left + (now - self._counted_at) * self._per_second, most)
        self._counted_at = now


class Limits:
    """The limits of all nodes of a process: one for each URL, however many ask it.

    clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._of: dict[str, Limit] = {}

    def of(self, url: str, per_second: float | None) -> Limit:
        """Return the limit of a node, as the first who asked for it wanted it."""
        return self._of.setdefault(url, Limit(per_second, self._clock))
