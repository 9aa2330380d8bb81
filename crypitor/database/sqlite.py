"""SQLite through `databases`: units of work that begin, end and fail as they should."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from contextvars import copy_context
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Literal, NoReturn, TypeVar

import aiosqlite
import databases

from crypitor.database.files import Files
from crypitor.database.sql import Statement
from crypitor.database.sqlite_pool import (
    BUSY_TIMEOUT_MS,
    LOG_PAGES,
    LONG_LOG_PAGES,
    Pooled,
    ReadingConnection,
    WritingConnection,
)
from crypitor.errors import DatabaseUnavailable
from crypitor.runtime.thrown import Thrown

T = TypeVar("T")

LONG_WAIT_SECONDS = 0.5
"""In its turn; who waited for less may wait for the lock as long as SQLite does by itself."""

# Primary result codes that mean "not now": busy, locked, out of memory, I/O error, disk full,
# cannot open, locking protocol.
_OUTAGES = {5, 6, 7, 10, 13, 14, 15}
_READ_ONLY = 8


def path_of(url: str) -> Path:
    """Return the file of `sqlite:///relative/path` or `sqlite:////absolute/path`."""
    return Path(databases.DatabaseURL(url).database)


def is_lock(outage: DatabaseUnavailable) -> bool:
    """Tell whether another process held the lock for too long."""
    code: int = getattr(outage.__cause__, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY


class SQLite:
    """One file: one connection that writes, on which writers queue up, and some that read."""

    dialect: Literal["sqlite"] = "sqlite"
    now = "cast((julianday('now') - 2440587.5) * 86400000 as integer)"

    def __init__(self, url: str, connections: int) -> None:
        self.path = path_of(url)
        self.name = f"SQLite {self.path}"
        self._files = Files(self.path)
        self._kept: sqlite3.Connection | None = None
        self._writing = Pooled(url, size=1, factory=WritingConnection)
        self._reading = Pooled(url, size=connections, factory=ReadingConnection)

    async def connect(self) -> None:
        """Make the folder and the file, and prove that they can be used."""
        with self.outages(writes=True):
            await asyncio.to_thread(self._files.make)
            # Not left to the first unit: aiosqlite does not wait for the thread of a connection
            # that it failed to open. This one also switches the file to WAL before any other.
            await asyncio.to_thread(self._prove)
            await self._writing.connect()
            await self._reading.connect()

    def _prove(self) -> None:
        """Open a connection that nobody uses: while it is open, nobody removes the log."""
        until = monotonic() + BUSY_TIMEOUT_MS / 1000
        while True:
            try:
                kept = WritingConnection(self.path, check_same_thread=False)
                try:
                    kept.execute("select 1 from sqlite_master").fetchall()
                    self._files.opened()
                except BaseException:
                    kept.close()
                    raise
            except sqlite3.OperationalError as error:
                # Of several that switch a new file to WAL at once, SQLite makes one wait and tells
                # the others at once that it is locked, whatever busy_timeout says.
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > until:
                    raise
                sleep(0.01)
            else:
                self._kept = kept
                return

    def cut(self) -> bool:
        """False: what is under way in a thread ends by its own limits, and is waited for."""
        return False

    async def disconnect(self) -> None:
        """Close all connections; call it when none is in use."""
        await self._reading.disconnect()
        await self._writing.disconnect()
        if self._kept is not None:
            await asyncio.to_thread(self._kept.close)  # the last one moves the log into the file
            self._kept = None

    def connection(self, *, writes: bool) -> Any:
        """Return the calling task's connection, to be entered."""
        return (self._writing if writes else self._reading).connection()

    async def at_once(
        self,
        raw: aiosqlite.Connection,
        unit: Callable[["AtOnce", sqlite3.Connection], Coroutine[Any, Any, T]],
        *,
        prompt: bool = False,
    ) -> T:
        """Run all of a unit in one trip to the connection's thread.

        A trip costs some 0.1 ms, and as many turns of the event loop as it is busy with others.
        prompt: its COMMIT does not empty the log, which takes some ms, unless it has become long.
        """
        context = copy_context()
        inside = AtOnce(self, prompt=prompt)

        try:
            return await self._within(raw, lambda inner: context.run(_driven, unit(inside, inner)))
        except asyncio.CancelledError:
            await self.rollback(raw)  # the unit stands before it in the thread
            raise

    async def begin(self, raw: aiosqlite.Connection, *, writes: bool, since: float) -> None:
        """Begin; a writing transaction takes the lock at once, or it could fail half way.

        since: on the monotonic clock, from when on the unit has been waiting.
        """
        await self._within(raw, lambda inner: self.begin_within(inner, since, writes=writes))

    def begin_within(self, raw: sqlite3.Connection, since: float, *, writes: bool) -> None:
        """Begin, in the connection's thread."""
        self._files.check_now_and_then()
        waited = monotonic() - since
        if not writes:
            raw.execute("begin")
        elif waited < LONG_WAIT_SECONDS:
            raw.execute("begin immediate")
        else:  # behind others that had to wait: not for as long as each of them
            left = max(0, BUSY_TIMEOUT_MS - round(waited * 1000))
            raw.execute(f"pragma busy_timeout = {left}")
            try:
                raw.execute("begin immediate")
            finally:
                raw.execute(f"pragma busy_timeout = {BUSY_TIMEOUT_MS}")

    async def commit(self, raw: aiosqlite.Connection) -> None:
        """Make it last."""
        await self._within(raw, self.commit_within)

    def commit_within(self, raw: sqlite3.Connection) -> None:
        """Make it last, in the connection's thread; it did if the files are in their place yet."""
        raw.execute("commit")
        self._files.check()

    async def _within(
        self, raw: aiosqlite.Connection, work: Callable[[sqlite3.Connection], T]
    ) -> T:
        """Run something in the connection's thread: one trip."""

        def whole() -> T | Thrown:
            assert raw._connection is not None  # noqa: SLF001 - as below
            try:
                return work(raw._connection)  # noqa: SLF001
            except Exception as error:  # noqa: BLE001 - it is raised below
                return Thrown(error)

        # Its public methods are one statement each; all of them are this.
        result: T | Thrown = await raw._execute(whole)  # type: ignore[no-untyped-call]  # noqa: SLF001
        if isinstance(result, Thrown):
            result.again()
        return result

    async def rollback(self, raw: aiosqlite.Connection) -> None:
        """Undo what is open, if anything is.

        The statement is sent in any case: a BEGIN that was cancelled may still stand before it in
        the connection's thread.
        """
        with contextlib.suppress(sqlite3.OperationalError):
            await self._within(raw, lambda inner: inner.execute("rollback"))

    async def fetch_rows(
        self, raw: aiosqlite.Connection, sql: Statement, values: dict[str, object]
    ) -> list[Any]:
        """Run one statement; one trip to the connection's thread."""
        wanted = sql.question_values(values)
        return await self._within(raw, lambda inner: inner.execute(sql.question, wanted).fetchall())

    def dictionaries(self, rows: list[Any]) -> list[dict[str, Any]]:
        """Return rows by the names of their columns."""
        if not rows:
            return []
        columns = rows[0].keys()
        return [dict(zip(columns, row, strict=True)) for row in rows]

    async def execute_many(
        self, raw: aiosqlite.Connection, sql: Statement, rows: Sequence[Sequence[object]]
    ) -> None:
        """Run one statement for each row; one trip to the connection's thread."""
        wanted = sql.question_rows(rows)
        await self._within(raw, lambda inner: inner.executemany(sql.question, wanted).close())

    def listed(self, name: str) -> str:
        """Return the set of the strings in a JSON list."""
        return f"(select value from json_each(:{name}))"  # noqa: S608 - a name from our own code

    def joined(self, column: str) -> str:
        """Return the aggregate of texts to one text."""
        return f"group_concat({column}, char(10))"

    def outages(self, *, writes: bool) -> "_Outages":
        """Turn what may be over later into DatabaseUnavailable."""
        return _Outages(self, writes)

    def failed(self, error: BaseException, *, writes: bool) -> None:
        """Raise DatabaseUnavailable for an error that may be over later."""
        if isinstance(error, sqlite3.Error):
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in _OUTAGES or (code == _READ_ONLY and writes):
                self._unavailable(error)
        elif isinstance(error, OSError):
            self._unavailable(error)

    def _unavailable(self, error: Exception) -> NoReturn:
        try:
            self._files.check()  # what SQLite says of a file that was taken away is no help
        except OSError as cause:
            error = cause
        raise DatabaseUnavailable(f"{self.name}: {error}") from error


class _Outages:
    """The context of each statement: a class, as one of a generator takes thrice as long."""

    __slots__ = ("_driver", "_writes")

    def __init__(self, driver: SQLite, writes: bool) -> None:
        self._driver = driver
        self._writes = writes

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        if error is not None:
            self._driver.failed(error, writes=self._writes)


class AtOnce:
    """SQLite within a connection's thread: what is awaited of it is done when it returns."""

    dialect: Literal["sqlite"] = "sqlite"
    now = SQLite.now

    def __init__(self, driver: SQLite, *, prompt: bool = False) -> None:
        self._prompt = prompt
        self._driver = driver
        self.outages = driver.outages
        self.dictionaries = driver.dictionaries
        self.listed = driver.listed
        self.joined = driver.joined

    async def begin(self, raw: sqlite3.Connection, *, writes: bool, since: float) -> None:
        """Begin, as outside."""
        self._driver.begin_within(raw, since, writes=writes)

    async def commit(self, raw: sqlite3.Connection) -> None:
        """Make it last."""
        if not self._prompt:
            self._driver.commit_within(raw)
            return
        raw.execute(f"pragma wal_autocheckpoint = {LONG_LOG_PAGES}")
        try:
            self._driver.commit_within(raw)
        finally:
            raw.execute(f"pragma wal_autocheckpoint = {LOG_PAGES}")

    async def rollback(self, raw: sqlite3.Connection) -> None:
        """Undo what is open, if anything is."""
        with contextlib.suppress(sqlite3.OperationalError):
            raw.execute("rollback")

    async def fetch_rows(
        self, raw: sqlite3.Connection, sql: Statement, values: dict[str, object]
    ) -> list[Any]:
        """Run one statement."""
        return raw.execute(sql.question, sql.question_values(values)).fetchall()

    async def execute_many(
        self, raw: sqlite3.Connection, sql: Statement, rows: Sequence[Sequence[object]]
    ) -> None:
        """Run one statement for each row."""
        raw.executemany(sql.question, sql.question_rows(rows)).close()


def _driven(unit: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never has to wait."""
    try:
        unit.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    unit.close()
    raise RuntimeError("a unit of work that runs at once waits for nothing but the database")
