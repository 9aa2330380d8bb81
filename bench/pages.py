"""What the pages of the dashboard cost beside few and many monitors, matches and deliveries.

Two services take turns: one with a hundred monitors and a thousand matches, one with 10,000
monitors and a million matches; every fifth match has a delivery. Each page is asked for as a
browser does, with the cookie of a session; its size is counted with all that it fetches, gzip'd.
Other counts:
`python -m bench.pages 1000 10000000`; with `--chromium PATH` a browser says when it first painted
the pages of the larger one.
"""

import argparse
import asyncio
import gzip
import json
import re
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import structlog
import uvloop

from bench.blocks import addresses
from bench.figures import figure, ratio
from bench.measuring import machine
from bench.painting import painted
from bench.rows import CHUNK, FIRST_BLOCK, HITS, SEED, copied
from bench.world import world

ROWS, QUICK_ROWS = (1_000, 1_000_000), (1_000, 20_000)
ROUNDS, QUICK_ROUNDS, WARM_UP = 20, 3, 2
FEWEST_MONITORS, MOST_MONITORS = 100, 10_000
EACH_DELIVERED = 5
NEWEST = 300_000
OLDEST = 1_000
"""Of these the documents are whole; no page gets as far as to those between."""

_MONITOR = "printf('mo_%026d', n % :monitors)"
_LISTS = (
    "/",
    "/?span=90d",
    "/monitors",
    "/monitors?search=00042",
    "/matches",
    "/matches?order=asc",
    "/matches?kind=erc20",
    "/deliveries",
    "/deliveries?status=failed",
    "/endpoints",
    "/networks",
    "/networks/ethereum",
    "/jobs",
    "/keys",
    "/audit",
    "/about",
    "/monitors/new",
)
_FETCHED = re.compile(r'(?:src|href)="(/(?:static|icon)[^"]*)"')


@dataclass
class Service:
    """A service with its rows. pages: their paths; ms: by them."""

    url: str
    key: str
    session: aiohttp.ClientSession
    pages: Sequence[str]
    ms: dict[str, list[float]] = field(default_factory=dict)
    kb: dict[str, float] = field(default_factory=dict)

    async def round(self, *, counts: bool) -> None:
        """Open every page once."""
        for path in self.pages:
            began = time.perf_counter()
            async with self.session.get(path) as answer:
                text = await answer.text()
                assert answer.status == 200, (path, answer.status, text[:500])
            known = re.sub(r"_[0-9A-Za-z_-]{20,}", "_one", path)
            if counts:
                self.ms.setdefault(known, []).append(1000 * (time.perf_counter() - began))
            elif known not in self.kb:
                self.kb[known] = await self._kilobytes(text)

    async def _kilobytes(self, text: str) -> float:
        size = len(gzip.compress(text.encode()))
        for url in sorted(set(_FETCHED.findall(text))):
            async with self.session.get(url) as answer:
                size += len(gzip.compress(await answer.read()))
        return size / 1000


def bench(*, quick: bool = False) -> dict:
    """Measure both."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if quick:
            return runner.run(_measured(QUICK_ROWS, QUICK_ROUNDS))
        return runner.run(_measured(ROWS, ROUNDS))


async def _measured(
    rows: Sequence[int], rounds: int, place: str | None = None, chromium: str | None = None
) -> dict:
    few, many = rows
    found: dict = {}
    async with AsyncExitStack() as stack:
        services = [await _service(stack, count, found, place) for count in (few, many)]
        for number in range(-WARM_UP, rounds):
            for service in services:
                await service.round(counts=number >= 0)
        if chromium is not None:
            last = services[1]
            found["in a browser"] = await painted(chromium, last.url, last.key, last.pages, rounds)
    for name, small in services[0].ms.items():
        large = services[1].ms[name]
        found[name] = {
            f"{few:,}": figure(small, "ms"),
            f"{many:,}": figure(large, "ms"),
            "many / few": ratio(large, small),
            "with all that it fetches": figure([services[1].kb[name]], "KB gzip'd"),
        }
    return found


async def _service(stack: AsyncExitStack, count: int, found: dict, place: str | None) -> Service:
    """Open a service, let it match a block, and copy what came of it."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=place)))
    hits = addresses(HITS, SEED)
    opened = await stack.enter_async_context(world(folder, hits, streaming=False))
    opened.stream.number = FIRST_BLOCK
    jar = aiohttp.CookieJar(unsafe=True)  # of a host without a name
    session = await stack.enter_async_context(aiohttp.ClientSession(opened.url, cookie_jar=jar))
    key = {"Authorization": f"Bearer {opened.key}"}
    body = {
        "name": "Monitor",
        "networks": ["ethereum"],
        "addresses": hits,
        "webhook": {"url": "https://example.com/hook"},
    }
    async with session.post("/v1/monitors", json=body, headers=key) as answer:
        assert answer.status == 201, await answer.text()
        monitor = await answer.json()
    await opened.stream.commit(opened.stream.made())
    began, file = time.perf_counter(), folder / "crypitor.db"
    monitors = FEWEST_MONITORS if count < NEWEST // 10 else MOST_MONITORS
    await asyncio.to_thread(_fill, file, count, monitors, monitor["id"])
    found[f"{count:,} matches"] = {
        "monitors": monitors,
        "file_mb": round(file.stat().st_size / 1e6),
        "filled_in_s": round(time.perf_counter() - began, 1),
    }
    async with session.post("/login", data={"key": opened.key}, allow_redirects=False) as answer:
        assert answer.status == 303
    endpoint = monitor["endpoints"][0]
    of_one = f"mo_{monitors // 2:026}"
    match = await opened.database.read(
        lambda tx: tx.value("select id from matches order by position desc limit 1")
    )
    delivery = await opened.database.read(
        lambda tx: tx.value("select id from deliveries order by created_at desc limit 1")
    )
    singles = (
        f"/monitors/{of_one}", f"/matches?monitor={of_one}", f"/deliveries?monitor={of_one}",
        f"/endpoints/{endpoint}", f"/deliveries?endpoint={endpoint}&status=failed",
        f"/matches/{match}", f"/deliveries/{delivery}",
        f"/replay?endpoint={endpoint}&status=failed",
        f"/matches?address={hits[0]}",
    )  # fmt: skip
    return Service(opened.url, opened.key, session, (*_LISTS, *singles))


def _fill(file: Path, count: int, monitors: int, monitor: str) -> None:
    """Copy the first monitor and what it matched; ids of monitors are their numbers."""
    newest = max(count - NEWEST, 0)
    whole = f"case when n >= {newest} or n < {OLDEST} then t.{{}} else :text end"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        columns = [row[1] for row in connection.execute("pragma table_info(monitors)")]
        changed = {"id": _MONITOR, "name": "printf('Monitor %05d', n)"}
        values = ", ".join(changed.get(column, f"t.{column}") for column in columns)
        connection.execute(
            f"""with recursive place (n) as (select 0 union all select n + 1 from place
                    where n < :monitors - 1)
                insert into monitors ({", ".join(columns)})
                select {values} from place join monitors t on t.id = :first""",
            {"monitors": monitors, "first": monitor},
        )
        connection.execute(
            """insert into monitor_endpoints (monitor_id, endpoint_id, place)
                select m.id, t.endpoint_id, 0 from monitors m join monitor_endpoints t
                    on t.monitor_id = :first where m.id <> :first""",
            {"first": monitor},
        )
    more = {"monitor_id": _MONITOR}
    copied(
        file,
        {"matches": count, "deliveries": count // EACH_DELIVERED},
        {
            "matches": more | {"document": whole.format("document")},
            "deliveries": more
            | {
                "body": whole.format("body"),
                "created_at": "t.created_at - 60000 + n % 50000",
                "status": "case n % 97 when 0 then 'failed' when 1 then 'pending' "
                "else 'delivered' end",
            },
        },
        {"monitors": monitors, "text": "{}"},
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=int, nargs=2)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--place", help="a folder with room for it; 1 GB for a million matches")
    parser.add_argument("--chromium", help="the program, for first paints by its own marks")
    asked = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(_measured(asked.rows, asked.rounds, asked.place, asked.chromium))
    print(json.dumps({"machine": machine(), "chunk": CHUNK, "pages": figures}, indent=1))
