"""How many pages of lists are made at once: who comes beyond that waits in line.

While a page is made it is held several times: as rows, as what they stand for, and as JSON.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

SMALL_PAGE = 20
"""Items. More are refused at once while a project leaves as many large answers unread as it may."""


@dataclass(slots=True)
class _Line:
    """Of a project. come: those in it who are at work, or wait."""

    places: asyncio.Semaphore
    come: int = 0


class Making:
    """Lets so many pages be made, in all and of a project, which leaves room for others."""

    def __init__(self, most: int = 4, most_of_a_project: int = 3) -> None:
        self._places = asyncio.Semaphore(most)
        self._most_of_a_project = most_of_a_project
        self._of: dict[str, _Line] = {}

    @asynccontextmanager
    async def turn_of(self, project: str, gone: Callable[[], bool]) -> AsyncIterator[None]:
        """Wait for a place, and keep it while the context is open.

        gone: whether whoever asked has left. Raises ConnectionResetError if so when it is his turn.
        """
        line = self._of.get(project)
        if line is None:
            line = self._of[project] = _Line(asyncio.Semaphore(self._most_of_a_project))
        line.come += 1
        try:
            async with line.places, self._places:
                if gone():
                    raise ConnectionResetError("whoever asked has gone")
                yield
        finally:
            line.come -= 1
            if not line.come:
                del self._of[project]


MAKING = web.AppKey("MAKING", Making)
