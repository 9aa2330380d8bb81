"""A sender with all that it needs around it, and ways to disturb it."""

import asyncio
from contextlib import asynccontextmanager

from crypitor.database.engine import Database
from crypitor.errors import DatabaseUnavailable
from crypitor.runtime.loop import Health
from crypitor.webhook.post import Poster
from crypitor.webhook.sender import Sender
from tests.patience import HANG_SECONDS
from tests.webhook.queued import Store
from tests.webhook.receivers import Clock

LEASE_SECONDS = 3 * HANG_SECONDS
"""Longer than the poster's deadline, which nothing reaches."""


class Heard:
    """Keeps what the observer is told."""

    def __init__(self) -> None:
        self.results = []

    def attempts_recorded(self, results) -> None:
        self.results += results


class World:
    """A store, a clock, a poster, and senders over them."""

    def __init__(self, database: Database, poster: Poster) -> None:
        self.store = Store(database)
        self.poster = poster
        self.clock = Clock()
        self.heard = Heard()
        self.health = Health()

    def sender(self, database: object = None, **options) -> Sender:
        return Sender(
            database or self.store.database, self.poster, clock=self.clock, jitter=lambda: 0,
            observer=self.heard, **{"lease_seconds": LEASE_SECONDS, **options},
        )  # fmt: skip

    async def queue(self, *deliveries) -> None:
        await self.store.queue(*deliveries, now=self.clock())

    @asynccontextmanager
    async def running(self, sender: Sender):
        """Run a sender beside the test, and stop it afterwards."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(sender.run(stop, self.health))
            try:
                yield
            finally:
                stop.set()


class Flaky:
    """A database that is down when told to, before or after what was asked is committed."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.down_before = self.down_after = False

    async def read(self, work, **how):
        return await self.database.read(work, **how)

    async def write(self, work, **how):
        if self.down_before:
            raise DatabaseUnavailable("it is down")
        result = await self.database.write(work, **how)
        if self.down_after:
            self.down_after = False
            raise DatabaseUnavailable("the connection was lost")
        return result


async def hang(_) -> None:
    """Answer never."""
    await asyncio.Event().wait()


async def until(true, seconds: float = HANG_SECONDS) -> None:
    """Wait until something has become true, watching once a turn of the loop."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.001)
