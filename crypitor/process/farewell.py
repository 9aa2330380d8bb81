"""The role that removes what deleted projects own, a little at a time."""

import asyncio

from crypitor.api.serving.context import Context
from crypitor.database.engine import waiting_from_now
from crypitor.database.projects import has_doomed, remove_owned
from crypitor.runtime.loop import Health, forever

REST_SECONDS = 0.02
IDLE_SECONDS = 1.0


class Farewell:
    """Makes steps beside everything else. context: whose index the monitors have to leave too."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._more = False

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Make steps until `stop` is set."""

        async def step() -> bool:
            await self.step()
            return False  # others have their turn before the next

        await forever(
            "deleted projects",
            step,
            stop=stop,
            health=health,
            idle_seconds=lambda: REST_SECONDS if self._more else IDLE_SECONDS,
        )

    async def step(self) -> bool:
        """Make one step; False where there is nothing more to do now."""
        context = self._context
        self._more = await context.database.read(has_doomed, at_once=True)
        if not self._more:
            return False
        now = context.clock()
        with waiting_from_now():
            async with context.changing.turn(None):
                removed = await context.write(lambda tx: remove_owned(tx, now))
                if context.index is not None:
                    for monitor_id in removed.monitors:
                        context.index.remove(monitor_id)
        self._more = removed.more
        return self._more
