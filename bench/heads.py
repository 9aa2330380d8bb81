"""
From a node's having a block to its being on the queue, over newHeads and over polling.

A block is there when anvil has answered the request to mine it. The service's own clock begins
before that, so figures can be negative: announcements overtake the answer.
"""

import asyncio
import os
import random
import socket
import statistics
import tempfile
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp

from bench.figures import figure
from crypitor.database.engine import Database
from crypitor.database.migrate import migrate
from crypitor.queue.memory import MemoryQueue
from crypitor.runtime.loop import Health, clock
from crypitor.worker import Unobserved
from crypitor.worker.follower import Follower
from crypitor.worker.nodes import Nodes

CHAIN_ID = 31337
PAUSE_SECONDS = (0.05, 0.3)
BLOCKS = 200
QUICK_BLOCKS = 20


@asynccontextmanager
async def anvil():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        os.environ["CRYPITOR_TEST_ANVIL"], "--port", str(port), "--no-mining", "--silent"
    )
    try:
        async with aiohttp.ClientSession() as http:
            url = f"http://127.0.0.1:{port}"
            while True:
                with suppress(aiohttp.ClientError):
                    await call(http, url, "eth_chainId")
                    break
                await asyncio.sleep(0.05)
            yield http, url
    finally:
        process.kill()
        await process.wait()


async def call(http, url, method, *params):
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    async with http.post(url, json=request) as answer:
        return (await answer.json())["result"]


async def measured(scheme, blocks, poll_seconds):
    """Return milliseconds from each block's being there to its being on the queue."""
    with tempfile.TemporaryDirectory() as folder:
        database_url = f"sqlite:///{Path(folder) / 'bench.db'}"
        await migrate(database_url)
        async with (
            anvil() as (http, url),
            Database.open(database_url) as database,
            Nodes.of_urls(
                "dev",
                [url.replace("http", scheme, 1)],
                chain_id=CHAIN_ID,
                timeout_seconds=5,
                verify="receipts",
                observer=Unobserved(),
            ) as nodes,
        ):
            queue = MemoryQueue(limit=10_000)
            follower = Follower(
                "dev",
                CHAIN_ID,
                nodes,
                queue,
                database,
                start="latest",
                max_reorg_depth=64,
                window=16,
                poll_seconds=poll_seconds,
                clock=clock,
                health=Health(),
                observer=Unobserved(),
                tags_wanted=lambda: False,
            )
            stop = asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(follower.run(stop))
                await taken(queue, 0)
                await mined(http, url, queue, 20)
                requests = nodes.requests
                waits = await mined(http, url, queue, blocks)
                requests = nodes.requests - requests
                stop.set()
    return waits, requests / blocks


async def mined(http, url, queue, blocks):
    waits = []
    for _ in range(blocks):
        await asyncio.sleep(random.uniform(*PAUSE_SECONDS))
        number = int(await call(http, url, "eth_blockNumber"), 16) + 1
        mining = asyncio.create_task(call(http, url, "evm_mine"))
        mining_done = asyncio.get_running_loop().create_future()
        mining.add_done_callback(lambda _, done=mining_done: done.set_result(time.perf_counter()))
        await taken(queue, number)
        queued = time.perf_counter()
        waits.append(1000 * (queued - await mining_done))
    return waits


async def taken(queue, number):
    """Take blocks from the queue until this one has come."""
    while (message := await queue.next(1)) is None or message.block.header.number < number:
        if message is not None:
            await queue.done(message)
    await queue.done(message)


async def both(blocks: int) -> dict:
    """Measure over newHeads and over polling."""
    found = {}
    for name, scheme, poll_seconds in (("newHeads", "ws", 1.0), ("polling", "http", 0.25)):
        waits, requests = await measured(scheme, blocks, poll_seconds)
        found[name] = {
            "poll seconds": poll_seconds,
            "node to queue": figure(waits, "ms"),
            "node to queue, p99": round(statistics.quantiles(waits, n=100)[98], 2),
            "requests a block": round(requests, 2),
        }
    return found


def bench(*, quick: bool = False) -> dict:
    """Measure, where there is an anvil."""
    if "CRYPITOR_TEST_ANVIL" not in os.environ:
        return {"left out": "set CRYPITOR_TEST_ANVIL to an anvil"}
    return asyncio.run(both(QUICK_BLOCKS if quick else BLOCKS))
