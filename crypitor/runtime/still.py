"""When a network, or what is due, is taken to stand still. Pure: of what was seen, and when.

All times are seconds of a clock that only grows.
"""

from collections.abc import Mapping
from typing import Protocol

STILL_SECONDS = 60.0
BLOCK_TIMES = 20

LONGEST_SECONDS = 1200.0
"""Of 20 block times: where blocks are further apart, they are made when somebody wants one."""

LOOK_SECONDS = 30.0
"""A tip that has moved since needs no look at the nodes: while a network moves, none is asked."""

AGAIN_SECONDS = 10.0

ABOVE_SECONDS = 8.0
"""A head is above the tip for so long, seen twice: not a block that is on its way just now."""


class Tip(Protocol):
    """The newest block that was matched."""

    @property
    def number(self) -> int:
        """Its height."""

    @property
    def hash(self) -> str:
        """Its hash: another one at the same height is a move."""

    @property
    def block_seconds(self) -> float:
        """Between two blocks, 0.0 where that is not known."""


class NetworkStill:
    """One network: what was matched of it, against what its nodes show.

    first: the first block that is to be matched, where none has been; None for any.
    """

    def __init__(self, first: int | None, now: float) -> None:
        self._first = first or 0
        self._tip: Tip | None = None
        self._moved_at = now
        self._asked_at = now - AGAIN_SECONDS
        self._head: int | None = None
        self._above_since: float | None = None
        self._silence: str | None = None
        self._silent_since = now

    def matched(self, tip: Tip | None, now: float) -> None:
        """Note what the database has as the tip."""
        known = self._tip
        if (tip and (tip.number, tip.hash)) != (known and (known.number, known.hash)):
            self._moved_at = now
            self._head, self._above_since, self._silence = None, None, None
        self._tip = tip

    def wants_head(self, now: float) -> bool:
        """Whether it is time to ask the nodes."""
        still = now - self._moved_at >= LOOK_SECONDS
        return still and now - self._asked_at >= AGAIN_SECONDS

    def shown(self, head: int, now: float) -> None:
        """Note the height that the nodes show as their newest."""
        self._asked_at, self._head, self._silence = now, head, None
        if head < self._next:
            self._above_since = None
        elif self._above_since is None:
            self._above_since = now

    def silent(self, trouble: str, now: float) -> None:
        """Note that no node shows a head."""
        self._asked_at = now
        if self._silence is None:
            self._silent_since = now
        self._silence = trouble

    def reason(self, now: float) -> str | None:
        """Return a sentence on what stands still, None as long as it moves or need not."""
        still = now - self._moved_at
        if still < self._patience:
            return None
        if self._above_since is not None and now - self._above_since >= ABOVE_SECONDS:
            seconds, head = _whole(still), self._head
            if self._tip is None:
                return f"nothing has been matched for {seconds} s, though the nodes' head is {head}"
            return (
                f"the tip {self._tip.number} has not moved for {seconds} s,"
                f" though the nodes' head is {head}"
            )
        if self._silence is not None and now - self._silent_since >= LOOK_SECONDS:
            return f"no node shows its head: {self._silence}"
        return None

    @property
    def _next(self) -> int:
        return self._first if self._tip is None else self._tip.number + 1

    @property
    def _patience(self) -> float:
        blocks = 0.0 if self._tip is None else BLOCK_TIMES * self._tip.block_seconds
        return max(STILL_SECONDS, min(blocks, LONGEST_SECONDS))


class DueStill:
    """What is due at endpoints that need not wait, and whether any of it is attempted."""

    def __init__(self, now: float) -> None:
        self._first: dict[str, int] = {}
        self._since = now

    def seen(self, first: Mapping[str, int], now: float) -> None:
        """Note what is attempted next: delivery → how many attempts of it have ended.

        One of them that is gone, or has more attempts, was attempted. New ones say nothing.
        """
        same = [one for one, attempts in self._first.items() if first.get(one) == attempts]
        if not self._first or len(same) < len(self._first):
            self._first, self._since = dict(first), now

    def reason(self, now: float) -> str | None:
        """Return a sentence on what stands still, None as long as it moves or nothing is due."""
        still = now - self._since
        if not self._first or still < STILL_SECONDS:
            return None
        count = len(self._first)
        return (
            f"nothing was attempted for {_whole(still)} s, though deliveries are due"
            f" at {count} endpoint{'' if count == 1 else 's'}"
        )


def _whole(seconds: float) -> int:
    """Return seconds as they are told: in steps, so that not each look changes a sentence."""
    return int(seconds) // 10 * 10
