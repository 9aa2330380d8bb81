"""Asks for the next heights side by side, while the one before them is published."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from crypitor.errors import NodeUnavailable
from crypitor.runtime.loop import cut_off
from crypitor.runtime.thrown import let_go

T = TypeVar("T")


class Ahead(Generic[T]):
    """What the next heights show, asked for before it is needed.

    What came of a height waits in its bytes until it is its turn: a block that is read, proven and
    matched in one go stays in the processor's caches, and that is a quarter of catching up.

    look: what is done for one height.  width: how many are under way at once.
    read_ahead: of how many beyond the one that is taken it is the turn as well.
    """

    def __init__(
        self, look: Callable[[int], Coroutine[Any, Any, T]], width: int, read_ahead: int = 0
    ) -> None:
        self._look = look
        self._width = width
        self._read_ahead = read_ahead
        self._looks: dict[int, asyncio.Task[T]] = {}
        self._last_turn = -1
        self._waiting: dict[int, asyncio.Event] = {}

    def reach(self, first: int, last: int) -> None:
        """Begin to look at the heights from `first` on, at most `width` of them."""
        for number in range(first, min(last, first + self._width - 1) + 1):
            if number not in self._looks:
                self._looks[number] = asyncio.create_task(self._look(number), name=f"look {number}")

    def begin(self, number: int) -> None:
        """Make it the turn of a height, and of no more above it than are read ahead."""
        self._last_turn = number + self._read_ahead
        for height, event in self._waiting.items():
            if height <= self._last_turn:
                event.set()

    async def turn(self, number: int) -> None:
        """Wait until it is the turn of a height."""
        if number > self._last_turn:
            event = self._waiting[number] = asyncio.Event()
            try:
                await event.wait()
            finally:
                del self._waiting[number]

    async def take(self, number: int) -> T | None:
        """Return what a height showed; None if nobody looked, or no node answered."""
        look = self._looks.get(number)
        if look is None:
            return None
        try:
            return await look
        except NodeUnavailable as trouble:
            let_go(trouble)
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
        await cut_off(looks.values())
        for result in await asyncio.gather(*looks.values(), return_exceptions=True):
            if isinstance(result, Exception) and not isinstance(result, NodeUnavailable):
                raise result
