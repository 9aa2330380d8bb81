"""Holds a PostgreSQL database by advisory locks of one transaction, open for that alone.

The server ends it with the session, so at once after `kill -9`, and where nothing was heard for
ten seconds (a host that is gone, a process that is paused). A transaction, because poolers that
hand out sessions for each transaction keep this one together too. It has no snapshot between two
statements, so it holds up no VACUUM.
"""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import asyncpg

from crypitor.database.hold import UNKNOWN, Holder, Part, Parts, taken
from crypitor.database.postgresql import CONNECT_SECONDS, PostgreSQL
from crypitor.database.telling import alive
from crypitor.errors import ConfigError, DatabaseUnavailable, Displaced

CLASS = 0x43525900
"""Of the keys of our locks; the part is added, and the schema is the other key."""

SILENT_SECONDS = 10
ANSWER_SECONDS = 3.0
POLL_SECONDS = 0.05

TAKE_SECONDS = 1.0
"""How long what somebody holds is waited for: the server may just be ending a session."""

NAME_BYTES = 63

_LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)

BEGIN = f"""begin isolation level read committed;
    set local idle_in_transaction_session_timeout = '{SILENT_SECONDS}s';
    set local statement_timeout = '{SILENT_SECONDS}s'"""

WITHOUT_END = """select set_config(name, '0', true) from pg_settings
    where name = 'transaction_timeout'"""
"""Of PostgreSQL 17 and newer, where an operator may have set one for all."""

NOTHING = "select 1"
"""Closes what the statement before has open, which would keep its snapshot until the next one."""

READ_ONLY = "select pg_is_in_recovery() or current_setting('default_transaction_read_only') = 'on'"

# What is hidden from a user without rights (the start of another's transaction) is left out.
HOLDERS = """select l.pid, l.classid::bigint - $1::bigint as part,
        l.mode = 'ExclusiveLock' as alone,
        a.application_name as name,
        to_char(a.xact_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since
    from pg_locks l left join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and l.objsubid = 2 and l.granted
        and l.classid::bigint > $1::bigint and l.classid::bigint <= $1::bigint + 16
        and l.objid::bigint = $2::bigint and l.pid <> pg_backend_pid()
        and l.database = (select oid from pg_database where datname = current_database())"""


class PostgresqlHold:
    """What this process holds of one database.

    lasting: False to make sure once that nobody excludes it, and to hold nothing afterwards.
    """

    def __init__(self, url: str, holder: Holder, *, lasting: bool = True) -> None:
        self.holder = holder
        self._url = url
        self._driver = PostgreSQL(url, 1)
        self._lasting = lasting
        self._connection: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()  # one statement at a time
        self.lost = asyncio.Event()

    def take_early(self) -> None:
        """Leave it to `take`: it needs a server, and a loop of events."""

    async def take(self) -> None:
        """Take all parts, or none. What is held already stays so."""
        if self._connection is not None:
            return
        connection = await self._taken(TAKE_SECONDS)
        try:
            await self._require_nobody_beside(connection)
        except BaseException:
            connection.terminate()
            raise
        if self._lasting:
            self._hold_by(connection)
        else:
            await _closed(connection)

    async def keep(self) -> None:
        """Ask the session for a sign of life; where it has none, take everything in another."""
        self.lost.clear()
        async with self._turn:
            if self._lasting and not await self._lives():
                try:
                    async with self._in_time():
                        self._hold_by(await self._taken(0.0))
                except ConfigError as refused:
                    raise Displaced("; ".join(refused.mistakes)) from refused

    async def _lives(self) -> bool:
        connection = self._connection
        if connection is None:
            return False
        try:
            async with self._in_time():
                await self._require_writable(connection)
                with self._driver.outages(writes=True):
                    await connection.execute(NOTHING)
        except (DatabaseUnavailable, *_LOST):
            self._lose(connection)
        return self._connection is not None

    def _hold_by(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        connection.add_termination_listener(self._has_ended)

    def _has_ended(self, connection: asyncpg.Connection) -> None:
        if connection is self._connection:
            self.lost.set()

    def _lose(self, connection: asyncpg.Connection) -> None:
        """Give up a session of which nothing is known any more."""
        self._connection = None
        connection.terminate()

    async def others(self) -> Collection[Holder] | None:
        """Return who else holds something; None while that cannot be known."""
        async with self._turn:
            connection = self._connection
            if connection is None:
                return None
            try:
                async with self._in_time():
                    found = await self._holders(connection)
                    await connection.execute(NOTHING)
            except (DatabaseUnavailable, *_LOST):  # `keep` tells of it
                self._lose(connection)
                return None
        return None if UNKNOWN in found else found

    async def release(self) -> None:
        """End the session, and with it everything."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await _closed(connection)

    async def _taken(self, seconds: float) -> asyncpg.Connection:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        connection = await _connected(self._url, _name_of(self.holder), self._driver)
        try:
            with self._driver.outages(writes=True):
                await self._require_writable(connection)
                await connection.execute(BEGIN)
                await connection.execute(WITHOUT_END)
                schema = await _schema_key(connection)
                for part, alone in sorted(self.holder.parts.items()):
                    while not await _lock(connection, part, schema, alone=alone):
                        if loop.time() >= until:
                            await self._refuse(connection)
                        await asyncio.sleep(POLL_SECONDS)
                await connection.execute(NOTHING)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _require_nobody_beside(self, connection: asyncpg.Connection) -> None:
        """Raise Taken where this process is to be the only one, and others share it with Kafka."""
        mine = self.holder.parts
        if not any(mine.values()):
            return
        with self._driver.outages(writes=False):
            holding = {one.life for one in await _holders(connection)}
            others = await alive(connection, mine, {*holding, self.holder.life})
            await connection.execute(NOTHING)
        if others:
            raise taken(self._driver.name, mine, others)

    async def _refuse(self, connection: asyncpg.Connection) -> NoReturn:
        raise taken(self._driver.name, self.holder.parts, await self._holders(connection))

    async def _require_writable(self, connection: asyncpg.Connection) -> None:
        with self._driver.outages(writes=True):
            if await connection.fetchval(READ_ONLY):
                raise DatabaseUnavailable(
                    f"{self._driver.name}: is read-only, as a standby is until a failover is done"
                )

    async def _holders(self, connection: asyncpg.Connection) -> list[Holder]:
        with self._driver.outages(writes=False):
            return await _holders(connection)

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                yield
        except TimeoutError as late:
            trouble = f"{self._driver.name}: no answer within {ANSWER_SECONDS:g} s"
            raise DatabaseUnavailable(trouble) from late


async def holders_of(url: str) -> list[Holder]:
    """Return who holds a database; looks only. Raises DatabaseUnavailable."""
    driver = PostgreSQL(url, 1)
    connection = await _connected(url, "crypitor", driver)
    try:
        with driver.outages(writes=False):
            return await _holders(connection)
    finally:
        await _closed(connection)


async def sharers_of(url: str, mine: Parts) -> list[Holder]:
    """Return who shares a database with Kafka and excludes these parts; looks only, for seconds.

    Raises DatabaseUnavailable.
    """
    driver = PostgreSQL(url, 1)
    connection = await _connected(url, "crypitor", driver)
    try:
        with driver.outages(writes=False):
            return await alive(connection, mine, {one.life for one in await _holders(connection)})
    finally:
        await _closed(connection)


async def _connected(url: str, name: str, driver: PostgreSQL) -> asyncpg.Connection:
    with driver.outages(writes=True):
        return await asyncpg.connect(
            url,
            timeout=CONNECT_SECONDS,
            command_timeout=CONNECT_SECONDS,  # a pooler may have no session for it
            statement_cache_size=0,  # a pooler may not keep what was prepared
            server_settings={"application_name": name},
        )


async def _closed(connection: asyncpg.Connection) -> None:
    with contextlib.suppress(
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        OSError,
        TimeoutError,
    ):
        await connection.close(timeout=ANSWER_SECONDS)


async def _schema_key(connection: asyncpg.Connection) -> int:
    """Return the key of the schema: a database may have several, each with a service."""
    schema = await connection.fetchval("select current_schema()")
    return zlib.crc32((schema or "").encode())


async def _lock(connection: asyncpg.Connection, part: Part, schema: int, *, alone: bool) -> bool:
    how = "" if alone else "_shared"
    key = schema - (1 << 32) if schema >= 1 << 31 else schema
    got: bool = await connection.fetchval(
        f"select pg_try_advisory_xact_lock{how}($1, $2)", CLASS + part, key
    )
    return got


async def _holders(connection: asyncpg.Connection) -> list[Holder]:
    rows = await connection.fetch(HOLDERS, CLASS, await _schema_key(connection))
    sessions: dict[int, list[Any]] = {}
    for row in rows:
        sessions.setdefault(row["pid"], []).append(row)
    return [_holder_of(rows) for rows in sessions.values()]


def _name_of(holder: Holder) -> str:
    """Return the name of the session, by which others know who it is."""
    name = f"crypitor {holder.life} {holder.process} {holder.host}"
    return name.encode()[:NAME_BYTES].decode(errors="ignore")


def _holder_of(rows: list[Any]) -> Holder:
    match (rows[0]["name"] or "").split(" ", 3):
        case ["crypitor", life, process, host] if process.isdecimal():
            parts = {Part(row["part"]): row["alone"] for row in rows}
            return Holder(life, int(process), host, rows[0]["since"] or "", parts)
    return UNKNOWN
