"""What traces cost a block and a request: without them, off, and on, in turn.

Without: the observer and the API made by hand, as if nothing of traces was there. Off: what the
process makes where `telemetry.otlp` is not set. On: all traces are sent, to a receiver in a process
of its own; the thread that sends them counts.
"""

import asyncio
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import structlog
import uvloop
from yarl import URL

from bench import inputs, path
from bench.figures import figure, processor_ms, ratio
from bench.receiver import receiver
from crypitor.api import SERVER_OPTIONS, Context, build
from crypitor.api.serving.tail import Tail
from crypitor.config import load
from crypitor.database.engine import Database
from crypitor.database.keys import ensure_admin
from crypitor.monitor.index import Index
from crypitor.process.observer import Observer
from crypitor.process.observing import Observing, observing
from crypitor.runtime.listening import listening
from crypitor.runtime.loop import Health, clock
from crypitor.runtime.metrics import Metrics
from crypitor.webhook.post import Poster

ADDRESSES = 10_000
BLOCKS, REQUESTS = 60, 400
ROUNDS, QUICK_ROUNDS = 15, 2
WITHOUT, OFF, ON = "without", "off", "on"


def bench(*, quick: bool = False) -> dict:
    """Measure the three in turn."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measured(QUICK_ROUNDS if quick else ROUNDS))


async def _measured(rounds: int) -> dict:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(receiver())
        config, traced = load(None, {}), load(None, {"CRYPITOR__TELEMETRY__OTLP": url})
        heard = {
            WITHOUT: Observing(Observer(Metrics())),
            OFF: await observing(config, Metrics(), stack),
            ON: await observing(traced, Metrics(), stack),
        }
        return {
            "block": _told(await _blocks(heard, url, rounds), "ms a block"),
            "request": _told(await _requests(heard, rounds), "ms a request"),
        }


def _told(taken: Mapping[str, list[float]], unit: str) -> dict:
    return {
        **{name: figure(values[1:], unit) for name, values in taken.items()},  # the first one warms
        "off / without": ratio(taken[OFF][1:], taken[WITHOUT][1:]),
        "on / off": ratio(taken[ON][1:], taken[OFF][1:]),
    }


async def _blocks(heard: Mapping[str, Observing], url: str, rounds: int) -> dict[str, list[float]]:
    """Catch up from a node's bytes to the last POST, with each observer."""
    blocks = inputs.chain(inputs.MAINNET, BLOCKS)
    index = path.index_of(inputs.watched_addresses(ADDRESSES))
    taken: dict[str, list[float]] = {name: [] for name in heard}
    for _ in range(rounds + 1):
        for name, one in heard.items():
            with tempfile.TemporaryDirectory() as folder:
                database = await path.prepared(Path(folder), endpoint=url)
                async with Poster(allow_private=[ip_network("127.0.0.0/8")]) as poster:
                    run = await path.catch_up(
                        database, blocks, index, verify="off", poster=poster, beside=one.observer
                    )
            taken[name].append(run.ms_a_block)
            for _, step, _ in one.steps:
                await step()
    return taken


async def _requests(heard: Mapping[str, Observing], rounds: int) -> dict[str, list[float]]:
    """Ask one API after another for a list."""
    taken: dict[str, list[float]] = {name: [] for name in heard}
    async with AsyncExitStack() as stack:
        asking = {name: await stack.enter_async_context(_api(one)) for name, one in heard.items()}
        for _ in range(rounds + 1):
            for name, (place, asked) in asking.items():
                reader, writer = await asyncio.open_connection(place.host, place.port)
                with processor_ms() as ms:
                    for _ in range(REQUESTS):
                        await _ask(reader, writer, asked)
                taken[name].append(ms[0] / REQUESTS)
                writer.close()
                await writer.wait_closed()
    return taken


@asynccontextmanager
async def _api(one: Observing) -> AsyncIterator[tuple[URL, bytes]]:
    """Serve the API on a database with one monitor; gives where, and the bytes of a request."""
    with tempfile.TemporaryDirectory() as folder:
        async with Database.open(await path.prepared(Path(folder))) as database:
            key = secrets.token_urlsafe(32)
            await database.write(lambda tx: ensure_admin(tx, key, clock(), secrets.token_bytes))
            context = Context(
                database=database, events=Tail(database), index=Index(), armed_from={}.get,
                networks={}, status=dict, health=Health(), roles=("api",), render_metrics=_nothing,
                wake=lambda _: None, post=_nothing, lease_ms=60_000, allow_private=(), auth=True,
                clock=clock, random_bytes=os.urandom, traced=one.middlewares,
            )  # fmt: skip
            app = build(context)
            options = {"shutdown_seconds": 1.0, **SERVER_OPTIONS}
            async with listening(app, "127.0.0.1", 0, **options) as url:
                asked = f"GET /v1/monitors HTTP/1.1\r\nHost: {URL(url).authority}\r\n"
                yield URL(url), f"{asked}Authorization: Bearer {key}\r\n\r\n".encode()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: bytes) -> None:
    writer.write(asked)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    [length] = [
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length")
    ]
    await reader.readexactly(length)


async def _nothing(*_: object) -> bytes:
    """Stand in for what is not asked for."""
    return b""
