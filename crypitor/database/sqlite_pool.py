"""Connections to SQLite: what `databases` lacks (a pool, pragmas), added."""

import asyncio
import sqlite3
from collections import deque
from pathlib import Path
from typing import Any

import aiosqlite
import databases
from databases.backends.sqlite import SQLiteBackend, SQLitePool

BUSY_TIMEOUT_MS = 5_000
"""For which a unit of work waits in all: for its turn, and for another process's lock."""

# The COMMIT that finds the log as long as this moves it into the file. Those that somebody waits
# for leave it to the others, up to 16 MB.
LOG_PAGES = 1000
LONG_LOG_PAGES = 4 * LOG_PAGES

WRITING_CACHE_KB = 16_000
READING_CACHE_KB = 2_000
"""Of each connection that reads. What it has is of no use after the next commit of another, and is
freed in thousands of pieces then, most of which the process keeps: one long list costs so much."""

# Each connection needs them again, so they are given where it is made. busy_timeout comes first:
# the switch to WAL itself may have to wait for another process.
PRAGMAS = (
    f"busy_timeout = {BUSY_TIMEOUT_MS}",
    "journal_mode = wal",
    "synchronous = full",
    "foreign_keys = on",
    f"cache_size = -{WRITING_CACHE_KB}",
    "journal_size_limit = 67108864",
    f"wal_autocheckpoint = {LOG_PAGES}",
    "temp_store = memory",
)


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


class WritingConnection(sqlite3.Connection):
    """One with our pragmas, that makes no file."""

    pragmas: tuple[str, ...] = PRAGMAS

    def __init__(self, path: str | Path, **options: Any) -> None:
        # Nothing is made here: a file that was taken away is not to be replaced by an empty one.
        place = f"{Path(path).absolute().as_uri()}?mode=rw"
        super().__init__(place, uri=True, **options)
        self.row_factory = sqlite3.Row
        self.create_function("lower", 1, _lower, deterministic=True)  # its own knows ASCII alone
        try:
            for pragma in self.pragmas:
                self.execute(f"pragma {pragma}")
        except BaseException:
            self.close()
            raise


class ReadingConnection(WritingConnection):
    """One that cannot write."""

    pragmas = (*PRAGMAS, f"cache_size = -{READING_CACHE_KB}", "query_only = on")


class _Pool(SQLitePool):
    """Keeps connections open, where the library's own opens a file and a thread at every acquire.

    The semaphore is fair: who asked first is served first.
    """

    def __init__(self, url: databases.DatabaseURL, size: int, **options: Any) -> None:
        super().__init__(url, **options)
        self._idle: deque[aiosqlite.Connection] = deque()
        self._free = asyncio.Semaphore(size)

    async def acquire(self) -> aiosqlite.Connection:
        await self._free.acquire()
        try:
            return self._idle.pop() if self._idle else await self._opened()
        except BaseException:
            self._free.release()
            raise

    async def release(self, connection: aiosqlite.Connection) -> None:
        try:
            if connection.in_transaction:  # its rollback failed: it would poison the next unit
                await connection.close()
            else:
                self._idle.append(connection)
        finally:
            self._free.release()

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    async def _opened(self) -> aiosqlite.Connection:
        connection: aiosqlite.Connection = await super().acquire()
        return connection


class _Backend(SQLiteBackend):
    def __init__(
        self, url: databases.DatabaseURL, *, size: int, factory: type[sqlite3.Connection]
    ) -> None:
        super().__init__(url, factory=factory)
        self._pool: _Pool = _Pool(self._database_url, size, factory=factory, cached_statements=256)

    async def disconnect(self) -> None:
        await self._pool.close()


class Pooled(databases.Database):
    """A database of `size` connections, each made by `factory`, that stay open."""

    SUPPORTED_BACKENDS = {"sqlite": f"{__name__}:_Backend"}  # noqa: RUF012 - as the library has it
