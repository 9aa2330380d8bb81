"""Deliveries to a receiver on this machine, recorded in SQLite, beside a bare client's loop.

Both run in this process, pair by pair, with the receiver in a process of its own: ours claims,
signs, posts and records each outcome with synchronous FULL; the bare loop posts the same bodies.
A claim alone is measured before an endpoint with few and with very many waiting rows.
"""

import asyncio
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import uvloop

from bench.figures import figure, ratio
from crypitor.database.attempts import claim, load_endpoints
from crypitor.database.deliveries import COLUMNS
from crypitor.database.endpoints import insert_endpoint
from crypitor.database.engine import Database
from crypitor.database.migrate import migrate
from crypitor.runtime.loop import clock
from crypitor.webhook.delivery import Endpoint
from crypitor.webhook.egress import networks
from crypitor.webhook.post import Poster
from crypitor.webhook.sender import Sender
from crypitor.webhook.signature import NEW_BYTES, new_secret

SEED = 5
ENDPOINTS = 20
SIDE_BY_SIDE = 200
BODY_BYTES = 900
PAIRS, QUICK_PAIRS = 7, 2
DELIVERIES, QUICK_DELIVERIES = 10_000, 2_000
ROWS, QUICK_ROWS = (1_000, 1_000_000), (1_000, 50_000)
CLAIMS = 300
CLAIMED = 10
CHUNK = 50_000
BODIES = 100

FILL = f"""with recursive place (n) as
        (select :first union all select n + 1 from place where n < :last),
    texts as materialized (select key, value from json_each(:bodies))
    insert into deliveries ({COLUMNS})
    select printf('de_%022d', n), 'pr_1', 'mo_1', printf('ma_%022d', n),
        :endpoint || (n % :endpoints), 'detected', 'pending', 0, :now, 0, null, value, null, :now,
        null, 0, n + 1, null
    from place join texts on key = n % :count"""


class _Silent:
    def attempts_recorded(self, results):
        """Hear, and count nothing."""


def bench(*, quick: bool = False) -> dict:
    """Measure both."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sent = runner.run(_sent(QUICK_PAIRS if quick else PAIRS, quick=quick))
        return sent | {"claim": runner.run(_claims(QUICK_ROWS if quick else ROWS))}


async def _sent(pairs: int, *, quick: bool) -> dict:
    count = QUICK_DELIVERIES if quick else DELIVERIES
    ours, bare, cpu_ours, cpu_bare = [], [], [], []
    with receiver() as url:
        for number in range(pairs + 1):
            bodies = _bodies(count, number)
            async with store() as database:
                await _prepare(database, url, bodies)
                seconds, cpu = await _by_us(database)
            bare_seconds, bare_cpu = await _by_a_bare_loop(url, bodies)
            if number:  # the first pair warms both up
                ours.append(count / seconds)
                bare.append(count / bare_seconds)
                cpu_ours.append(cpu / count * 1e6)
                cpu_bare.append(bare_cpu / count * 1e6)
    return {
        "deliveries_a_second": figure(ours, "a second"),
        "bare_posts_a_second": figure(bare, "a second"),
        "of_the_bare_loop": ratio(ours, bare),
        "processor_each": figure(cpu_ours, "µs"),
        "bare_processor_each": figure(cpu_bare, "µs"),
    }


async def _by_us(database: Database) -> tuple[float, float]:
    async with Poster(allow_private=networks(["127.0.0.0/8"])) as poster:
        sender = Sender(
            database, poster, clock=clock, jitter=lambda: 0.0, observer=_Silent(),
            in_flight=SIDE_BY_SIDE,
        )  # fmt: skip
        began, worked = time.perf_counter(), time.process_time()
        await sender.settle()
        seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    rows = await database.read(
        lambda tx: tx.all("select status, count(*) as n from deliveries group by status")
    )
    assert [row["status"] for row in rows] == ["delivered"], rows
    return seconds, cpu


async def _by_a_bare_loop(url: str, bodies: list[str]) -> tuple[float, float]:
    left = iter([body.encode() for body in bodies])
    headers = {"Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def post() -> None:
            for body in left:
                async with session.post(url, data=body, headers=headers) as answer:
                    await answer.read()

        began, worked = time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as group:
            for _ in range(SIDE_BY_SIDE):
                group.create_task(post())
        return time.perf_counter() - began, time.process_time() - worked


async def _claims(rows: tuple[int, int]) -> dict:
    few, many = [], []
    for ordered in (False, True):
        async with store() as small, store() as large:
            for database, count in ((small, rows[0]), (large, rows[1])):
                await _prepare(
                    database, "http://127.0.0.1:9/", _bodies(count, 0), 1, ordered=ordered
                )
            taken: tuple[list[float], list[float]] = ([], [])
            for number in range(CLAIMS):
                for place, database in enumerate((small, large)):
                    # Each claim is undone by time: its lease ends before the next one begins.
                    now = clock() + number * 10
                    began = time.perf_counter()
                    await _claim(database, now)
                    taken[place].append(1e6 * (time.perf_counter() - began))
            few.append(taken[0])
            many.append(taken[1])
    return {
        name: {
            f"{rows[0]}_rows": figure(few[place], "µs"),
            f"{rows[1]}_rows": figure(many[place], "µs"),
            "ratio": ratio(many[place], few[place]),
        }
        for place, name in enumerate(("any", "ordered"))
    }


async def _claim(database: Database, now: int) -> None:
    async def work(tx):
        endpoints = await load_endpoints(tx, ["ep_0"])
        claimed = await claim(tx, [(endpoints["ep_0"], CLAIMED)], now, 5)
        assert claimed["ep_0"].deliveries

    await database.write(work)


def _bodies(count: int, number: int) -> list[str]:
    chance = random.Random(f"{SEED}:{number}")
    some = [f'{{"id":"{chance.randbytes(BODY_BYTES // 2).hex()}"}}' for _ in range(BODIES)]
    return [some[place % BODIES] for place in range(count)]


async def _prepare(
    database: Database,
    url: str,
    bodies: list[str],
    endpoints: int = ENDPOINTS,
    *,
    ordered: bool = False,
) -> None:
    async def made(tx):
        await tx.run("insert into projects (id, name, created_at) values ('pr_1', 'bench', 0)")
        for number in range(endpoints):
            secret = new_secret(bytes([number]) * NEW_BYTES)
            await insert_endpoint(
                tx, Endpoint(f"ep_{number}", "pr_1", f"{url}{number}", secret, ordered=ordered)
            )

    await database.write(made)
    await queue_rows(database, "ep_", endpoints, len(bodies), bodies[:BODIES])


async def queue_rows(
    database: Database, endpoint: str, endpoints: int, count: int, bodies: list[str]
) -> None:
    """Queue deliveries as the matcher leaves them, a million in less than a minute.

    endpoint: what its ids begin with; the deliveries go to each of so many in turn.
    """
    for first in range(0, count, CHUNK):
        chunk = min(CHUNK, count - first)
        await database.write(
            lambda tx, first=first, chunk=chunk: tx.run(
                FILL,
                first=first,
                last=first + chunk - 1,
                endpoint=endpoint,
                endpoints=endpoints,
                bodies=json.dumps(bodies),
                count=len(bodies),
                now=clock(),
            )
        )
    await database.write(
        lambda tx: tx.run("update counters set value = :n where name = 'deliveries'", n=count)
    )


@contextlib.asynccontextmanager
async def store() -> AsyncIterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder)}/crypitor.db"
        await migrate(url)
        async with Database.open(url) as database:
            yield database


@contextlib.contextmanager
def receiver() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-m", "bench.taking"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
        finally:
            process.kill()
