"""From a node's having a block to the arrival of its first webhook, at the head of the chain.

`crypitor run`, the node, the receiver and the API clients are processes of their own. The node
announces its heads over WebSocket.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench import inputs
from bench.figures import figure
from bench.node import node
from bench.receiver import receiver
from tests.rig import ADMIN_KEY, Service

SECONDS = 45
QUICK_SECONDS = 8
WATCHED = 1000
CLIENTS = 50


@dataclass(frozen=True)
class Case:
    """A block a `seconds`, of which about so many transfers match."""

    name: str
    shape: inputs.Shape
    share: float
    clients: int = 0
    seconds: float = 1.0


CASES = (
    Case("20 matches a block", inputs.MAINNET, 0.05),
    Case("20 matches a block, 50 API clients", inputs.MAINNET, 0.05, CLIENTS),
    Case("1,000 matches a block", inputs.Shape("full", 300, 1400), 1.0),
)


def bench(*, quick: bool = False) -> dict:
    """Measure each case."""
    return {case.name: asyncio.run(_case(case, quick=quick)) for case in CASES}


async def _case(case: Case, *, quick: bool) -> dict:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        place = await stack.enter_async_context(node(case.shape, case.share, case.seconds))
        url = await stack.enter_async_context(receiver())
        service = Service(
            folder,
            {
                "CRYPITOR__NETWORKS__LIVE__RPC": f'["ws://{place}"]',
                "CRYPITOR__NETWORKS__LIVE__CHAIN_ID": str(inputs.CHAIN_ID),
                "CRYPITOR__NETWORKS__LIVE__VERIFY": "receipts",
            },
        )
        await service.start()
        stack.push_async_callback(service.kill)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        await _watch(http, service, url)
        requests = await _under_load(case, service, QUICK_SECONDS if quick else SECONDS)
        return {**await _found(http, f"http://{place}", url), "API requests": requests}


async def _watch(http: aiohttp.ClientSession, service: Service, url: str) -> None:
    monitor = {
        "networks": ["live"],
        "addresses": inputs.watched_addresses(WATCHED),
        "webhook": {"url": url},
        "notify": ["detected"],
    }
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    async with http.post(f"{service.url}/v1/monitors", json=monitor, headers=headers) as answer:
        assert answer.status == 201, await answer.text()


async def _under_load(case: Case, service: Service, seconds: float) -> int:
    if not case.clients:
        await asyncio.sleep(seconds)
        return 0
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.clients", str(case.clients), service.url, ADMIN_KEY,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    await asyncio.sleep(seconds)
    out, _ = await process.communicate(b"")
    return int(out)


async def _found(http: aiohttp.ClientSession, node_url: str, url: str) -> dict:
    async with http.get(node_url) as answer:
        had = {int(number): at for number, at in (await answer.json()).items()}
    async with http.get(url) as answer:
        posts = await answer.json()
    settled = time.monotonic() - 1
    first: dict[int, float] = {}
    last: dict[int, float] = {}
    count: dict[int, int] = {}
    for number, at in posts:
        first.setdefault(number, at)
        last[number] = at
        count[number] = count.get(number, 0) + 1
    told = [number for number in sorted(first)[2:] if had.get(number, settled) < settled]
    waits = [1000 * (first[number] - had[number]) for number in told]
    return {
        "matches a block": round(statistics.mean(count[number] for number in told), 1),
        "node to first webhook": figure(waits, "ms"),
        "node to first webhook, p99": _tail(waits),
        "node to last webhook": figure(
            [1000 * (last[number] - had[number]) for number in told], "ms"
        ),
    }


def _tail(values: Sequence[float]) -> dict:
    """Return the 99th percentile as a figure; of fewer than 100 values it is the worst."""
    ordered = sorted(values)
    return figure([ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]], "ms")
