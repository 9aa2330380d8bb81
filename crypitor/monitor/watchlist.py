"""Keeps the index in step with the database: whole at start, by the log of changes afterwards."""

import asyncio
import gc
from collections.abc import Iterable, Sequence
from functools import partial

import structlog

from crypitor.database.addresses import CHUNK, Chunk, all_addresses, load_addresses
from crypitor.database.engine import Database
from crypitor.database.monitors import (
    Recorded,
    changes_after,
    edit_of,
    load_monitors,
    load_some_monitors,
    newest_revision,
)
from crypitor.errors import Unavailable
from crypitor.monitor.index import Index
from crypitor.runtime.loop import Health, forever, give_way

log = structlog.get_logger(__name__)

CHANGES_AT_ONCE = 1000
ADDED_AT_ONCE = 1000
SWEEP_SECONDS = 1.0
MONITORS_AT_ONCE = 50
RULES_AT_ONCE = 50


class Watchlist:
    """The index of this process and the revision up to which it follows the database.

    With everything in one process the API changes the index itself, before it answers; then there
    is something to refresh only after a change of which it does not know whether it was committed.
    """

    def __init__(self, database: Database, index: Index) -> None:
        self._database = database
        self._index = index
        self._revision = 0
        self._in_doubt = False
        self._gap = False
        self._sweeping = index.sweep()

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Free what removed monitors left in the index, until `stop` is set."""
        await forever("index", self.sweep, stop=stop, health=health, idle_seconds=SWEEP_SECONDS)

    async def sweep(self) -> bool:
        """Free some of what removed monitors left; False when nothing is left that matters."""
        for _ in self._sweeping:
            await self._give_way()
            return True
        self._sweeping = self._index.sweep()
        return False

    async def _give_way(self) -> None:
        await give_way(lambda: self._database.is_writing)

    def doubt(self) -> None:
        """Note that the database may have a change which the index lacks."""
        self._in_doubt = True

    async def refresh_if_in_doubt(self) -> None:
        """Take over what is missing, if anything may be. Raises DatabaseUnavailable.

        There is no revision to be held: nobody else changes monitors.
        """
        if not self._in_doubt:
            return
        self._in_doubt = False  # first: another doubt may arise while this one is settled
        try:
            await self.refresh()
        except Unavailable:
            self._in_doubt = True
            raise

    async def load(self) -> None:
        """Fill an empty index. Raises DatabaseUnavailable."""
        self._revision = await self._database.read(newest_revision)
        gc.disable()  # nothing that is loaded is garbage: to look for some takes half of the time
        try:
            await self._load_monitors()
            await self._load_addresses()
        finally:
            gc.enable()
        log.info("monitors loaded", monitors=len(self._index), addresses=self._index.addresses)

    async def _load_addresses(self) -> None:
        chunks = await self._chunks_after([])
        while chunks:
            await self._take_in(chunks)
            chunks = await self._chunks_after(chunks)

    async def _chunks_after(self, before: Sequence[Chunk]) -> list[Chunk]:
        after = None
        if before:
            after = (before[-1].list_id, max(address for address, _ in before[-1].pairs))
        return await self._database.read(partial(load_addresses, after=after, limit=CHUNK))

    async def _take_in(self, chunks: Iterable[Chunk]) -> None:
        for chunk in chunks:
            if chunk.monitor_id in self._index:
                for first in range(0, len(chunk.pairs), ADDED_AT_ONCE):
                    some = chunk.pairs[first : first + ADDED_AT_ONCE]
                    self._index.add_addresses(chunk.monitor_id, some)
                    await asyncio.sleep(0)

    async def _load_monitors(self) -> None:
        last, rules = "", 0
        while monitors := await self._database.read(
            partial(load_monitors, after=last, limit=MONITORS_AT_ONCE)
        ):
            for monitor in monitors:
                self._index.put(monitor)
                last, rules = monitor.id, rules + len(monitor.rules)
                if rules >= RULES_AT_ONCE:
                    rules = 0
                    await asyncio.sleep(0)

    async def refresh(self) -> int:
        """Take over what other processes changed; return the revision that the index has now.

        It may have some of what came after that too. Raises DatabaseUnavailable.
        """
        while changes := await self._database.read(
            partial(changes_after, revision=self._revision, limit=CHANGES_AT_ONCE), at_once=True
        ):
            # What is left out was replaced by later changes, perhaps not yet among these.
            self._gap |= changes[-1].revision - self._revision > len(changes)
            of_monitors: dict[str, list[Recorded]] = {}
            for change in changes:
                of_monitors.setdefault(change.monitor_id, []).append(change)
            for monitor_id, several in of_monitors.items():
                await self._follow(monitor_id, several)
            self._revision = changes[-1].revision
        self._gap = False
        return self._revision

    async def _follow(self, monitor_id: str, changes: Sequence[Recorded]) -> None:
        """Make edits, or read a monitor again; either can be repeated after an outage."""
        if self._gap or not all(change.is_edit for change in changes):
            await self._reload(monitor_id)
        elif monitor_id in self._index:
            for change in changes:
                edit = await self._database.read(partial(edit_of, revision=change.revision))
                if edit is None:
                    await self._reload(monitor_id)
                    break
                self._index.add_addresses(monitor_id, edit.added)
                self._index.remove_addresses(monitor_id, edit.removed)

    async def _reload(self, monitor_id: str) -> None:
        index = self._index
        monitors = await self._database.read(partial(load_some_monitors, monitor_ids=[monitor_id]))
        enabled = [monitor for monitor in monitors if monitor.enabled]
        if not enabled:
            index.remove(monitor_id)
        for monitor in enabled:
            # What changes while these are read has a higher revision, and is reloaded after it.
            with index.replacing(monitor) as add:
                async for chunk in all_addresses(self._database, monitor_id):
                    for first in range(0, len(chunk), ADDED_AT_ONCE):
                        add(chunk[first : first + ADDED_AT_ONCE])
                        await asyncio.sleep(0)
