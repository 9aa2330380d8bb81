"""What blocks, claims and lists cost beside few and many rows that are stored or waiting.

Two services in this process take turns: matches and deliveries of a real block are copied into one
a thousand times, into the other a million times; every second delivery is waiting, the others were
taken. Other counts: `python -m bench.rows 1000 10000000`.
"""

import argparse
import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import structlog
import uvloop

from bench.blocks import addresses
from bench.figures import figure, ratio
from bench.measuring import machine
from bench.world import World, world
from crypitor.database.attempts import claim, load_endpoints
from crypitor.database.engine import Transaction
from crypitor.runtime.loop import clock

ROWS, QUICK_ROWS = (1_000, 1_000_000), (1_000, 20_000)
SEED = 6
HITS = 20
FIRST_BLOCK = 100_000_000
"""Above those of the copies."""

TEXT = json.dumps({"filler": "x" * 200})
"""Of a copy, in place of some 1,000 characters: a million fit on most machines, and no list that is
measured gets as far as to the copies."""

WARM_UP = 5
BLOCKS, QUICK_BLOCKS = 100, 15
CLAIMED = 10
CHUNK = 100_000

# Ids as the product makes them: the place in the chain, then what is as spread as hashes are.
_ID = "printf('%s_%08x0000%08x%014d', :prefix, n / :hits, (n * 2654435761) & 4294967295, n)"
_NUMBERS = (
    "with recursive place (n) as (select :first union all select n + 1 from place where n < :last)"
)
_COPIES: dict[str, tuple[str, str, dict[str, str]]] = {
    "matches": (
        "ma",
        "t.position = n % :hits + 1",
        {
            "id": _ID,
            "position": "n + :hits + 1",
            "block_number": "n / :hits",
            "block_hash": "'0x' || hex(randomblob(32))",
            "transaction_hash": "'0x' || hex(randomblob(32))",
            "phase": "'confirmed'",
            "document": ":text",
        },
    ),
    "deliveries": (
        "de",
        "t.position = n % :hits + 1",
        {
            "id": _ID,
            "match_id": _ID.replace(":prefix", "'ma'"),
            "position": "n + :hits + 1",
            "status": "case n % 2 when 0 then 'pending' else 'delivered' end",
            "attempts": "n % 2",
            "body": ":text",
            "finished_at": "case n % 2 when 0 then null else t.created_at end",
        },
    ),
}
_ATTEMPTS = f"""{_NUMBERS} insert into attempts
        (delivery_id, number, started_at, duration_ms, status_code, error, answer)
    select {_ID}, 1, 0, 20, 200, null, 'ok' from place where n % 2 = 1"""


@dataclass
class Service:
    """A service with its rows, and what was measured of it: wall clock and processor, in ms."""

    world: World
    session: aiohttp.ClientSession
    endpoint: str
    taken: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)

    async def measured(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Do it once."""
        wall, processor = self.taken.setdefault(name, ([], []))
        began, worked = time.perf_counter(), time.process_time()
        await work()
        processor.append(1000 * (time.process_time() - worked))
        wall.append(1000 * (time.perf_counter() - began))

    async def round(self, number: int) -> None:
        """Do everything once."""
        made = self.world.stream.made()
        await self.measured("a block with 20 matches", lambda: self.world.stream.commit(made))
        await self.measured("a claim of ten", lambda: self._claim(number))
        for name, path in (
            ("GET /v1/matches", "/v1/matches?limit=100"),
            ("GET /v1/deliveries", "/v1/deliveries?limit=100"),
            ("the first page", "/"),
        ):
            await self.measured(name, lambda path=path: self._read(path))

    async def _read(self, path: str) -> None:
        async with self.session.get(path) as answer:
            assert answer.status == 200, await answer.text()
            await answer.read()

    async def _claim(self, number: int) -> None:
        now = clock() + number * 10  # each lease ends before the next claim

        async def work(tx: Transaction) -> None:
            endpoints = await load_endpoints(tx, [self.endpoint])
            claimed = await claim(tx, [(endpoints[self.endpoint], CLAIMED)], now, 5)
            assert len(claimed[self.endpoint].deliveries) == CLAIMED

        await self.world.database.write(work)


def bench(*, quick: bool = False) -> dict:
    """Measure both."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if quick:
            return runner.run(_measured(QUICK_ROWS, QUICK_BLOCKS))
        return runner.run(_measured(ROWS, BLOCKS))


async def _measured(rows: Sequence[int], blocks: int) -> dict:
    few, many = rows
    found: dict = {}
    async with AsyncExitStack() as stack:
        services = [await _service(stack, count, found) for count in (few, many)]
        for number in range(-WARM_UP, blocks):
            for service in services:
                await service.round(number + WARM_UP)
    for name in services[0].taken:
        (small, small_cpu), (large, large_cpu) = (
            [values[WARM_UP:] for values in service.taken[name]] for service in services
        )
        found[name] = {
            f"{few:,}": figure(small, "ms"),
            f"{many:,}": figure(large, "ms"),
            f"{few:,}, processor": figure(small_cpu, "ms"),
            f"{many:,}, processor": figure(large_cpu, "ms"),
            "processor": ratio(large_cpu, small_cpu),
        }
    return found


async def _service(stack: AsyncExitStack, count: int, found: dict) -> Service:
    """Open a service, let it match a block, and copy what came of it."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    hits = addresses(HITS, SEED)
    opened = await stack.enter_async_context(world(folder, hits, streaming=False))
    opened.stream.number = FIRST_BLOCK
    session = await stack.enter_async_context(
        aiohttp.ClientSession(
            opened.url,
            headers={"Authorization": f"Bearer {opened.key}"},
            cookie_jar=aiohttp.CookieJar(unsafe=True),  # of a host without a name
        )
    )
    async with session.post("/login", data={"key": opened.key}, allow_redirects=False) as answer:
        assert answer.status == 303, await answer.text()
    body = {
        "networks": ["ethereum"],
        "addresses": hits,
        "webhook": {"url": "https://example.com/hook"},
    }
    async with session.post("/v1/monitors", json=body) as answer:
        assert answer.status == 201, await answer.text()
    await opened.stream.commit(opened.stream.made())
    endpoint = await opened.database.read(lambda tx: tx.value("select id from endpoints"))
    began, file = time.perf_counter(), folder / "crypitor.db"
    counts = {"matches": count, "deliveries": count}
    await asyncio.to_thread(copied, file, counts, {}, {"text": TEXT})
    found[f"{count:,} rows"] = {
        "file_mb": round(file.stat().st_size / 1e6),
        "filled_in_s": round(time.perf_counter() - began, 1),
    }
    return Service(opened, session, endpoint)


def copied(
    file: Path,
    counts: Mapping[str, int],
    changes: Mapping[str, Mapping[str, str]],
    values: Mapping[str, object],
) -> None:
    """Copy the rows of the first block; indexes are made afterwards, which is much faster.

    counts: of copies, by table. changes: SQL in place of what columns have otherwise, by table, in
    which n is the number of a copy. values: what is named in it.
    """
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for pragma in ("synchronous = off", "cache_size = -1000000"):
            connection.execute(f"pragma {pragma}")
        indexes = connection.execute(
            """select name, sql from sqlite_master
                where type = 'index' and sql <> '' and tbl_name in ('matches', 'deliveries')"""
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"drop index {name}")
        for table in _COPIES:  # to be looked up among twenty, not among all that were copied
            connection.execute(f"create temp table first_{table} as select * from {table}")
        for table, (prefix, template, changed) in _COPIES.items():
            copy = _copy(connection, table, template, changed | dict(changes.get(table, {})))
            for first in range(0, counts[table], CHUNK):
                last = min(counts[table], first + CHUNK) - 1
                place = {"first": first, "last": last, "hits": HITS, **values}
                connection.execute(copy, place | {"prefix": prefix})
                if table == "deliveries":
                    connection.execute(_ATTEMPTS, place | {"prefix": prefix})
            connection.execute(
                "update counters set value = value + ? where name = ?", (counts[table], table)
            )
        for _, index in indexes:
            connection.execute(index)
        connection.execute("pragma wal_checkpoint(truncate)")


def _copy(
    connection: sqlite3.Connection, table: str, template: str, changed: dict[str, str]
) -> str:
    columns = [row[1] for row in connection.execute(f"pragma table_info({table})")]
    values = ", ".join(changed.get(column, f"t.{column}") for column in columns)
    return f"""{_NUMBERS} insert into {table} ({", ".join(columns)})
        select {values} from place join first_{table} t on {template}"""


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=int, nargs=2)
    parser.add_argument("--blocks", type=int, default=BLOCKS)
    asked = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(_measured(asked.rows, asked.blocks))
    print(json.dumps({"machine": machine(), "rows": figures}, indent=1))
