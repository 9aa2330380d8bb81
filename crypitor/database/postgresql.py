"""PostgreSQL through `databases` and asyncpg."""

import asyncio
import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NoReturn

import asyncpg
import databases
import structlog

from crypitor.database.sql import Statement
from crypitor.errors import DatabaseUnavailable, words_of

log = structlog.get_logger(__name__)

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 60
CLOSE_SECONDS = 10

NO_ANSWER = "no answer in time; a pooler says nothing while all its sessions are in use"

_NAME = {"application_name": "crypitor"}
_LIMITS = {
    "statement_timeout": str(STATEMENT_SECONDS * 1000),
    "lock_timeout": "15000",
    # A process that stopped answering must not hold its locks: others wait for a network's row, to
    # take its lead. A unit of work waits for nothing but the database, so it is never idle so long.
    "idle_in_transaction_session_timeout": "4000",
    "jit": "off",
}

# Behind a pooler a session is another client's in a moment, so they are of the transaction.
_SET_LIMITS = "".join(f"; set local {name} = {value}" for name, value in _LIMITS.items())
_BEGIN = {
    True: "begin isolation level read committed",
    False: "begin isolation level repeatable read read only",
}

# SQLSTATE classes that mean "not now": connection, resources (too many connections, disk full),
# operator intervention (shutdown, timeout), transaction rollback (serialization, deadlock), system.
_OUTAGE_CLASSES = ("08", "53", "57", "40", "58")
# Lock not available, idle in transaction, login refused, no such database: the last two are so
# while the server is being set up.
_OUTAGE_STATES = ("55P03", "25P03", "28000", "28P01", "3D000")
_READ_ONLY = "25006"
# asyncpg has one class for these and for wrong use. The pool takes back what the server closed.
_LOST = (
    "connection is closed",
    "connection was closed",
    "released back to the pool",
    "pool is closing",
    "pool is closed",
)


async def _reset(connection: asyncpg.Connection) -> None:
    """Leave the connection as it is: units change no session state, and a reset is a round trip."""
    if connection.is_in_transaction():
        await connection.reset()


class PostgreSQL:
    """One database; writers and readers share the pool."""

    dialect: Literal["postgresql"] = "postgresql"
    now = "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)"

    def __init__(self, url: str, connections: int) -> None:
        self.name = f"PostgreSQL {_place(url)}"
        self._url = url
        self._connections = connections
        self._databases = self._pool(behind_pooler=False)
        self._limits = ""
        self._is_stale = False

    def _pool(self, *, behind_pooler: bool) -> databases.Database:
        options: dict[str, Any] = {
            # Of the URL asyncpg makes what libpq does: several hosts, sslmode, other parameters.
            **dict.fromkeys(("host", "port", "user", "password", "database")),
            **_of_url(self._url),
            "min_size": 1,
            "max_size": self._connections,
            "timeout": CONNECT_SECONDS,
            "command_timeout": STATEMENT_SECONDS + 15,
            "server_settings": {**_NAME, **_LIMITS},
            "reset": _reset,
        }
        if behind_pooler:
            # A prepared statement is of a session, which may be another one the next time.
            options |= {"server_settings": _NAME, "statement_cache_size": 0}
        return databases.Database("postgresql://", **options)

    async def connect(self) -> None:
        """Open the first connection. Raises DatabaseUnavailable."""
        with self.outages(writes=True):
            if not await self._has_limits():
                log.info("sessions are a pooler's: limits go with each transaction")
                self._databases = self._pool(behind_pooler=True)
                self._limits = _SET_LIMITS
            await self._databases.connect()

    async def _has_limits(self) -> bool:
        """Tell whether a session has what it was opened with; a pooler refuses it, or drops it."""
        try:
            trial = await connect_once(self._url, {**_NAME, **_LIMITS})
        except asyncpg.ProtocolViolationError as refused:
            if "startup parameter" in str(refused):
                return False
            raise
        try:
            async with trial.transaction():
                limit = await trial.fetchval(
                    "select setting from pg_settings where name = 'statement_timeout'"
                )
        finally:
            await trial.close(timeout=CONNECT_SECONDS)
        return bool(limit == _LIMITS["statement_timeout"])

    def cut(self) -> bool:
        """End all connections now, whatever they are at; True."""
        if self._databases.is_connected:
            self._databases._backend._pool.terminate()  # noqa: SLF001
        return True

    async def disconnect(self) -> None:
        """Close all connections; those that do not answer are cut."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._databases.disconnect(), CLOSE_SECONDS)

    def connection(self, *, writes: bool) -> Any:  # noqa: ARG002 - one pool for both
        """Return the calling task's connection, to be entered."""
        return self._databases.connection()

    async def begin(
        self,
        raw: asyncpg.Connection,
        *,
        writes: bool,
        since: float,  # noqa: ARG002 - the server bounds how long is waited for a lock
    ) -> None:
        """Begin; a reader sees one snapshot, a writer what is committed at each statement."""
        await raw.execute(_BEGIN[writes] + self._limits)

    async def commit(self, raw: asyncpg.Connection) -> None:
        """Make it last."""
        await raw.execute("commit")

    async def rollback(self, raw: asyncpg.Connection) -> None:
        """Undo what is open, if anything is; a lost connection has nothing open.

        The statement is sent in any case: a BEGIN that was cancelled may have been done.
        """
        if self._is_stale:
            self._is_stale = False
            raw.terminate()
            await self._databases._backend._pool.expire_connections()  # noqa: SLF001
            return
        try:
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await raw.execute("rollback")
        except asyncpg.InternalClientError:
            raw.terminate()

    async def fetch_rows(
        self, raw: asyncpg.Connection, sql: Statement, values: dict[str, object]
    ) -> list[Any]:
        """Run one statement."""
        return list(await raw.fetch(sql.dollar, *sql.values(values)))

    def dictionaries(self, rows: list[Any]) -> list[dict[str, Any]]:
        """Return rows by the names of their columns."""
        return [dict(row) for row in rows]

    async def execute_many(
        self, raw: asyncpg.Connection, sql: Statement, rows: Sequence[Sequence[object]]
    ) -> None:
        """Run one statement for each row, without waiting for the answer to each."""
        await raw.executemany(sql.dollar, rows)

    def listed(self, name: str) -> str:
        """Return the set of the strings in a JSON list."""
        return f"(select jsonb_array_elements_text(cast(:{name} as jsonb)) as value)"

    def joined(self, column: str) -> str:
        """Return the aggregate of texts to one text."""
        return f"string_agg({column}, chr(10))"

    @contextlib.contextmanager
    def outages(self, *, writes: bool) -> Iterator[None]:
        """Turn what may be over later into DatabaseUnavailable."""
        try:
            yield
        except (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError) as error:
            self._unavailable(
                error
            )  # another process migrated the schema under a prepared statement
        except asyncpg.PostgresError as error:
            state = error.sqlstate or ""
            if state.startswith(_OUTAGE_CLASSES) or state in _OUTAGE_STATES:
                self._unavailable(error)
            if state == _READ_ONLY and writes:
                # A failover that left its sessions to the server before: they stay so for ever.
                self._is_stale = True
                self._unavailable(error)
            raise
        except asyncpg.InternalClientError as error:
            self._unavailable(error)  # the server ended the session between two statements
        except asyncpg.InterfaceError as error:
            if any(words in str(error) for words in _LOST):
                self._unavailable(error)
            raise
        except (OSError, TimeoutError) as error:
            self._unavailable(error)

    def _unavailable(self, error: Exception) -> NoReturn:
        raise DatabaseUnavailable(f"{self.name}: {_words(error)}") from error


async def connect_once(
    url: str,
    settings: dict[str, str] | None = None,
    *,
    statement_seconds: float | None = CONNECT_SECONDS,
) -> asyncpg.Connection:
    """Open a connection that leaves nothing behind in a session, whoever it is given to next.

    Its statements are right in a transaction alone. Raises what asyncpg does.
    statement_seconds: for each, as a pooler lets one in and then has no session for it; None for no
    limit.
    """
    return await asyncpg.connect(
        **_of_url(url),
        timeout=CONNECT_SECONDS,
        command_timeout=statement_seconds,
        statement_cache_size=0,
        server_settings=settings,
    )


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return NO_ANSWER
    if isinstance(error, OSError):
        return words_of(error)
    return str(error) or type(error).__name__


def _of_url(url: str) -> dict[str, str]:
    """Return what asyncpg is given; of several hosts the one that can be written is meant."""
    if "," in _place(url) and "target_session_attrs" not in url:
        return {"dsn": url, "target_session_attrs": "read-write"}
    return {"dsn": url}


def _place(url: str) -> str:
    """Return host, port and name of a URL, without user, password and parameters."""
    return re.sub(r"^[^:]*://([^/@]*@)?|[?#].*$", "", url)
