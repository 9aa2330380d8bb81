"""The API of a whole process: requests a second beside a bare aiohttp answer, and what blocks feel
of clients that write and of readers of the stream.

Service, node, receiver, clients and the bare server are processes of their own. What is compared
takes turns within one run.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from bench import inputs
from bench.chains import chains
from bench.figures import figure, ratio
from bench.measuring import processor_seconds
from bench.service import Product
from tests.rig import ADMIN_KEY

CONNECTIONS = 32
ROUNDS, QUICK_ROUNDS = 8, 2
SECONDS, QUICK_SECONDS = 3.0, 1.0
WATCHED = 3


def bench(*, quick: bool = False) -> dict:
    """Measure it."""
    return {"GET /v1/monitors/{id}": asyncio.run(_requests(quick=quick))}


async def _requests(*, quick: bool) -> dict:
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        node = await stack.enter_async_context(chains(2, [inputs.CHAIN_ID]))
        service = Product(
            folder,
            {
                "CRYPITOR__NETWORKS__LIVE__RPC": f'["{node}/{inputs.CHAIN_ID}"]',
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
