"""The service without its workers, on a fresh SQLite file: API, matcher, a stream of blocks."""

import asyncio
import gc
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from bench.blocks import block
from crypitor.api import SERVER_OPTIONS, Context, NetworkFacts, build
from crypitor.api.serving.tail import Tail
from crypitor.database.engine import Database
from crypitor.database.keys import ensure_admin
from crypitor.database.migrate import migrate
from crypitor.database.networks import lead
from crypitor.evm.types import Address, Block
from crypitor.monitor.index import Index
from crypitor.monitor.matcher import Chain, Matcher
from crypitor.monitor.watchlist import Watchlist
from crypitor.queue import Message
from crypitor.queue.memory import MemoryQueue
from crypitor.runtime.loop import Health, clock
from crypitor.webhook.message import NetworkTitle
from crypitor.webhook.post import Poster

NETWORK = "ethereum"
BLOCK_SECONDS = 0.1
KEPT = 129


@dataclass
class Stream:
    """Blocks, one every 100 ms or when asked for, and how long each took from queue to commit."""

    queue: MemoryQueue
    hits: Sequence[Address]
    number: int = 1
    seconds: list[float] = field(default_factory=list)
    published: dict[str, float] = field(default_factory=dict)
    _parent: str = "0x" + "0" * 64
    _matched: asyncio.Event = field(default_factory=asyncio.Event)

    async def publish(self) -> None:
        due = time.perf_counter()
        while True:
            await self._publish(self.made())
            due = max(due + BLOCK_SECONDS, time.perf_counter())
            await asyncio.sleep(due - time.perf_counter())

    def made(self) -> Block:
        """Return the next block."""
        return block(self.number, self._parent, seed=4, hits=self.hits)

    async def commit(self, made: Block) -> None:
        """Publish the next block, and wait until it and what it confirms are committed."""
        self._matched.clear()
        await self._publish(made)
        await self._matched.wait()

    async def _publish(self, made: Block) -> None:
        self.published[made.header.hash] = time.perf_counter()
        await self.queue.publish(Message(NETWORK, 1, self.number, made, None, None, clock()))
        self.number, self._parent = self.number + 1, made.header.hash

    def block_matched(self, message: Message, *_: object) -> None:
        began = self.published.pop(message.block.header.hash)
        self.seconds.append(time.perf_counter() - began)
        self._matched.set()


@dataclass
class World:
    """What a benchmark calls."""

    url: str
    key: str
    database: Database
    index: Index
    stream: Stream


@asynccontextmanager
async def world(
    folder: Path, hits: Sequence[Address], *, streaming: bool = True
) -> AsyncIterator[World]:
    """Serve the API and match blocks, until the end of the context.

    streaming: they come by themselves, on time; else by `Stream.commit`, for which the queue has
    no room: a block counts as taken when the matcher waits for the next.
    """
    url = f"sqlite:///{folder}/crypitor.db"
    await migrate(url)
    async with Database.open(url) as database, asyncio.TaskGroup() as tasks:
        key = await database.write(lambda tx: ensure_admin(tx, None, clock(), secrets.token_bytes))
        await database.write(lambda tx: lead(tx, NETWORK, 1))
        index, queue = Index(), MemoryQueue(limit=64 if streaming else 0)
        watchlist = Watchlist(database, index)
        await watchlist.load()
        gc.freeze()  # as the service does
        stream = Stream(queue, hits)
        matcher = Matcher(
            queue, database, index, {NETWORK: Chain(NetworkTitle("Ethereum"), 12, KEPT)},
            wake=lambda _: None, clock=clock, observer=stream,
            refresh=watchlist.refresh_if_in_doubt,
        )  # fmt: skip
        context = Context(
            database=database, index=index, armed_from=matcher.armed_from,
            events=Tail(database),
            networks={NETWORK: NetworkFacts(NETWORK, 1, "Ethereum", "ETH", None, 12)},
            status=dict, health=Health(), roles=("api", "monitor"), render_metrics=lambda: b"",
            wake=lambda _: None, post=Poster().post, lease_ms=60_000, allow_private=(), auth=True,
            clock=clock,
            random_bytes=secrets.token_bytes, in_doubt=watchlist.doubt,
        )  # fmt: skip
        runner = web.AppRunner(build(context), **SERVER_OPTIONS)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        stop = asyncio.Event()
        publishing = tasks.create_task(stream.publish()) if streaming else None
        tasks.create_task(matcher.run(stop, Health()))
        tasks.create_task(watchlist.run(stop, Health()))
        try:
            yield World(
                f"http://127.0.0.1:{runner.addresses[0][1]}", str(key), database, index, stream
            )
        finally:
            if publishing:
                publishing.cancel()
            stop.set()
            await runner.cleanup()
