"""1, 10 or 50 chains followed by one process: what a block at a head costs, and the memory.

The parts are those of `path`: each network has a follower and a node of its own; queue, matcher and
database are shared. The heads come by turns, each network's to itself, so that no two blocks share
a transaction and one chain is measured as fifty are.
"""

import asyncio
import random
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import uvloop

from bench import inputs, path
from bench.figures import figure, processor_ms
from bench.measuring import memory_mb
from crypitor.database.engine import Database
from crypitor.monitor.matcher import Chain, Matcher
from crypitor.queue.memory import MemoryQueue
from crypitor.runtime.loop import Health, clock
from crypitor.webhook.message import NetworkTitle
from crypitor.worker import Unobserved
from crypitor.worker.follower import Follower
from crypitor.worker.node import Node
from crypitor.worker.nodes import Nodes

ADDRESSES = 100_000
BLOCKS = 24
FIRST = 4
"""Blocks of each chain before it is measured."""

HEADERS = 65


class Followed:
    """One chain: what its node shows, and who follows it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.shown: list[inputs.Served] = []
        self.follower: Follower

    def show(self, block: inputs.Served, parent: str) -> None:
        """Let the node have its next block, under hashes that no other chain has."""
        places = {old: self._hash(old) for old in (block.hash, parent)}
        head, whole, receipts = (
            _replaced(text, places) for text in (block.head, block.block, block.receipts)
        )
        self.shown.append(inputs.Served(block.number, places[block.hash], head, whole, receipts))
        if block.number > 2:  # what nobody asks for any more is not to be in the memory
            self.shown[block.number - 2] = self.shown[0]

    def _hash(self, old: str) -> str:
        return "0x" + random.Random(f"{self.name}/{old}").randbytes(32).hex()


def _replaced(text: bytes, places: Mapping[str, str]) -> bytes:
    for old, new in places.items():
        text = text.replace(old.encode(), new.encode())
    return text


def of_networks(count: int) -> dict:
    """Measure so many chains in this process."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measured(count))


async def _measured(count: int) -> dict:
    names = [f"chain {number}" for number in range(count)]
    monitor = replace(path.MONITOR, networks=tuple(names))
    index = path.index_of(inputs.watched_addresses(ADDRESSES), monitor)
    blocks = inputs.chain(inputs.MAINNET, BLOCKS)
    before = memory_mb()
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url = await path.prepared(Path(folder), monitor)
        database = await stack.enter_async_context(Database.open(url))
        queue, seen = MemoryQueue(limit=64), path.Seen()
        stack.push_async_callback(queue.close)
        matcher = Matcher(
            queue, database, index,
            {name: Chain(NetworkTitle(name), path.CONFIRMATIONS, HEADERS) for name in names},
            wake=lambda _: None, clock=clock, observer=seen, refresh=_nothing_changed,
        )  # fmt: skip
        await matcher.load()
        chains = [await _followed(stack, name, queue, database) for name in names]
        taken = []
        for block in blocks:
            for chain in chains:
                chain.show(block, blocks[max(0, block.number - 1)].hash)
            with processor_ms() as ms:
                for chain in chains:
                    await _taken(chain, block.number, matcher)
            taken.append(ms[0] / count)
        memory = memory_mb() - before
    return {
        "processor": figure(taken[FIRST:], "ms a block"),
        "matches a block": round(len(seen.matches) / BLOCKS / count, 1),
        "memory MB": round(memory, 1),
        "memory MB a chain": round(memory / count, 2),
    }


async def _followed(
    stack: AsyncExitStack, name: str, queue: MemoryQueue, database: Database
) -> Followed:
    chain = Followed(name)
    node = Node(
        "http://memory", name, chain_id=inputs.CHAIN_ID, timeout_seconds=30, verify="receipts"
    )
    node._requests._transport = path.Memory(chain.shown)  # noqa: SLF001 - in place of web3's
    nodes = await stack.enter_async_context(Nodes(name, [node], observer=Unobserved()))
    chain.follower = Follower(
        name, inputs.CHAIN_ID, nodes, queue, database, start=0, max_reorg_depth=HEADERS - 1,
        window=path.WINDOW, poll_seconds=1.0, clock=clock, health=Health(), observer=Unobserved(),
        tags_wanted=lambda: False,
    )  # fmt: skip
    stack.push_async_callback(chain.follower.close)
    await chain.follower.open()
    return chain


async def _taken(chain: Followed, number: int, matcher: Matcher) -> None:
    """See a block that the node has matched and stored."""
    while (tip := matcher.tip(chain.name)) is None or tip.number < number:
        published = chain.follower.status.tip
        await chain.follower.step()
        if chain.follower.status.tip is not published:
            await matcher.step()


async def _nothing_changed() -> None:
    """Take the place of a look at what the API changed."""
