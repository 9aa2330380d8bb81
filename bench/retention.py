"""Deliveries that come and go for years, by a simulated clock: the file's size, the steps' times.

Half as many matches as deliveries and one attempt each stream through a window of 30 days, written
as the matcher and the sender leave them. Then blocks are committed beside the role as it runs, and
without it. More or fewer: `python -m bench.retention 10000000 --seconds 1400`, TMPDIR in memory
where only the file's size is asked for.
"""

import argparse
import asyncio
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.measuring import machine, memory_mb, spread
from crypitor.database.engine import Database
from crypitor.database.migrate import migrate
from crypitor.database.retention import DAY_MS, Kept
from crypitor.process.retention import Retention
from crypitor.runtime.loop import Health

DELIVERIES = 100_000
QUICK = 40_000
WINDOW = 20_000
"""Deliveries in 30 days."""

DAYS = 30
DELIVERY_MS = DAYS * DAY_MS // WINDOW
AT_ONCE = 4_000
TURNS = 8
TURN_SECONDS = 4.0
TURN_DAYS = 3
BLOCK_SECONDS = 0.05
KEPT = Kept(
    attempts=10 * DAY_MS, bodies=10 * DAY_MS, deliveries=DAYS * DAY_MS, matches=DAYS * DAY_MS
)
START = 1_790_000_000_000
BODY = json.dumps({"type": "match.detected", "data": {"filler": "x" * 220}})
PROJECT, MONITOR, ENDPOINT = "pr_" + "0" * 26, "mo_" + "0" * 26, "ep_" + "0" * 26

INSERT_MATCH = """insert into matches (id, position, project_id, monitor_id, network, kind,
        direction, address, block_number, block_hash, transaction_hash, phase, returns,
        confirm_block, confirm_tag, document, origin, created_at)
    values (:id, :position, :project, :monitor, 'dev', 'native', 'in', :address, :block, :hash,
        :transaction, 'confirmed', 0, :block, null, :document, null, :now)"""

INSERT_DELIVERY = """insert into deliveries (id, project_id, monitor_id, match_id, endpoint_id,
        phase, status, attempts, due_at, token, follows, body, error, created_at, finished_at)
    values (:id, :project, :monitor, :match, :endpoint, :phase, 'delivered', 1, :now, 2, null,
        :body, null, :now, :now)"""

INSERT_ATTEMPT = """insert into attempts (delivery_id, number, started_at, duration_ms, status_code,
        error, answer)
    values (:id, 1, :now, 23, 200, null, 'ok')"""


class Stream:
    """Deliveries that have been taken, and the time at which the next one comes."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.count = 0
        self.now = START

    async def prepare(self) -> None:
        """Store what deliveries belong to."""

        async def unit(tx):
            await tx.run(
                "insert into projects (id, name, created_at) values (:id, 'default', 0)", id=PROJECT
            )
            await tx.run("insert into headers values ('dev', 1000000000, '0xa', '0xb', 0)")

        await self.database.write(unit)

    async def come(self, count: int) -> None:
        """Store the next deliveries, and let their time pass."""
        numbers = range(self.count, self.count + count)
        times = [self.now + at * DELIVERY_MS for at in range(count)]
        ids = [_id("de_", number) for number in numbers]
        matches = [_id("ma_", number // 2) for number in numbers]

        async def unit(tx):
            await tx.many(
                INSERT_MATCH,
                [
                    (match, number // 2 + 1, PROJECT, MONITOR, "0x" + match[3:] * 2, number // 40,
                     "0x" + match[3:] * 3, "0x" + match[3:] * 3, BODY, now)
                    for number, match, now in zip(numbers, matches, times, strict=True)
                    if number % 2 == 0
                ],
            )  # fmt: skip
            await tx.many(
                INSERT_DELIVERY,
                [
                    (name, PROJECT, MONITOR, match, ENDPOINT, _PHASES[number % 2], now, BODY)
                    for number, name, match, now in zip(numbers, ids, matches, times, strict=True)
                ],
            )
            await tx.many(INSERT_ATTEMPT, list(zip(ids, times, strict=True)))

        await self.database.write(unit)
        self.count += count
        self.now = times[-1] + DELIVERY_MS


_PHASES = ("detected", "confirmed")


def bench(*, quick: bool = False) -> dict:
    """Measure a short stream."""
    return asyncio.run(_measured(QUICK if quick else DELIVERIES, 600.0))


async def _measured(deliveries: int, most_seconds: float) -> dict:
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite:///{name}/crypitor.db"
        await migrate(url)
        async with Database.open(url) as database:
            stream = Stream(database)
            await stream.prepare()
            file = Path(name) / "crypitor.db"
            found = await _streamed(stream, lambda: file.stat().st_size, deliveries, most_seconds)
            found["blocks"] = await _blocks(stream)
        return found


async def _streamed(
    stream: Stream, size: Callable[[], int], deliveries: int, most_seconds: float
) -> dict:
    """Let deliveries come, with every step that becomes due between them.

    Steps are timed, and find their size, by this process's own time: for as long as this takes,
    other programs have their turns in between.
    """
    timer = time.process_time
    retention = Retention(stream.database, KEPT, clock=lambda: stream.now, timer=timer)
    steps: list[float] = []
    sizes: dict[int, float] = {}
    began = time.perf_counter()
    told = _every(max(1, deliveries // 20))
    while stream.count < deliveries and time.perf_counter() - began < most_seconds:
        await stream.come(AT_ONCE)
        while True:
            started = timer()
            if not await retention.step():
                break
            steps.append(timer() - started)
        if told(stream.count):
            sizes[stream.count] = round(size() / 1e6, 1)
            print(f"{stream.count}: {sizes[stream.count]} MB", file=sys.stderr, flush=True)
    left = await stream.database.read(_counts)
    return {
        "deliveries": stream.count,
        "simulated_years": round((stream.now - START) / DAY_MS / 365, 1),
        "seconds": round(time.perf_counter() - began, 1),
        "file_mb": sizes,
        "left": left,
        "memory_mb": memory_mb(),
        "steps": spread(steps),
    }


async def _blocks(stream: Stream) -> dict:
    """Commit a block of 20 deliveries every 50 ms, in turns beside the role as it runs and not."""
    without: list[list[float]] = []
    beside: list[list[float]] = []
    for _ in range(TURNS):
        without.append(await _committed(stream))
        stream.now += TURN_DAYS * DAY_MS  # so that there is enough to remove for a turn
        retention = Retention(stream.database, KEPT, clock=lambda: stream.now)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(retention.run(stop, Health()))
            beside.append(await _committed(stream))
            stop.set()
    return {
        "without it": spread([one for turn in without for one in turn]),
        "beside it": spread([one for turn in beside for one in turn]),
        "left": await stream.database.read(_counts),
    }


async def _committed(stream: Stream) -> list[float]:
    """Return the seconds of each block of a turn."""
    seconds: list[float] = []
    ends_at = time.perf_counter() + TURN_SECONDS
    while time.perf_counter() < ends_at:
        started = time.perf_counter()
        await stream.come(20)
        seconds.append(time.perf_counter() - started)
        await asyncio.sleep(BLOCK_SECONDS)
    return seconds


async def _counts(tx) -> dict:
    tables = ("deliveries", "attempts", "matches")
    return {table: await tx.value(f"select count(*) from {table}") for table in tables}


def _every(step: int) -> Callable[[int], bool]:
    marks: Iterator[int] = iter(range(step, 1 << 60, step))
    following = next(marks)

    def passed(count: int) -> bool:
        nonlocal following
        if count < following:
            return False
        while count >= following:
            following = next(marks)
        return True

    return passed


def _id(prefix: str, number: int) -> str:
    digest = hashlib.blake2b(f"{prefix}{number}".encode(), digest_size=11).hexdigest()
    return prefix + digest


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("deliveries", type=int, nargs="?", default=DELIVERIES)
    parser.add_argument("--seconds", type=float, default=600.0)
    asked = parser.parse_args()
    figures = asyncio.run(_measured(asked.deliveries, asked.seconds))
    print(json.dumps({"machine": machine(), "retention": figures}, indent=1))
