"""How many sessions a PostgreSQL server gives at once, or the pooler before it."""

import asyncio
import contextlib

import asyncpg

from crypitor.database.postgresql import PostgreSQL, connect_once

ANSWER_SECONDS = 5.0

BESIDES = 2
"""Sessions of a start beside `database.connections`: the hold's, and for a moment the schema's."""


async def sessions_given(url: str, wanted: int) -> int:
    """Return how many sessions are given, at most `wanted`; all are closed afterwards.

    The first stays in a transaction, as the hold of a database does; the others are used and kept,
    as those of units of work are. Raises DatabaseUnavailable where not even one is given.
    """
    driver = PostgreSQL(url, 1)
    opened: list[asyncpg.Connection] = []
    try:
        with driver.outages(writes=False):
            opened.append(await _used(url, "begin"))
        with contextlib.suppress(TimeoutError, OSError, asyncpg.PostgresError):
            while len(opened) < wanted:
                opened.append(await _used(url, "select 1"))
    finally:
        for connection in opened:
            connection.terminate()
    return len(opened)


async def _used(url: str, sql: str) -> asyncpg.Connection:
    connection = await connect_once(url)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await connection.execute(sql)
    except BaseException:
        connection.terminate()
        raise
    return connection
