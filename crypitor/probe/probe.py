"""Reads blocks of a chain, tries every rule on them, and measures what the node can do."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from crypitor.config.chain import ChainRules
from crypitor.errors import NodeUnavailable
from crypitor.evm.profiles import Profile, profile_of
from crypitor.probe.asking import Asking
from crypitor.probe.fitting import Fit, fit
from crypitor.worker import rpc
from crypitor.worker.block import Served
from crypitor.worker.rpc import Call

OLD_BLOCKS = 32
"""Blocks from all over the chain's past that are read beside the newest."""

_BATCHES = (2, 5, 10, 20, 50, 100, 200, 500, 1000)
_RANGES = (10, 100, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000)
_NOBODY = "0x" + "5e" * 20
_UNTIL_RECENT = 16


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found of one chain and one node of it.

    client: what the node calls itself.  head: its newest block.  recent: so many blocks in a row.
    block_seconds: between two of them; None where that cannot be told.
    age_seconds: by how much this clock is ahead of the head's; below zero where one of them is
    wrong.
    reorged: how many of the blocks that were read first were others at the end.
    tags: how many blocks `safe` and `finalized` are behind the head, as far as the node has them.
    methods: what it offers: receipts at once, traces, newHeads.
    batch, range: the largest batch of calls and the longest range of logs that it took.
    coin: an address whose logs tell every payment.
    web3: what kept web3, another client, from reading the newest block alike; "" for nothing.
    """

    chain_id: int
    client: str
    head: int
    recent: int
    old: int
    fit: Fit
    known: Profile
    block_seconds: float | None
    age_seconds: float
    reorged: int
    tags: dict[str, int] = field(default_factory=dict)
    methods: dict[str, bool] = field(default_factory=dict)
    batch: int = 1
    range: int = 0
    coin: str | None = None
    web3: str = ""


async def probe(url: str, blocks: int, timeout_seconds: float, rules: ChainRules | None) -> Probe:
    """Look at a chain through one node. Raises NodeUnavailable where it cannot be read.

    blocks: how many of the newest are read.
    rules: what is said of the chain over what is known by its id; None for nothing.
    """
    async with Asking(url, timeout_seconds) as node:
        chain_id = rpc.quantity_of(rpc.result_of(await node.answer("eth_chainId"), "eth_chainId"))
        known = profile_of(chain_id)
        profile = rules.over(known) if rules else known
        recent = await node.newest(blocks)
        now, head = time.time(), await node.height("latest")
        if not recent or head is None:
            raise NodeUnavailable(f"has none of the {blocks} blocks below its head")
        old = await node.blocks(_old(int(recent[0].seal.number, 16)))
        newest = recent[-1]
        return Probe(
            chain_id=chain_id,
            client=await _client(node),
            head=head,
            recent=len(recent),
            old=len(old),
            fit=fit([*old, *recent], profile),
            known=profile,
            block_seconds=_block_seconds(recent),
            age_seconds=round(now - int(newest.seal.timestamp, 16), 1),
            tags=await _tags(node, head),
            methods=await _methods(node, url, recent),
            batch=await _batch(node),
            range=await _range(node, head),
            coin=_coin([*old, *recent]),
            web3=await _web3(node, newest),
            reorged=await _reorged(node, recent),
        )


def _old(before: int) -> list[int]:
    """Return heights spread over the past, the first and the last of it among them."""
    if before <= OLD_BLOCKS:
        return [*range(before)]
    return [place * (before - 1) // (OLD_BLOCKS - 1) for place in range(OLD_BLOCKS)]


async def _client(node: Asking) -> str:
    answer = await node.answer("web3_clientVersion")
    if answer.error is not None:
        return "says no name"
    return rpc.text_of(rpc.result_of(answer, "web3_clientVersion"))[:100]


async def _tags(node: Asking, head: int) -> dict[str, int]:
    found = {}
    for tag in ("safe", "finalized"):
        height = await node.height(tag)
        if height is not None:
            found[tag] = max(0, head - height)
    return found


async def _methods(node: Asking, url: str, recent: Sequence[Served]) -> dict[str, bool]:
    last = recent[-1].seal
    return {
        "eth_getBlockReceipts": node.bulk,
        "debug_traceBlockByHash": await node.has(
            "debug_traceBlockByHash", last.hash, {"tracer": "callTracer"}
        ),
        "trace_block": await node.has("trace_block", last.number),
        "newHeads": url.startswith("ws") and await node.has("eth_subscribe", "newHeads"),
    }


async def _batch(node: Asking) -> int:
    """Return the largest number of calls in one request that the node answers one by one."""
    most = 1
    for size in _BATCHES:
        try:
            answers = await node.answers([Call("eth_chainId")] * size)
        except NodeUnavailable:
            break
        if any(answer.error for answer in answers):
            break
        most = size
    return most


async def _range(node: Asking, head: int) -> int:
    """Return the longest range of heights in which the node looks for logs."""
    most = 0
    for size in _RANGES:
        first = head - size + 1
        if first < 0:
            break
        place = {"fromBlock": hex(first), "toBlock": hex(head), "address": _NOBODY}
        try:
            answer = await node.answer("eth_getLogs", place)
        except NodeUnavailable:
            break
        if answer.error is not None:
            break
        most = size
    return most


async def _web3(node: Asking, block: Served) -> str:
    try:
        seen = await node.by_web3(int(block.seal.number, 16))
    except NodeUnavailable as wrong:
        return f"stopped by {wrong}"
    read = [block.seal.hash, *(transaction.hash for transaction in block.transactions)]
    return "" if seen == read else "other hashes than those that were read here"


async def _reorged(node: Asking, recent: Sequence[Served]) -> int:
    """Return how many of the newest blocks are others now."""
    count = 0
    for block in recent[-_UNTIL_RECENT:]:
        answer = await node.answer("eth_getBlockByNumber", block.seal.number, False)
        header = rpc.header_of(rpc.result_of(answer, "eth_getBlockByNumber"))
        count += header is None or header.hash != block.seal.hash
    return count


def _block_seconds(recent: Sequence[Served]) -> float | None:
    first, last = recent[0].seal, recent[-1].seal
    blocks = int(last.number, 16) - int(first.number, 16)
    seconds = int(last.timestamp, 16) - int(first.timestamp, 16)
    return None if not blocks or seconds <= 0 else float(f"{seconds / blocks:.3g}")


def _coin(blocks: Sequence[Served]) -> str | None:
    """Return the address that has a log with both parties and the value of every payment."""
    told: set[str] | None = None
    for block in blocks:
        for transaction, receipt in zip(block.transactions, block.receipts, strict=False):
            parties = {transaction.sender, transaction.to}
            value = int(transaction.value, 16)
            if not value or None in parties or len(parties) < 2 or not receipt.succeeded:
                continue
            speakers = {
                log.address
                for log in receipt.logs
                if parties <= {"0x" + topic[26:] for topic in log.topics}
                and log.data[2:66] == f"{value:064x}"
            }
            told = speakers if told is None else told & speakers
    return min(told) if told else None


def depth_of(minutes: float, block_seconds: float | None) -> int:
    """Return how many blocks come in so many minutes: 64 to 10,000."""
    return min(10_000, max(64, math.ceil(minutes * 60 / (block_seconds or 12))))
