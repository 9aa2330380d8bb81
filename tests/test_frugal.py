"""A day on a machine of 512 MB and one processor: nothing late, nothing killed, the disk bounded.

CRYPITOR_TEST_HOURS makes it shorter (24). Each has 300 blocks, 12 s apart by their time stamps;
CRYPITOR_TEST_BLOCK_SECONDS says how far apart by the clock of this machine.
"""

import asyncio
import io
import os
import random
import re
import signal
import sqlite3
import statistics
import time
from collections import Counter, defaultdict
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import cycle

import aiohttp
import pytest

from bench import inputs
from bench.measuring import memory_mb, processor_seconds
from bench.receiver import receiver
from tests.daily import BLOCK_SECONDS, Day, node_of, pass_by
from tests.frugal import small_machine
from tests.rig import ADMIN_KEY, Service

pytestmark = [pytest.mark.soak, pytest.mark.timeout(4 * 3600)]

HOURS = int(os.environ.get("CRYPITOR_TEST_HOURS", "24"))
CLOCK_SECONDS = float(os.environ.get("CRYPITOR_TEST_BLOCK_SECONDS", "0.15"))
BLOCKS = 3600 // BLOCK_SECONDS
"""An hour."""

SHARE = 0.01
MONITORS, ADDRESSES = 1_000, 1_000_000
DATABASE_MB = 150
AT_ONCE = 16
LATE_SECONDS = 10.0
LONG_SECONDS = 1_800.0
PAGES = ("/", "/matches", "/deliveries", "/monitors", "/endpoints", "/networks/ethereum")


async def watch(service, url):
    """A thousand monitors, one of them with a million addresses; some webhooks for each block."""
    chance = random.Random(3)
    endpoint = await service.post("/v1/endpoints", {"url": url})
    shared = {"networks": ["ethereum"], "endpoints": [endpoint["id"]]}
    largest = await service.post("/v1/monitors", {**shared, "name": "customers"})
    lines = (b'"%b"\n' % each.encode() for each in inputs.watched_addresses(ADDRESSES))
    body = b"".join(lines)
    async with service.api() as api:
        headers = {"Content-Type": "application/x-ndjson"}
        path = f"/v1/monitors/{largest['id']}/addresses"
        timeout = aiohttp.ClientTimeout(LONG_SECONDS)
        async with api.post(
            path, data=io.BytesIO(body), headers=headers, timeout=timeout
        ) as answer:
            assert (await answer.json())["added"] == ADDRESSES

        async def make(number):
            addresses = ["0x" + chance.randbytes(20).hex() for _ in range(5)]
            rule = {"kind": "erc20", "where": f"amount > {number} and not watched(to_address)"}
            asked = {**shared, "name": f"monitor {number}", "addresses": addresses, "rules": [rule]}
            async with api.post("/v1/monitors", json=asked, timeout=timeout) as answer:
                assert answer.status == 201

        for first in range(0, MONITORS - 1, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, MONITORS - 1))
            await asyncio.gather(*map(make, numbers))


@asynccontextmanager
async def dashboard(service):
    """Somebody who has the dashboard open, looks at one page after another, and follows both streams:
    that of the pages, and that of the API.

    Yields how many pages were seen, and events heard.
    """
    seen = Counter()

    async def hear(stream):
        async for line in stream.content:
            seen["events"] += line.startswith(b"data:")

    async def look():
        async with aiohttp.ClientSession(
            service.url, cookie_jar=aiohttp.CookieJar(unsafe=True)
        ) as visitor:
            async with visitor.post("/login", data={"key": ADMIN_KEY}) as entered:
                assert entered.status == 200, await entered.text()
            live = await visitor.get("/live", timeout=None)
            assert live.status == 200
            hearing.append(asyncio.create_task(hear(live)))
            for path in cycle(PAGES):
                async with visitor.get(path) as page:
                    assert page.status == 200, path
                    assert "</html>" in await page.text()
                seen["pages"] += 1
                await asyncio.sleep(1)

    async def follow():
        async with service.api() as api, api.get("/v1/stream", timeout=None) as stream:
            await hear(stream)

    hearing = []
    tasks = [asyncio.create_task(look()), asyncio.create_task(follow())]
    try:
        yield seen
    finally:
        for task in (*tasks, *hearing):
            if task.done():
                task.result()
            task.cancel()


def kill(pid):
    """End what a test that failed has left."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class Course:
    """What was seen of the service while its day went by."""

    def __init__(self, folder):
        self._file = folder / "crypitor.db"
        self.resident_mb, self.disk_mb, self.kept = [], [], []
        self.arrived = defaultdict(list)
        self.waited = 0.0

    async def note(self, pid, hooks):
        """After an hour. hooks: URL of the receiver."""
        self.resident_mb.append(memory_mb(pid))
        files = self._file.parent.glob("crypitor.db*")
        self.disk_mb.append(sum(path.stat().st_size for path in files) / 1e6)
        with sqlite3.connect(f"file:{self._file}?mode=ro", uri=True) as database:
            self.kept.append(
                tuple(
                    database.execute(f"select count(*) from {table}").fetchone()[0]
                    for table in ("matches", "deliveries")
                )
            )
        async with aiohttp.ClientSession() as http, http.get(hooks) as answer:
            for height, at in await answer.json():
                self.arrived[height].append(at)
        print(
            f"hour {len(self.kept)}: {self.resident_mb[-1]:.0f} MB resident,"
            f" {self.disk_mb[-1]:.0f} MB of files, {self.kept[-1][0]} matches"
            f" and {self.kept[-1][1]} deliveries kept,"
            f" load {os.getloadavg()[0]:.0f}",
            flush=True,
        )

    def seconds(self, had):
        """From a node's having a block to each POST of a match in it, sorted."""
        return sorted(
            at - had[height] for height, several in self.arrived.items() for at in several
        )

    def found_of(self, day, first):
        """Of each of the forty contents, how many matches its blocks told: one number, each."""
        found = defaultdict(set)
        for height in range(first, day.number + 1):
            if height not in day.replaced:
                found[day.content_of(height)].add(len(self.arrived[height]))
        return found


async def test_a_day_on_a_small_machine(tmp_path, request):
    """What it took is printed."""
    day = Day(SHARE, int(time.time()) - HOURS * 3600)
    course = Course(tmp_path)
    async with node_of(day) as node, receiver() as hooks:
        with small_machine(f"crypitor-{os.getpid()}") as small:
            service = Service(
                tmp_path,
                {
                    "CRYPITOR__NETWORKS__ETHEREUM__RPC": f'["{node}"]',
                    "CRYPITOR__RETENTION__MAX_DATABASE_MB": str(DATABASE_MB),
                },
            )
            await service.start_without_api()
            request.addfinalizer(partial(kill, service.process.pid))
            small.take(service.process.pid)
            await service.until_ready(seconds=LONG_SECONDS)
            await watch(service, hooks)
            pid, began, first = service.process.pid, time.monotonic(), day.number + 1
            worked = processor_seconds(pid)
            async with dashboard(service) as seen:
                for _ in range(HOURS):
                    course.waited += await pass_by(day, BLOCKS - 1, CLOCK_SECONDS)
                    await service.until_tip("ethereum", day.number, LONG_SECONDS)
                    await day.replace()  # as Ethereum does some times a day
                    await day.mine()
                    await course.note(pid, hooks)
                    assert service.process.returncode is None
                seconds, worked = time.monotonic() - began, processor_seconds(pid) - worked
                await service.until_tip("ethereum", day.number, LONG_SECONDS)
                await service.until_nothing_is_due(LONG_SECONDS)
            await course.note(pid, hooks)
            late = await late_webhooks(service)
            peak = small.peak_mb(pid)
            assert await service.stop() == 0
    taken = course.seconds(day.had)
    resident, disk = course.resident_mb[:-1], course.disk_mb
    print(
        f"\n{small.how}\n{HOURS} hours of {BLOCKS} blocks in {seconds:.0f} s, {worked:.0f} s of the"
        f" processor; {len(taken)} webhooks of detected matches, from the node's having the block:"
        f" median {statistics.median(taken):.2f} s, p99 {taken[int(0.99 * len(taken))]:.2f} s, worst"
        f" {taken[-1]:.2f} s; {late:.0f} later than {LATE_SECONDS:.0f} s; the node waited"
        f" {course.waited:.0f} s; {seen['pages']} pages, {seen['events']} events seen;"
        f" resident {resident[0]:.0f} … {resident[-1]:.0f} MB, at most {max(resident):.0f};"
        f" peak of the group {peak:.0f} MB; files at most {max(disk):.0f} MB; {course.kept[-1][0]}"
        f" matches and {course.kept[-1][1]} deliveries kept"
    )

    assert peak <= 512.5
    assert late == 0
    assert taken[-1] < BLOCK_SECONDS
    assert all(len(numbers) == 1 for numbers in course.found_of(day, first + 2).values())
    assert len(taken) > 3 * HOURS * BLOCKS
    assert seen["pages"] > HOURS
    assert seen["events"] > len(taken)
    assert max(disk) < 2 * DATABASE_MB  # a million addresses take 120 MB, whatever is kept
    matches, deliveries = course.kept[-1]
    assert HOURS < 12 or matches < len(taken) / 2  # the oldest went, as the file was full
    assert matches < deliveries < 3 * matches  # of the same time: detected and confirmed
    assert resident[-1] < 1.2 * resident[0] + 20


async def late_webhooks(service):
    """How many first attempts came more than 10 s after their block."""
    async with service.api() as api, api.get("/metrics") as answer:
        text = await answer.text()
    buckets = dict(re.findall(r'crypitor_seen_to_webhook_seconds_bucket\{le="(\S+)"\} (\S+)', text))
    assert float(buckets["+Inf"]) > 0
    return float(buckets["+Inf"]) - float(buckets[str(LATE_SECONDS)])
