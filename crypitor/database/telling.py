"""Processes that share a PostgreSQL database with Kafka: they hold nothing, and tell they live."""

import asyncio
import json
from collections.abc import Collection
from typing import NamedTuple

import asyncpg

from crypitor.database.hold import Holder, Parts, clash, parts_of

TOLD_MS = 10_000
"""Who told nothing for so long is gone, or will find out by itself."""

ALIVE_SECONDS = 3.0
"""Each tells once a second: who does not in so long is taken to have ended."""

LOOK_SECONDS = 0.2

IS_THERE = "select to_regclass('processes') is not null"

TOLD = """select id, document, told_at from processes
    where told_at > cast(extract(epoch from clock_timestamp()) * 1000 as bigint) - $1::bigint"""


class _Told(NamedTuple):
    holder: Holder
    at: int


async def alive(
    connection: asyncpg.Connection, mine: Parts, without: Collection[str]
) -> list[Holder]:
    """Return who tells that it lives, and must not run beside a process with these parts.

    without: the lives of those who hold what they need, or are this process itself. Where nobody
    has told anything of late that is known at once, elsewhere after some seconds.
    """
    first = await _told(connection, mine, without)
    loop = asyncio.get_running_loop()
    until = loop.time() + ALIVE_SECONDS
    while first and loop.time() < until:
        await asyncio.sleep(LOOK_SECONDS)
        now = await _told(connection, mine, without)
        again = [told.holder for name, told in now.items() if told.at != first.get(name, told).at]
        if again:
            return again
    return []


async def _told(
    connection: asyncpg.Connection, mine: Parts, without: Collection[str]
) -> dict[str, _Told]:
    if not await connection.fetchval(IS_THERE):
        return {}  # before the first start, or of a release before there were any
    found = {}
    for row in await connection.fetch(TOLD, TOLD_MS):
        host, process, life = row["id"].rsplit(":", 2)
        parts = parts_of(json.loads(row["document"])["roles"], in_process=False)
        if life not in without and clash(mine, parts):
            found[row["id"]] = _Told(Holder(life, int(process), host, "", parts), row["told_at"])
    return found
