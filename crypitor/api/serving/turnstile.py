"""Requests that come together begin one after another, so that a block waits for one of them.

While a block at the head is on its way to its first POST none begins.
"""

import asyncio
from collections import deque

from aiohttp import web

from crypitor.api.serving.errors import Handler
from crypitor.runtime.precedence import Precedence


class Turnstile:
    """Lets one pass at each turn of the event loop, in the order in which they came.

    precedence: of blocks, which go before all that wait here.
    """

    def __init__(self, precedence: Precedence | None = None) -> None:
        self._precedence = precedence or Precedence()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._turning = False

    async def passed(self) -> None:
        """Return when it is one's turn; at once where nobody has passed in this turn."""
        loop = asyncio.get_running_loop()
        if not self._turning:
            self._turning = True
            if not self._precedence.taken:
                loop.call_soon(self._turn)
                return
            self._precedence.then(self._turn)
        place = loop.create_future()
        self._waiting.append(place)
        await place

    def _turn(self) -> None:
        if self._precedence.taken:
            self._precedence.then(self._turn)
            return
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():  # else who stood there has gone
                place.set_result(None)
                asyncio.get_running_loop().call_soon(self._turn)
                return
        self._turning = False


TURNSTILE = web.AppKey("TURNSTILE", Turnstile)


@web.middleware
async def in_turn(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request begin in its turn."""
    await request.app[TURNSTILE].passed()
    return await handler(request)
