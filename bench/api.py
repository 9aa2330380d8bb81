"""The API of a whole process: requests a second beside a bare aiohttp answer, and what blocks feel
of clients that write and of readers of the stream.

Service, node, receiver, clients and the bare server are processes of their own. What is compared
takes turns within one run.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import msgspec

from bench import inputs
from bench.chains import chains
from bench.figures import figure, ratio
from bench.measuring import processor_seconds, spread
from bench.node import node
from bench.receiver import receiver
from bench.service import PRODUCT, Product
from tests.rig import ADMIN_KEY

CONNECTIONS = 32
ROUNDS, QUICK_ROUNDS = 8, 2
SECONDS, QUICK_SECONDS = 3.0, 1.0
WATCHED = 3


CLIENTS = 50
READERS, QUICK_READERS = 1_000, 200
SHARE = 0.01
BLOCK_SECONDS = 0.4
TURNS, QUICK_TURNS = 4, 1
TURN_SECONDS, QUICK_TURN_SECONDS = 12.0, 5.0
LAST_SECONDS = 1.0
ROOM = {
    "CRYPITOR__SERVER__CONNECTIONS": "4000",
    "CRYPITOR__SERVER__CONNECTIONS_PER_ADDRESS": "4000",
}


def bench(*, quick: bool = False) -> dict:
    """Measure it. Of another revision only what it can do: that has no stream."""
    writing = ["bench.clients", str(CLIENTS), "{url}", ADMIN_KEY, "writing"]
    found = {f"blocks beside {CLIENTS} clients that write": _blocks(writing, quick=quick)}
    if os.environ.get(PRODUCT, str(Path.cwd())) != str(Path.cwd()):
        return found
    readers = QUICK_READERS if quick else READERS
    reading = ["bench.readers", str(readers), "{host}", "{port}", ADMIN_KEY]
    return {
        "GET /v1/monitors/{id}": asyncio.run(_requests(quick=quick)),
        **found,
        f"blocks beside {readers} readers": _blocks(reading, ROOM, waits=True, quick=quick),
    }


def _blocks(
    others: list[str], settings: Mapping[str, str] = {}, *, waits: bool = False, quick: bool
) -> dict:  # fmt: skip
    return asyncio.run(_beside(others, settings, waits=waits, quick=quick))


async def _beside(
    others: list[str], settings: Mapping[str, str], *, waits: bool, quick: bool
) -> dict:
    """Return what passes from a node's having a block to its first webhook: alone, and beside.

    waits: whether the others say when they have begun.
    """
    turns, seconds = (QUICK_TURNS, QUICK_TURN_SECONDS) if quick else (TURNS, TURN_SECONDS)
    blocks = round(4 * turns * seconds / BLOCK_SECONDS)
    alone: list[float] = []
    beside: list[float] = []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        place = await stack.enter_async_context(node(inputs.MAINNET, SHARE, BLOCK_SECONDS, blocks))
        hooks = await stack.enter_async_context(receiver())
        service = Product(
            folder,
            {
                "CRYPITOR__NETWORKS__LIVE__RPC": f'["ws://{place}"]',
                "CRYPITOR__NETWORKS__LIVE__CHAIN_ID": str(inputs.CHAIN_ID),
                "CRYPITOR__NETWORKS__LIVE__VERIFY": "receipts",
                **settings,
            },
            migrated=False,
        )
        await service.start()
        stack.push_async_callback(service.kill)
        monitor = {
            "networks": ["live"],
            "addresses": inputs.watched_addresses(1000),
            "webhook": {"url": hooks},
            "notify": ["detected"],
        }
        await service.post("/v1/monitors", monitor)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        for _ in range(turns):
            alone += await _waits(http, place, hooks, seconds)
            at = urlsplit(service.url)
            words = [one.format(url=service.url, host=at.hostname, port=at.port) for one in others]
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", *words,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            if waits:
                await process.stdout.readline()
            beside += await _waits(http, place, hooks, seconds)
            out, _ = await process.communicate(b"")
            assert int(out)
    tails = [spread([ms / 1000 for ms in one]) for one in (alone, beside)]
    return {
        "alone": tails[0],
        "beside": tails[1],
        "median, beside / alone": figure([tails[1]["median"] / tails[0]["median"]], "times"),
        "p99, beside / alone": figure([tails[1]["p99"] / tails[0]["p99"]], "times"),
    }


async def _waits(
    http: aiohttp.ClientSession, place: str, hooks: str, seconds: float
) -> list[float]:
    """Return the milliseconds from the node's having each block of a time to its first webhook."""
    await asyncio.sleep(LAST_SECONDS)
    async with http.get(hooks) as answer:  # which forgets them
        await answer.read()
    since = time.monotonic()
    await asyncio.sleep(seconds)
    async with http.get(hooks) as answer:
        posts = await answer.json()
    async with http.get(f"http://{place}") as answer:
        had = {int(number): at for number, at in (await answer.json()).items()}
    first: dict[int, float] = {}
    for number, at in posts:
        first.setdefault(number, at)
    return [1000 * (at - had[number]) for number, at in first.items() if had[number] > since]


async def _requests(*, quick: bool) -> dict:
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        rpc = await stack.enter_async_context(chains(2, [inputs.CHAIN_ID]))
        service = Product(
            folder,
            {
                "CRYPITOR__NETWORKS__LIVE__RPC": f'["{rpc}/{inputs.CHAIN_ID}"]',
                "CRYPITOR__NETWORKS__LIVE__CHAIN_ID": str(inputs.CHAIN_ID),
            },
        )
        await service.start()
        stack.push_async_callback(service.kill)
        monitor = {"networks": ["live"], "addresses": inputs.watched_addresses(WATCHED)}
        path = f"/v1/monitors/{(await service.post('/v1/monitors', monitor))['id']}"
        size = len(msgspec.json.encode(await service.get(path)))
        bare = await stack.enter_async_context(_bare(path, size))
        ours, least = (service.url, service.process.pid), bare
        taken: tuple[list[_Taken], list[_Taken]] = ([], [])
        for number in range(rounds + 1):
            for place, (url, pid) in enumerate((ours, least)):
                found = await _asked(url, pid, path, seconds)
                if number:  # the first round warms both up
                    taken[place].append(found)
    return _figures(*taken)


class _Taken:
    """What some requests took: by the clock, and of the processor, all threads of the process."""

    def __init__(self, count: int, seconds: float, worked: float) -> None:
        self.a_second = count / seconds
        self.a_core = count / worked


def _figures(ours: list[_Taken], bare: list[_Taken]) -> dict:
    return {
        "by the clock": figure([one.a_second for one in ours], "a second"),
        "on a whole core": figure([one.a_core for one in ours], "a second"),
        "bare, by the clock": figure([one.a_second for one in bare], "a second"),
        "bare, on a whole core": figure([one.a_core for one in bare], "a second"),
        "of the bare answer": ratio([one.a_core for one in ours], [one.a_core for one in bare]),
    }


async def _asked(url: str, pid: int, path: str, seconds: float) -> _Taken:
    """Let a client ask for some seconds."""
    place, worked = urlsplit(url), processor_seconds(pid)
    asking = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.asking",
        str(place.hostname), str(place.port), path, ADMIN_KEY, str(CONNECTIONS), str(seconds),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await asking.communicate()
    return _Taken(int(out), seconds, processor_seconds(pid) - worked)


@asynccontextmanager
async def _bare(path: str, size: int) -> AsyncIterator[tuple[str, int]]:
    parent, _, _ = path.rpartition("/")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.bare", f"{parent}/{{id}}", str(size),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield (await process.stdout.readline()).decode().strip(), process.pid
    finally:
        process.kill()
        await process.wait()
