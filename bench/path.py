"""The real way of a block, in this process: node, follower, queue, matcher, SQLite file.

Only the bytes on the wire are ours: a node that answers from memory.
"""

import asyncio
import gc
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bench.inputs import CHAIN_ID, Served
from crypitor.database.endpoints import insert_endpoint
from crypitor.database.engine import Database
from crypitor.database.ids import new_id
from crypitor.database.keys import ensure_project
from crypitor.database.migrate import migrate
from crypitor.database.monitors import insert_monitor
from crypitor.evm.types import Address
from crypitor.monitor.index import Index
from crypitor.monitor.matcher import Chain, Matcher
from crypitor.monitor.models import DEFAULT_RULES, Match, Monitor, Phase, Rule
from crypitor.queue import Queue
from crypitor.queue.memory import MemoryQueue
from crypitor.runtime import loop
from crypitor.runtime.loop import Health, clock
from crypitor.webhook.delivery import Endpoint
from crypitor.webhook.message import NetworkTitle
from crypitor.webhook.post import Poster
from crypitor.webhook.sender import Sender
from crypitor.worker import Unobserved, rpc
from crypitor.worker.ahead import Ahead
from crypitor.worker.follower import Follower
from crypitor.worker.node import Node
from crypitor.worker.nodes import Nodes

if TYPE_CHECKING:  # older revisions have it elsewhere
    from crypitor.process.observer import Observer

NETWORK = "ethereum"
SECRET = "whsec_" + "QUJD" * 10
CONFIRMATIONS = 12
WINDOW = 16

READS_LATER = hasattr(Ahead, "turn")
"""Older revisions read an answer when it comes."""

PROJECT = new_id("pr_", 1, bytes(10))

MONITOR = Monitor(
    id="mo_1", project_id=PROJECT, name="bench", networks=(NETWORK,), rules=DEFAULT_RULES,
    any_address=False, endpoints=("ep_1",), notify=frozenset(Phase), confirmations=None, tags=(),
    note="", enabled=True, created_at=1, updated_at=1,
)  # fmt: skip


class _Asked(msgspec.Struct):
    id: int
    method: str
    params: list


_asked = msgspec.json.Decoder(_Asked | list[_Asked])


_SAME_FOR_ALL = {
    "eth_chainId": msgspec.json.encode(hex(CHAIN_ID)),
    "eth_subscribe": b'"0x1"',
    "eth_call": b'"0x"',
}


class _Receipt(msgspec.Struct, rename="camel"):
    transaction_hash: str


_raws, _receipt = msgspec.json.Decoder(list[msgspec.Raw]), msgspec.json.Decoder(_Receipt)


@lru_cache(maxsize=64)
def _receipts_of(told: bytes) -> dict[str, msgspec.Raw]:
    return {_receipt.decode(one).transaction_hash: one for one in _raws.decode(told)}


class Memory:
    """A transport whose node has these blocks, and nothing between it and us."""

    def __init__(self, blocks: Sequence[Served], sizes: list[int] | None = None) -> None:
        self._blocks = blocks
        self._sizes = sizes
        self._by_hash = {block.hash: block for block in blocks}
        # Contents come again: a transaction's receipt is that of the block which was shown last.
        self._shown: deque[Served] = deque(maxlen=2 * WINDOW)

    async def connect(self) -> int:
        return 0

    async def exchange(self, body: bytes, ids: range) -> object:  # noqa: ARG002
        answer = self.answer(body)
        if self._sizes is not None:
            self._sizes.append(len(answer))
        return partial(rpc.decode, answer) if READS_LATER else rpc.decode(answer)

    def answer(self, body: bytes) -> bytes:
        """Return the bytes that answer the bytes of a request; they are copied once."""
        asked = _asked.decode(body)
        calls = asked if isinstance(asked, list) else [asked]
        parts = []
        for one in calls:
            parts += (b',{"jsonrpc":"2.0","id":%d,"result":' % one.id, self._result(one), b"}")
        parts[0] = parts[0].replace(b",", b"[" if calls is asked else b"", 1)
        return b"".join([*parts, b"]"] if calls is asked else parts)

    async def renew(self, connection: int) -> None:
        pass

    async def close(self) -> None:
        pass

    def _result(self, asked: _Asked) -> bytes:
        if asked.method in _SAME_FOR_ALL:
            return _SAME_FOR_ALL[asked.method]
        place = asked.params[0]
        if asked.method == "eth_getBlockByHash":
            return self._by_hash[place].head
        if asked.method == "eth_getTransactionReceipt":
            return self._receipt(place)
        at = -1 if place in ("latest", "safe", "finalized") else int(place, 16)
        if at >= len(self._blocks):
            return b"null"
        block = self._blocks[at]
        if asked.method == "eth_getBlockReceipts":
            return block.receipts
        if asked.params[1]:
            self._shown.append(block)
        return block.block if asked.params[1] else block.head

    def _receipt(self, transaction: str) -> bytes:
        for block in reversed(self._shown):
            found = _receipts_of(block.receipts).get(transaction)
            if found is not None:
                return bytes(found)
        return b"null"


@dataclass
class Seen:
    """Hears what was matched and sent; `done` is set with the block at the height `until`.

    all_sent: and once every match was sent.  beside: who hears it too, as the service's observer.
    """

    until: int = -1
    matches: list[tuple] = field(default_factory=list)
    sent: int = 0
    all_sent: bool = False
    beside: "Observer | None" = None
    done: asyncio.Event = field(default_factory=asyncio.Event)
    _matched: bool = False

    def block_matched(self, message, matches, *rest) -> None:
        if self.beside is not None:
            self.beside.block_matched(message, matches, *rest)
        self.matches += map(key_of, matches)
        self._matched |= message.block.header.number >= self.until
        self._check()

    def attempts_recorded(self, results) -> None:
        if self.beside is not None:
            self.beside.attempts_recorded(results)
        self.sent += len(results)
        self._check()

    def _check(self) -> None:
        if self._matched and (not self.all_sent or self.sent >= len(self.matches)):
            self.done.set()


def key_of(match: Match) -> tuple:
    """Return what a match is known by, in all implementations."""
    return (
        match.header.hash,
        match.transaction.hash,
        match.subject.log_index,
        match.direction,
        match.address,
    )


@dataclass
class Run:
    """What a run over some blocks took. cpu_seconds: of all threads of the process."""

    blocks: int
    matches: list[tuple]
    seconds: float
    cpu_seconds: float

    @property
    def ms_a_block(self) -> float:
        """Of the processor."""
        return 1000 * self.cpu_seconds / self.blocks


def monitor_of(*rules: Rule, any_address: bool = False) -> Monitor:
    """Return the monitor with other rules."""
    return replace(MONITOR, rules=rules, any_address=any_address)


def index_of(addresses: Sequence[Address], monitor: Monitor = MONITOR) -> Index:
    """Return the index as it is once these addresses of one monitor are loaded."""
    index = Index()
    index.put(monitor)
    index.add_addresses(monitor.id, ((address, None) for address in addresses))
    gc.collect()
    getattr(loop, "spare_collections", gc.freeze)()  # as the service does; older revisions freeze
    return index


async def prepared(
    folder: Path, monitor: Monitor = MONITOR, url: str = "", endpoint: str = "http://127.0.0.1:9/"
) -> str:
    """Make a database with one monitor and its endpoint; return its URL."""
    url = url or f"sqlite:///{folder}/crypitor.db"
    await migrate(url)

    async def store(tx) -> None:
        assert await ensure_project(tx, 1, bytes) == PROJECT
        await insert_endpoint(tx, Endpoint("ep_1", PROJECT, endpoint, SECRET))
        await insert_monitor(tx, monitor)

    async with Database.open(url) as database:
        await database.write(store)
    return url


@asynccontextmanager
async def followed(
    url: str,
    blocks: Sequence[Served],
    index: Index,
    *,
    verify: str = "receipts",
    queue: Queue | None = None,
    transport: object = None,
    window: int = WINDOW,
    poster: Poster | None = None,
    beside: "Observer | None" = None,
) -> AsyncIterator[tuple[Follower, Matcher, Seen, Sender | None]]:
    """Open all parts between the node's bytes and the database, or the receiver."""
    seen = Seen(beside=beside)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database.open(url))
        node = Node("http://memory", "memory", chain_id=CHAIN_ID, timeout_seconds=30, verify=verify)
        node._requests._transport = transport or Memory(blocks)  # noqa: SLF001 - for web3's
        nodes = await stack.enter_async_context(Nodes(NETWORK, [node], observer=Unobserved()))
        queue = queue or MemoryQueue()
        stack.push_async_callback(queue.close)
        sender = poster and Sender(database, poster, clock=clock, jitter=lambda: 0.0, observer=seen)
        matcher = Matcher(
            queue, database, index, {NETWORK: Chain(NetworkTitle("Ethereum"), CONFIRMATIONS, 65)},
            wake=sender.wake if sender else lambda _: None,
            clock=clock, observer=seen, refresh=_nothing_changed,
        )  # fmt: skip
        await matcher.load()
        follower = Follower(
            NETWORK, CHAIN_ID, nodes, queue, database, start=0, max_reorg_depth=64, window=window,
            poll_seconds=1.0, clock=clock, health=Health(), observer=Unobserved(),
            tags_wanted=lambda: False,
        )  # fmt: skip
        yield follower, matcher, seen, sender


async def catch_up(url: str, blocks: Sequence[Served], index: Index, **options) -> Run:
    """Go from block 0 to the last one, and measure from the first block to the last commit."""
    async with followed(url, blocks, index, **options) as (
        follower,
        matcher,
        seen,
        sender,
    ):
        seen.until, seen.all_sent, stop = blocks[-1].number, sender is not None, asyncio.Event()
        await follower.open()
        began, worked = time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(follower.run(stop))
            tasks.create_task(matcher.run(stop, Health()))
            if sender:
                tasks.create_task(sender.run(stop, Health()))
            await seen.done.wait()
            seconds, cpu = time.perf_counter() - began, time.process_time() - worked
            stop.set()
            following.cancel()  # as the service ends it
    return Run(len(blocks), seen.matches, seconds, cpu)


async def _nothing_changed() -> None:
    """Take the place of a look at what the API changed."""
