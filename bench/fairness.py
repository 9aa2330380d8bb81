"""What one project feels of another's burst: from a node's having a block to a first attempt.

`crypitor run`, the node and the receivers are processes of their own. The quiet project has some
matches in each block; the loud one has very many deliveries that are due in one moment, again and
again. Blocks that came while these were sent stand beside those that came without, in one run.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench import inputs
from bench.deliveries import receiver
from bench.figures import figure
from bench.measuring import spread
from bench.node import node
from bench.service import Product
from crypitor.database.deliveries import COLUMNS
from crypitor.database.endpoints import insert_endpoint
from crypitor.database.engine import Database
from crypitor.database.migrate import migrate
from crypitor.runtime.loop import clock
from crypitor.webhook.delivery import Endpoint
from crypitor.webhook.signature import NEW_BYTES, new_secret

WATCHED = 1000
SHARE = 0.01
BLOCK_SECONDS = 0.25
LOUD_ENDPOINTS = 50
LOUD = "pr_loud"
BODY = '{"type":"match.detected","data":{"id":"of the loud one","text":"' + "x" * 800 + '"}}'
STARTING_SECONDS = 40.0
QUEUED_A_SECOND = 20_000
SETTLING_MS = 1_000

FILL = f"""with recursive place (n) as
        (select :first union all select n + 1 from place where n < :last)
    insert into deliveries ({COLUMNS}, wait_ms)
    select printf('de_%022d', n), '{LOUD}', 'mo_loud', printf('ma_%022d', n),
        'ep_loud' || (n % {LOUD_ENDPOINTS}), 'detected', 'pending', 0, :due, 0, null, :body, null,
        :now, null, 0, n + 1, null, :due - :now
    from place"""

SENT = f"""select count(*), max(a.started_at) from attempts a
    join deliveries d on d.id = a.delivery_id
    where d.project_id = '{LOUD}' and a.started_at >= ? and a.started_at < ?"""

FIRST = """select m.block_number, a.started_at from attempts a
    join deliveries d on d.id = a.delivery_id join matches m on m.id = d.match_id
    where a.number = 1"""


@dataclass(frozen=True)
class Plan:
    """So many bursts of so many deliveries, each due so many seconds after the one before it."""

    bursts: int
    deliveries: int
    seconds: float


WHOLE = Plan(bursts=3, deliveries=100_000, seconds=90)
QUICK = Plan(bursts=1, deliveries=5_000, seconds=8)


def bench(*, quick: bool = False) -> dict:
    """Measure it."""
    return asyncio.run(_measured(QUICK if quick else WHOLE))


async def _measured(plan: Plan) -> dict:
    with tempfile.TemporaryDirectory() as name, receiver() as loud, receiver() as quiet:
        path = Path(name) / "crypitor.db"
        now = clock()
        starting = STARTING_SECONDS + plan.bursts * plan.deliveries / QUEUED_A_SECOND
        due = [
            now + round(1000 * (starting + number * plan.seconds))
            for number in range(1, plan.bursts + 1)
        ]
        await _prepare(f"sqlite:///{path}", loud, plan, now, due)
        ends = due[-1] / 1000 + plan.seconds
        blocks = round((ends - time.time()) / BLOCK_SECONDS)
        async with node(inputs.MAINNET, SHARE, BLOCK_SECONDS, blocks) as place:
            service = Product(
                path.parent,
                {
                    "CRYPITOR__NETWORKS__LIVE__RPC": f'["ws://{place}"]',
                    "CRYPITOR__NETWORKS__LIVE__CHAIN_ID": str(inputs.CHAIN_ID),
                    "CRYPITOR__NETWORKS__LIVE__VERIFY": "receipts",
                },
            )
            await service.start()
            try:
                await _watch(service, quiet)
                if time.time() > due[0] / 1000 - plan.seconds / 2:
                    raise RuntimeError("the machine was too slow: the first burst came too early")
                await asyncio.sleep(ends - time.time())
                had = await _had(f"http://{place}")
            finally:
                await service.kill()
        return await asyncio.to_thread(_found, path, had, due, plan)


async def _prepare(url: str, loud: str, plan: Plan, now: int, due: Sequence[int]) -> None:
    """Make the loud project, with what it has to send and when."""
    secret = new_secret(b"d" * NEW_BYTES)

    async def made(tx):
        await tx.run(f"insert into projects (id, name, created_at) values ('{LOUD}', 'loud', 0)")
        for at in range(LOUD_ENDPOINTS):
            await insert_endpoint(tx, Endpoint(f"ep_loud{at}", LOUD, f"{loud}{at}", secret))
        for burst, at in enumerate(due):
            first = burst * plan.deliveries
            last = first + plan.deliveries - 1
            await tx.run(FILL, first=first, last=last, due=at, now=now, body=BODY)
        count = plan.bursts * plan.deliveries
        await tx.run("update counters set value = :n where name = 'deliveries'", n=count)

    await migrate(url)
    async with Database.open(url) as database:
        await database.write(made)


async def _watch(service: Product, url: str) -> None:
    monitor = {
        "networks": ["live"],
        "addresses": inputs.watched_addresses(WATCHED),
        "webhook": {"url": f"{url}quiet"},
        "notify": ["detected"],
    }
    await service.post("/v1/monitors", monitor)


async def _had(url: str) -> dict[int, float]:
    """Return when the node had each block, in unix milliseconds."""
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        had = await answer.json()
    since = time.time() - time.monotonic()
    return {int(number): 1000 * (since + at) for number, at in had.items()}


def _found(path: Path, had: dict[int, float], due: Sequence[int], plan: Plan) -> dict:
    """Return what passed until each first attempt of the quiet one, without and beside bursts."""
    without: list[float] = []
    beside: list[float] = []
    rates: list[float] = []
    with sqlite3.connect(path) as database:
        first = database.execute(FIRST).fetchall()
        for at in due:
            count, last = database.execute(SENT, (at, at + 1000 * plan.seconds)).fetchone()
            if count != plan.deliveries:
                raise RuntimeError(f"of {plan.deliveries} of a burst {count} were sent in its time")
            rates.append(1000 * count / (last - at))
            for number, started in first:
                began = had[number]
                if at <= began < last:
                    beside.append(started - began)
                elif at - 500 * plan.seconds <= began < at - SETTLING_MS:
                    without.append(started - began)
    calm, crowded = (spread([ms / 1000 for ms in one]) for one in (without, beside))
    return {
        "without": calm,
        "beside a burst": crowded,
        "p99 beside / without": figure([crowded["p99"] / calm["p99"]], "times"),
        "median beside / without": figure([crowded["median"] / calm["median"]], "times"),
        "deliveries of the burst": figure(rates, "a second"),
    }
