"""Connections and transactions: units of work that are done whole or not at all.

`databases` supplies the connections; what it does not survive is handled here and in the two
drivers beside this module. A failed COMMIT or a task cancelled within a transaction keeps its
connection for ever (on SQLite the write lock too), so each unit of work runs in a task of its own,
which nobody cancels, and BEGIN, COMMIT and ROLLBACK are sent as statements. Its compilation of each
query costs more than the query, so statements go to the driver's own connection.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypeVar

import structlog

from crypitor.database.patience import Patience
from crypitor.database.seal import Seal
from crypitor.database.sql import statement
from crypitor.database.sqlite import AtOnce, SQLite, is_lock
from crypitor.database.sqlite_pool import BUSY_TIMEOUT_MS
from crypitor.database.together import Together
from crypitor.errors import DatabaseUnavailable
from crypitor.runtime.precedence import Precedence
from crypitor.runtime.thrown import Thrown

if TYPE_CHECKING:
    from crypitor.database.postgresql import PostgreSQL

log = structlog.get_logger(__name__)

T = TypeVar("T")
CLOSE_SECONDS = 5.0
"""How long units of work are waited for at the end, where the database may be cut off."""

Row: TypeAlias = Mapping[str, Any]
Driver: TypeAlias = "SQLite | PostgreSQL"

_within: ContextVar[bool] = ContextVar("within a unit of work", default=False)
_since: ContextVar[float | None] = ContextVar("waiting since", default=None)


@contextmanager
def waiting_from_now() -> Iterator[None]:
    """Count what is waited for here, before a unit of work, as that unit's own waiting.

    So a locked database is waited for once in all, not once by each unit that stands in line.
    """
    before = _since.set(monotonic())
    try:
        yield
    finally:
        _since.reset(before)


def driver_of(url: str, connections: int) -> Driver:
    """Return what speaks to the database that a URL names; nothing is connected yet."""
    if url.startswith("sqlite"):
        return SQLite(url, connections)
    from crypitor.database.postgresql import PostgreSQL  # noqa: PLC0415 - with its driver, 3 MB

    return PostgreSQL(url, connections)


class Transaction:
    """The statements of one unit of work: lower-case SQL with `:name` parameters.

    Values are str, int, float, bool or None, of the type that the column has. Values without a
    parameter are ignored; a parameter without a value is a KeyError. Every method raises
    DatabaseUnavailable; violated constraints and wrong SQL pass as the driver's own errors.
    seal: for the texts that are secret.
    """

    def __init__(self, driver: "Driver | AtOnce", raw: Any, seal: Seal, *, writes: bool) -> None:
        self.seal = seal
        self._driver = driver
        self._raw = raw
        self._writes = writes

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """Which SQL is spoken, for the few statements that differ."""
        return self._driver.dialect

    @property
    def _connection(self) -> Any:
        if self._raw is None:
            raise RuntimeError("this unit of work is over")
        return self._raw

    def end(self) -> None:
        """Refuse all further statements: they would run outside of any transaction."""
        self._raw = None

    async def all(self, sql: str, **values: object) -> list[Row]:
        """Return all rows, as dictionaries."""
        with self._driver.outages(writes=self._writes):
            rows = await self._driver.fetch_rows(self._connection, statement(sql), values)
        return [*self._driver.dictionaries(rows)]

    async def rows(self, sql: str, **values: object) -> list[Any]:
        """Return all rows, as what can be unpacked: for long answers, where dictionaries cost."""
        with self._driver.outages(writes=self._writes):
            return await self._driver.fetch_rows(self._connection, statement(sql), values)

    async def one(self, sql: str, **values: object) -> Row | None:
        """Return the first row. The whole answer is fetched: limit it where it may be long."""
        rows = await self.all(sql, **values)
        return rows[0] if rows else None

    async def value(self, sql: str, **values: object) -> Any:
        """Return the first column of the first row, None when there is no row."""
        row = await self.one(sql, **values)
        return next(iter(row.values())) if row else None

    async def run(self, sql: str, **values: object) -> None:
        """Run a statement for its effect."""
        await self.all(sql, **values)

    async def many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run a statement once for each row.

        rows: values in the order in which the `:name` parameters first appear.
        """
        if rows:
            with self._driver.outages(writes=self._writes):
                await self._driver.execute_many(self._connection, statement(sql), rows)

    @property
    def now(self) -> str:
        """The database's own clock, as an expression: the same for all its processes, in ms."""
        return self._driver.now

    def listed(self, name: str) -> str:
        """Return what stands behind `in` for a list: `id in {tx.listed("ids")}`.

        The value of the parameter is JSON text of a list of strings.
        """
        return self._driver.listed(name)

    def joined(self, column: str) -> str:
        """Return the aggregate that is a column's texts in one, a line each.

        For thousands of short texts: on SQLite each row costs a hand-over of the interpreter's lock
        between two threads, which takes milliseconds while the other one works.
        """
        return self._driver.joined(column)


class _Way(NamedTuple):
    """How a unit of work is run; see `Database.write`."""

    writes: bool
    at_once: bool = False
    prompt: bool = False


class Database:
    """One open database."""

    def __init__(self, driver: Driver, seal: Seal, connections: int) -> None:
        self._driver = driver
        self._seal = seal
        self._connections = connections
        self._units: set[asyncio.Task[Any]] = set()
        self._writing: set[asyncio.Task[Any]] = set()
        self._room: dict[bool, asyncio.Semaphore] = {}
        self._precedence: Precedence | None = None
        self.first = Precedence()  # of units that write in their thread, not aside (decision 289)
        self._patience = Patience(BUSY_TIMEOUT_MS / 1000)
        self._together = Together(partial(self._whole, way=_Way(writes=False, at_once=True)))

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, *, connections: int = 5, seal: Seal | None = None
    ) -> AsyncIterator["Database"]:
        """Open a database; when it is closed, all units of work are done.

        url: `sqlite:///relative.db`, `sqlite:////absolute.db` (the folder is made) or
        `postgresql://user:password@host:port/name`. connections: that read (SQLite), of all
        (PostgreSQL). seal: of what is secret; None leaves it open. Raises DatabaseUnavailable.
        """
        driver = driver_of(url, connections)
        await driver.connect()
        database = cls(driver, seal or Seal(), connections)
        try:
            yield database
        finally:
            await database._close()

    def aside(self, precedence: Precedence | None = None) -> "Database":
        """Return the same database for those who come in crowds, and must not stand before others.

        Of their units one writes at a time, and two connections are never used for their reads;
        the rest of them wait without being in anybody's way. None begins while somebody has
        precedence. It is closed with the whole.
        """
        aside = Database(self._driver, self._seal, self._connections)
        aside._units, aside._writing = self._units, self._writing
        aside._precedence, aside._patience, aside.first = precedence, self._patience, self.first
        aside._room = {
            True: asyncio.Semaphore(1),
            False: asyncio.Semaphore(max(1, self._connections - 2)),
        }
        return aside

    @staticmethod
    def name_of(url: str) -> str:
        """Return how a database is called in sentences, without credentials; opens nothing."""
        return driver_of(url, 1).name

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """Which SQL is spoken."""
        return self._driver.dialect

    @property
    def name(self) -> str:
        """What is open, without credentials."""
        return self._driver.name

    @property
    def is_writing(self) -> bool:
        """Whether a unit of work that writes is under way or waits for its turn."""
        return bool(self._writing)

    async def read(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        *,
        at_once: bool = False,
        brief: bool = False,
    ) -> T:
        """Run a unit of work that sees one snapshot and cannot write. at_once: see `write`.

        brief: with at_once on SQLite, those that come together go in one trip. Each is little.
        """
        if brief and at_once and self.dialect == "sqlite":
            if _within.get():
                raise RuntimeError("a unit of work cannot contain another: pass its Transaction on")
            return await self._together.read(work)
        return await self._whole(work, _Way(writes=False, at_once=at_once))

    async def write(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        *,
        at_once: bool = False,
        prompt: bool = False,
    ) -> T:
        """Run a unit of work whose changes are committed together, or not at all if it raises.

        It waits for nothing but the database, starts no task, and may have to be called again:
        after DatabaseUnavailable it is unknown only whether a COMMIT that was under way counted.
        at_once: on SQLite, from BEGIN to COMMIT in one trip to the connection's thread. `work` runs
        in that thread then, beside the event loop: it reads nothing that others change meanwhile.
        prompt: with at_once on SQLite, its COMMIT leaves the log to be moved into the file by the
        next unit, unless it has become long.
        """
        return await self._whole(work, _Way(writes=True, at_once=at_once, prompt=prompt))

    async def _whole(self, work: Callable[[Transaction], Awaitable[T]], way: _Way) -> T:
        if _within.get():
            raise RuntimeError("a unit of work cannot contain another: pass its Transaction on")
        unit = asyncio.create_task(self._unit(work, way), name="unit of work")
        self._units.add(unit)
        unit.add_done_callback(self._units.discard)
        try:
            result = await asyncio.shield(unit)
        except asyncio.CancelledError:
            unit.add_done_callback(_tell_of_failure)
            raise
        if isinstance(result, Thrown):
            result.again()
        return result

    async def _unit(self, work: Callable[[Transaction], Awaitable[T]], way: _Way) -> T | Thrown:
        _within.set(True)
        since = _since.get() or monotonic()
        try:
            return await self._in_time(work, way, since)
        except Exception as error:  # noqa: BLE001 - it is raised where the unit is waited for
            return Thrown(error)

    async def _in_time(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        way: _Way,
        since: float,
    ) -> T:
        try:
            async with asyncio.timeout(None) as limit:
                with self._patience.place(limit, since) if way.writes else nullcontext():
                    return await self._in_room(work, way, since, limit)
        except TimeoutError as late:
            if not limit.expired():
                raise
            raise DatabaseUnavailable(f"{self.name}: another process holds its lock") from late

    async def _in_room(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        way: _Way,
        since: float,
        limit: asyncio.Timeout,
    ) -> T:
        async with self._room.get(way.writes) or nullcontext():
            if self._precedence is not None:
                await self._precedence.over()
            if way.writes and (unit := asyncio.current_task()):
                self._writing.add(unit)
                unit.add_done_callback(self._writing.discard)
            return await self._connected(work, way, since, limit)

    async def _connected(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        way: _Way,
        since: float,
        limit: asyncio.Timeout,
    ) -> T:
        driver, writes = self._driver, way.writes
        connection = driver.connection(writes=writes)
        with driver.outages(writes=writes):
            await connection.__aenter__()
        self._patience.leave(limit)
        try:
            raw = connection.raw_connection
            if way.at_once and isinstance(driver, SQLite):
                unit = partial(self._transacted, work, since, writes=writes)
                with self.first.taken_by(self.name) if writes and not self._room else nullcontext():
                    result = await driver.at_once(raw, unit, prompt=way.prompt)
            else:
                result = await self._transacted(work, since, driver, raw, writes=writes)
        except DatabaseUnavailable as outage:
            if writes and is_lock(outage):
                self._patience.lock()
            raise
        else:
            if writes:
                self._patience.free()
            return result
        finally:
            with driver.outages(writes=writes):
                await connection.__aexit__()

    async def _transacted(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        since: float,
        driver: "Driver | AtOnce",
        raw: Any,
        *,
        writes: bool,
    ) -> T:
        transaction = Transaction(driver, raw, self._seal, writes=writes)
        try:
            with driver.outages(writes=writes):
                await driver.begin(raw, writes=writes, since=since)
            result = await work(transaction)
            with driver.outages(writes=writes):
                await driver.commit(raw)
        except BaseException:
            await driver.rollback(raw)
            raise
        finally:
            transaction.end()
        return result

    async def _close(self) -> None:
        """Wait for all units, however often this is cancelled, then close the connections.

        SQLite's own limits bound each unit. On a server those that do not end are cut off, as by a
        kill: one after the other they would wait for a pooler for minutes.
        """
        cancelled: asyncio.CancelledError | None = None
        ends_at = monotonic() + CLOSE_SECONDS
        while self._units:
            late = monotonic() >= ends_at and self._driver.cut()
            if late:
                log.warning("units of work cut off at the end", units=len(self._units))
                for unit in self._units:
                    unit.cancel()
            try:
                await asyncio.wait(self._units, timeout=1.0 if late else CLOSE_SECONDS)
            except asyncio.CancelledError as cancel:
                cancelled = cancel
        await self._driver.disconnect()
        if cancelled:
            raise cancelled


def _tell_of_failure(unit: asyncio.Task[Any]) -> None:
    """Log what nobody waits for any more."""
    if not unit.cancelled() and isinstance(failed := unit.result(), Thrown):
        log.error("unit of work failed after its caller was gone", error=failed.forgotten())
