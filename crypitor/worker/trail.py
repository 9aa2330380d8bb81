"""The newest published headers, by which a fork is recognised. Pure."""

from collections import deque
from collections.abc import Iterable

from crypitor.evm.types import Header


class Trail:
    """Headers that are each the parent of the next; the last one is the tip.

    longest: how many are kept; older ones are forgotten.
    """

    def __init__(self, longest: int) -> None:
        self._headers: deque[Header] = deque(maxlen=longest)

    def __len__(self) -> int:
        return len(self._headers)

    @property
    def tip(self) -> Header | None:
        """The newest one."""
        return self._headers[-1] if self._headers else None

    @property
    def oldest(self) -> Header | None:
        """The oldest one that is kept."""
        return self._headers[0] if self._headers else None

    def at(self, number: int) -> Header | None:
        """Return the header at a height, None if it is not kept."""
        place = number - self._headers[0].number if self._headers else -1
        return self._headers[place] if 0 <= place < len(self._headers) else None

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
