"""Turns of those who change monitors, so that the index sees the order of the database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class _Turn:
    """monitor_id: None for any of them."""

    monitor_id: str | None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def excludes(self, other: "_Turn") -> bool:
        return None in (self.monitor_id, other.monitor_id) or self.monitor_id == other.monitor_id


class Changing:
    """Turns at single monitors or at all, each after those that came before and would disturb it.

    Changes of different monitors do not wait for each other: to give one a million addresses takes
    seconds.
    """

    def __init__(self) -> None:
        self._turns: list[_Turn] = []

    @asynccontextmanager
    async def turn(self, monitor_id: str | None) -> AsyncIterator[None]:
        """Wait for a turn and hold it. monitor_id: None for all monitors."""
        mine = _Turn(monitor_id)
        before = [turn for turn in self._turns if mine.excludes(turn)]
        self._turns.append(mine)
        try:
            for turn in before:
                await turn.over.wait()
            yield
        finally:
            self._turns.remove(mine)
            mine.over.set()
