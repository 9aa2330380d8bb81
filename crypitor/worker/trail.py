"""The newest published headers, by which a fork is recognised. Pure."""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from itertools import islice

from crypitor.evm.types import Header
from crypitor.monitor.position import kept_headers


class Trail:
    """Headers that are each the parent of the next; the last one is the tip.

    depth: how many of them a reorg may orphan. More are kept, because a chain that gets shorter
    brings none back.
    """

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self._headers: deque[Header] = deque(maxlen=kept_headers(depth))

    def __len__(self) -> int:
        return len(self._headers)

    @property
    def tip(self) -> Header | None:
        """The newest one."""
        return self._headers[-1] if self._headers else None

    @property
    def headers(self) -> tuple[Header, ...]:
        """All that are kept, the tip last."""
        return tuple(self._headers)

    @property
    def oldest(self) -> Header | None:
        """The oldest one that is kept."""
        return self._headers[0] if self._headers else None

    @property
    def deepest(self) -> Header | None:
        """The oldest one that a reorg may go back to."""
        return self._headers[-min(self.depth + 1, len(self._headers))] if self._headers else None

    def at(self, number: int) -> Header | None:
        """Return the header at a height; None if no reorg may go back to it, or there is none."""
        deepest = self.deepest
        if deepest is None or number < deepest.number:
            return None
        place = bisect_left(self._headers, number, key=lambda header: header.number)
        known = self._headers[place] if place < len(self._headers) else None
        return known if known is not None and known.number == number else None

    def reaches_below(self, number: int) -> bool:
        """Whether a reorg may go back to a header below a height."""
        deepest = self.deepest
        return deepest is not None and number > deepest.number

    def parent_of(self, header: Header) -> Header | None:
        """Return what a header stands on; None if it is none that a reorg may go back to."""
        for known in islice(reversed(self._headers), self.depth + 1):
            if known.is_parent_of(header):
                return known
        return None

    def continues_with(self, header: Header) -> bool:
        """Whether `header` can come next; any can where there is none."""
        return self.tip is None or self.tip.is_parent_of(header)

    def add(self, header: Header) -> None:
        """Put a header on top, which must continue the trail."""
        self._headers.append(header)

    def replace(self, headers: Iterable[Header]) -> None:
        """Forget all and keep these."""
        self._headers.clear()
        self._headers.extend(headers)

    def back_to(self, ancestor: Header) -> int:
        """Forget what is above a kept header; return how many that were."""
        before = len(self._headers)
        while self._headers[-1] != ancestor:
            self._headers.pop()
        return before - len(self._headers)
