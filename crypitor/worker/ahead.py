"""Looks at the next heights side by side, while the one before them is published."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from crypitor.errors import NodeUnavailable

T = TypeVar("T")


class Ahead(Generic[T]):
    """What the next heights show, asked for before it is needed.

    look: what is done for one height.  width: how many are under way at once.
    """

    def __init__(self, look: Callable[[int], Coroutine[Any, Any, T]], width: int) -> None:
        self._look = look
        self._width = width
        self._looks: dict[int, asyncio.Task[T]] = {}

    def reach(self, first: int, last: int) -> None:
        """Begin to look at the heights from `first` on, at most `width` of them."""
        for number in range(first, min(last, first + self._width - 1) + 1):
            if number not in self._looks:
                self._looks[number] = asyncio.create_task(self._look(number), name=f"look {number}")

    async def take(self, number: int) -> T | None:
        """Return what a height showed; None if nobody looked, or no node answered."""
        look = self._looks.get(number)
        if look is None:
            return None
        try:
            return await look
        except NodeUnavailable:
            return None
        finally:
            self._looks.pop(number, None)

    def seen(self, number: int) -> T | None:
        """Return what a height showed, if that is known already; it stays to be taken."""
        look = self._looks.get(number)
        if look is None or not look.done() or look.cancelled() or look.exception():
            return None
        return look.result()

    async def drop(self) -> None:
        """Give up all looks under way; return when they are over."""
        looks, self._looks = self._looks, {}
        for look in looks.values():
            look.cancel()
        for result in await asyncio.gather(*looks.values(), return_exceptions=True):
            if isinstance(result, Exception) and not isinstance(result, NodeUnavailable):
                raise result
