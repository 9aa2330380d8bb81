"""PostgreSQL through `databases` and asyncpg."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NoReturn

import asyncpg
import databases

from crypitor.database.sql import Statement
from crypitor.errors import DatabaseUnavailable

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 60
CLOSE_SECONDS = 10

_SETTINGS = {
    "application_name": "crypitor",
    "statement_timeout": str(STATEMENT_SECONDS * 1000),
    "lock_timeout": "15000",
    # A process that stopped answering must not hold its locks: others wait for a network's row, to
    # take its lead. A unit of work waits for nothing but the database, so it is never idle so long.
    "idle_in_transaction_session_timeout": "4000",
    "jit": "off",
}

# SQLSTATE classes that mean "not now": connection, resources (too many connections, disk full),
# operator intervention (shutdown, timeout), transaction rollback (serialization, deadlock), system.
_OUTAGE_CLASSES = ("08", "53", "57", "40", "58")
# Lock not available, idle in transaction, login refused, no such database: the last two are so
# while the server is being set up.
_OUTAGE_STATES = ("55P03", "25P03", "28000", "28P01", "3D000")
_READ_ONLY = "25006"
# asyncpg has one class for these and for wrong use. The pool takes back what the server closed.
_LOST = ("connection is closed", "connection was closed", "released back to the pool")


async def _reset(connection: asyncpg.Connection) -> None:
    """Leave the connection as it is: units change no session state, and a reset is a round trip."""
    if connection.is_in_transaction():
        await connection.reset()


class PostgreSQL:
    """One database; writers and readers share the pool."""

    dialect: Literal["postgresql"] = "postgresql"
    now = "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)"

    def __init__(self, url: str, connections: int) -> None:
        parts = databases.DatabaseURL(url)
        port = f":{parts.port}" if parts.port else ""
        self.name = f"PostgreSQL {parts.hostname or ''}{port}/{parts.database}"
        self._databases = databases.Database(
            url,
            dsn=url,  # so that asyncpg sees its own parameters, such as sslmode
            min_size=1,
            max_size=connections,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS + 15,
            server_settings=_SETTINGS,
            reset=_reset,
        )

    async def connect(self) -> None:
        """Open the first connection. Raises DatabaseUnavailable."""
        with self.outages(writes=True):
            await self._databases.connect()

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
        await raw.execute(
            "begin isolation level read committed"
            if writes
            else "begin isolation level repeatable read read only"
        )

    async def commit(self, raw: asyncpg.Connection) -> None:
        """Make it last."""
        await raw.execute("commit")

    async def rollback(self, raw: asyncpg.Connection) -> None:
        """Undo what is open, if anything is; a lost connection has nothing open.

        The statement is sent in any case: a BEGIN that was cancelled may have been done.
        """
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
            if state == _READ_ONLY and writes:  # a standby, until a failover is done
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
        raise DatabaseUnavailable(f"{self.name}: {error or type(error).__name__}") from error
