"""Those who come together begin one after another, so that a block waits for few of them.

While a block at the head is on its way to its first POST, or a unit of work that writes for one is
in its thread, none begins.
"""

import asyncio
from collections import deque

from crypitor.runtime.precedence import Precedence, taken_of


class Turnstile:
    """Lets some pass at each turn of the event loop, in the order in which they came.

    first: of whom whoever has precedence goes before all that wait here. at_once: how many pass in
    a turn.
    """

    def __init__(self, *first: Precedence, at_once: int = 1) -> None:
        self._first = first
        self._at_once = at_once
        self._left = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._turning = False

    async def passed(self) -> None:
        """Return when it is one's turn; at once where few have passed in this turn."""
        loop = asyncio.get_running_loop()
        if not self._turning:
            self._turning = True
            self._left = self._at_once
            if first := taken_of(self._first):
                self._left = 0
                first.then(self._turn)
            else:
                loop.call_soon(self._turn)
        if self._left:
            self._left -= 1
            return
        place = loop.create_future()
        self._waiting.append(place)
        await place

    def _turn(self) -> None:
        if first := taken_of(self._first):
            self._left = 0
            first.then(self._turn)
            return
        self._left = self._at_once
        while self._waiting and self._left:
            place = self._waiting.popleft()
            if not place.done():  # else who stood there has gone
                place.set_result(None)
                self._left -= 1
        if self._left < self._at_once:
            asyncio.get_running_loop().call_soon(self._turn)
        else:
            self._turning = False


async def at_once() -> None:
    """Let one pass who waits for nobody."""


async def after_a_turn() -> None:
    """Let one pass who comes second in this turn of the loop."""
    await asyncio.sleep(0)
