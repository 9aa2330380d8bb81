"""The end of the log as it grows: read once for all who follow it in this process."""

import asyncio
from collections import deque

from crypitor.database.engine import Database, Transaction
from crypitor.database.epochs import Epoch, current_epoch
from crypitor.database.events import Event, EventFilter, EventPage, newest_event, read_events
from crypitor.errors import Gone
from crypitor.runtime.loop import Health, forever

IDLE_SECONDS = 1.0
"""Between looks for what other processes stored; what this one stores wakes the tail."""

READ_AT_ONCE = 1_000

MOST_WAITING = 10_000
HEARTBEAT_SECONDS = 15.0

EVERYTHING = EventFilter()


class Reader:
    """One who follows the events of a project, beyond a position.

    behind: it did not keep up, or the tail has ended: nothing more comes, what waits is dropped.
    """

    def __init__(self, project_id: str, most_waiting: int) -> None:
        self.project_id = project_id
        self.behind = False
        self._most_waiting = most_waiting
        self._waiting: deque[Event] = deque()
        self._news = asyncio.Event()

    def give(self, events: list[Event]) -> None:
        """Let events wait for this reader."""
        if len(self._waiting) + len(events) > self._most_waiting:
            self.leave()
        else:
            self._waiting.extend(events)
            self._news.set()

    def leave(self) -> None:
        """Give this reader nothing more."""
        self.behind = True
        self._waiting.clear()
        self._news.set()

    async def take(self) -> list[Event]:
        """Return what waits, once there is something; nothing if the reader is behind."""
        await self._news.wait()
        self._news.clear()
        taken = list(self._waiting)
        self._waiting.clear()
        return taken


class Tail:
    """Reads new events of the projects that somebody follows, and gives them to each reader.

    most_waiting: events for one reader; who is further behind resumes from the database.
    heartbeat_seconds: how often readers are told that nothing has come.
    """

    def __init__(
        self,
        database: Database,
        *,
        most_waiting: int = MOST_WAITING,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._database = database
        self._most_waiting = most_waiting
        self.heartbeat_seconds = heartbeat_seconds
        self._readers: dict[str, set[Reader]] = {}
        self._places: dict[str, int] = {}
        self._newest = -1
        self.epoch: Epoch | None = None
        """The time of the database at the last look."""
        self._wake = asyncio.Event()
        self._ended = False

    @property
    def is_read(self) -> bool:
        """Whether all that was stored when the tail last looked was given to the readers."""
        return not self._wake.is_set() and all(at >= self._newest for at in self._places.values())

    def wake(self) -> None:
        """Note that something may have been stored."""
        if self._readers:
            self._wake.set()

    def reader(self, project_id: str) -> Reader:
        """Return a reader, which is given nothing yet."""
        return Reader(project_id, self._most_waiting)

    async def follow(self, reader: Reader) -> int:
        """Give a reader what comes; return the position beyond which it does.

        What a reader that follows already is given stays as it is.
        """
        place = self._places.get(reader.project_id)
        if place is None:
            place = await self._database.read(newest_event)
            # Meanwhile another reader of the project may have come.
            place = self._places.setdefault(reader.project_id, place)
        self._readers.setdefault(reader.project_id, set()).add(reader)
        if self._ended:
            reader.leave()
        return place

    def forget(self, reader: Reader) -> None:
        """Let a reader go."""
        readers = self._readers.get(reader.project_id, set())
        readers.discard(reader)
        if not readers:
            self._readers.pop(reader.project_id, None)
            self._places.pop(reader.project_id, None)

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Read until `stop` is set; then every reader has to leave."""
        try:
            await forever(
                "events",
                self.step,
                stop=stop,
                health=health,
                idle_seconds=IDLE_SECONDS,
                wake=self._wake,
            )
        finally:
            self._ended = True
            for readers in self._readers.values():
                for reader in readers:
                    reader.leave()

    async def step(self) -> bool:
        """Give the readers what is new; False when nothing is."""
        if not self._readers:
            return False
        newest = await self._database.read(newest_event)
        if newest == self._newest and all(at >= newest for at in self._places.values()):
            return False
        self._newest = newest
        more = [await self._read(project_id, newest) for project_id in [*self._places]]
        return any(more)

    async def _read(self, project_id: str, newest: int) -> bool:
        place = self._places.get(project_id)
        if place is None or place >= newest:
            return False

        async def unit(tx: Transaction) -> EventPage:
            self.epoch = await current_epoch(tx)
            return await read_events(tx, project_id, EVERYTHING, READ_AT_ONCE, cursor=place)

        try:
            page = await self._database.read(unit)
        except Gone:
            for reader in self._readers.get(project_id, ()):
                reader.leave()
            self._places.pop(project_id, None)
            self._readers.pop(project_id, None)
            return False
        last = page.last if page.more and page.last is not None else max(newest, page.last or 0)
        if self._places.get(project_id) != place:
            return True  # all readers left meanwhile, and others came
        self._places[project_id] = last
        if page.events:
            for reader in self._readers[project_id]:
                reader.give(list(page.events))
        return page.more
