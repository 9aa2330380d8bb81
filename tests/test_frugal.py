"""A day on a machine of 512 MB and one processor: nothing late, nothing killed, the disk bounded.

CRYPITOR_TEST_HOURS makes it shorter (24); each has 300 blocks, which come as fast as they are told.
"""

import asyncio
import io
import json
import os
import random
import re
import signal
import time
from contextlib import asynccontextmanager, suppress
from functools import partial

import aiohttp
import pytest

from bench.measuring import memory_mb, processor_seconds
from crypitor.development.listen import Receiver
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.frugal import small_machine
from tests.rig import ADMIN_KEY, Service

pytestmark = pytest.mark.soak

HOURS = int(os.environ.get("CRYPITOR_TEST_HOURS", "24"))
BLOCKS = 300
"""An hour: one each 12 seconds."""

TOGETHER = 10
"""Blocks that come one after the other before it is waited for them."""

TRANSFERS = (120, 240)
MONITORS, ADDRESSES = 1_000, 1_000_000
DATABASE_MB = 150
AT_ONCE = 16
LONG_SECONDS = 1_800.0


async def watch(service, chain):
    """A thousand monitors, one of them with a million addresses; a webhook or two for each block."""
    chance = random.Random(3)
    endpoint = await service.post("/v1/endpoints", {"url": service.settings["HOOK"]})
    shared = {"networks": ["ethereum"], "endpoints": [endpoint["id"]]}
    largest = await service.post("/v1/monitors", {**shared, "name": "customers"})
    lines = (b'"0x%s"\n' % chance.randbytes(20).hex().encode() for _ in range(ADDRESSES - 1))
    body = b"".join([*lines, json.dumps(chain.actors[0].address).encode()])
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
            async with api.post("/v1/monitors", json=asked) as answer:
                assert answer.status == 201

        for first in range(0, MONITORS - 1, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, MONITORS - 1))
            await asyncio.gather(*map(make, numbers))


@asynccontextmanager
async def dashboard(service):
    """Somebody who has the overview open, which is looked at again and again, and a stream."""
    looks = 0

    async def look():
        nonlocal looks
        async with aiohttp.ClientSession(
            service.url, cookie_jar=aiohttp.CookieJar(unsafe=True)
        ) as visitor:
            async with visitor.post("/login", data={"key": ADMIN_KEY}) as entered:
                assert entered.status == 200, await entered.text()
            while True:
                async with visitor.get("/") as page:
                    assert page.status == 200
                    assert "ethereum" in (await page.text()).lower()
                looks += 1
                await asyncio.sleep(2)

    async def follow():
        async with service.api() as api, api.get("/v1/stream", timeout=None) as stream:
            async for _ in stream.content:
                pass

    tasks = [asyncio.create_task(look()), asyncio.create_task(follow())]
    try:
        yield lambda: looks
    finally:
        for task in tasks:
            if task.done():
                task.result()
            task.cancel()


def kill(pid):
    """End what a test that failed has left."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


async def test_a_day_on_a_small_machine(tmp_path, request):
    """What it took is printed."""
    chain = SimulatedChain(9, chain_id=1, transfers=TRANSFERS, keep_blocks=200)
    with small_machine(f"crypitor-{os.getpid()}") as small:
        async with SimulatorServer(chain) as node, Receiver(list, keep=0) as receiver:
            service = Service(
                tmp_path,
                {
                    "CRYPITOR__NETWORKS__ETHEREUM__RPC": f'["{node.url}"]',
                    "CRYPITOR__NETWORKS__ETHEREUM__POLL_SECONDS": "0.05",
                    "CRYPITOR__RETENTION__MAX_DATABASE_MB": str(DATABASE_MB),
                    "HOOK": f"{receiver.url}/hook",
                },
            )
            await service.start_without_api()
            request.addfinalizer(partial(kill, service.process.pid))
            small.take(service.process.pid)
            await service.until_ready(seconds=LONG_SECONDS)
            await watch(service, chain)
            pid, began = service.process.pid, time.monotonic()
            worked, rows = processor_seconds(pid), []
            async with dashboard(service) as looks:
                for _ in range(HOURS):
                    for _ in range(BLOCKS // TOGETHER):
                        chain.mine(TOGETHER)
                        await service.until_tip("ethereum", chain.head.number, LONG_SECONDS)
                        await service.until_nothing_is_due(LONG_SECONDS)  # 12 s a block, else
                    rows.append(memory_mb(pid))
                    assert service.process.returncode is None
                seen = looks()
            seconds, worked = time.monotonic() - began, processor_seconds(pid) - worked
            late = await late_webhooks(service)
            peak = small.peak_mb(pid)
            assert await service.stop() == 0
    size = sum(path.stat().st_size for path in tmp_path.glob("crypitor.db*")) / 1e6
    print(
        f"\n{small.how}\n{HOURS} hours of {BLOCKS} blocks in {seconds:.0f} s, {worked:.0f} s of the"
        f" processor; {receiver.count} webhooks, {late:.0f} of them later than 10 s; {seen} pages seen;"
        f" resident after each hour {rows[0]:.0f} … {rows[-1]:.0f} MB, at most {max(rows):.0f};"
        f" peak {peak:.0f} MB; database {size:.0f} MB"
    )

    assert peak <= 512.5
    assert late == 0
    assert receiver.count > HOURS * BLOCKS / 2
    assert seen > 0
    assert size < 2 * DATABASE_MB + 200  # a million addresses take 120 MB, whatever is kept
    assert rows[-1] < 1.2 * rows[0] + 20


async def late_webhooks(service):
    """How many first attempts came more than 10 s after their block."""
    async with service.api() as api, api.get("/metrics") as answer:
        text = await answer.text()
    buckets = dict(re.findall(r'crypitor_seen_to_webhook_seconds_bucket\{le="(\S+)"\} (\S+)', text))
    assert float(buckets["+Inf"]) > 0
    return float(buckets["+Inf"]) - float(buckets["10.0"])
