"""Each stage of a block's way alone: what it takes of the processor, for each shape of block."""

import asyncio
import gc
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import uvloop

from bench import inputs, path
from bench.figures import figure, processor_ms
from bench.inputs import Served
from bench.receiver import receiver
from crypitor.database.blocks import BlockEffect, save_blocks
from crypitor.database.engine import Database
from crypitor.database.networks import lead
from crypitor.evm.metadata import Token
from crypitor.evm.proof import prove
from crypitor.evm.types import Block
from crypitor.monitor.index import Index
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import Match
from crypitor.queue import Message, wire
from crypitor.runtime.loop import clock
from crypitor.webhook.delivery import Endpoint
from crypitor.webhook.egress import networks
from crypitor.webhook.formats import texts_of
from crypitor.webhook.message import NetworkTitle
from crypitor.webhook.post import Poster
from crypitor.worker import rpc

ADDRESSES = 1_000_000
BLOCKS = 20
ROUNDS = 9
TOKEN = Token("Token", "TOK", 18)
TITLE = NetworkTitle("Ethereum")

T = TypeVar("T")


def bench(*, quick: bool = False) -> dict:
    """Measure every stage. quick: fewer rounds, and fewer watched addresses."""
    index = path.index_of(inputs.watched_addresses(10_000 if quick else ADDRESSES))
    rounds = 3 if quick else ROUNDS
    kinds = {shape.name: inputs.chain(shape, BLOCKS)[1:] for shape in inputs.SHAPES.values()}
    if recorded := inputs.recorded():
        kinds["recorded"] = inputs.repeated(recorded, BLOCKS)[1:]
    return {name: _of(blocks, index, rounds) for name, blocks in kinds.items()}


def _of(blocks: Sequence[Served], index: Index, rounds: int) -> dict:
    batches = [answered(block) for block in blocks]
    seen = [read(batch) for batch in batches]
    messages = [_message(one.block) for one in seen]
    encoded = [wire.encode(message) for message in messages]
    found = [find_matches(one.block, path.NETWORK, 1, index) for one in seen]
    gc.collect()
    gc.disable()
    taken: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, ms in _passed(batches, index).items():
            taken.setdefault(name, []).append(ms / len(batches))
    taken["commit"] = _committing(messages, found, rounds)
    taken["post"] = _posting(found, rounds)
    gc.enable()
    logs = [sum(len(receipt.logs) for receipt in one.receipts) for one in seen]
    size = sum(map(len, batches)) / len(batches)
    return {
        "transactions": round(sum(len(one.transactions) for one in seen) / len(seen)),
        "logs": round(sum(logs) / len(logs)),
        "json kB": round(size / 1000),
        "wire kB": round(sum(map(len, encoded)) / len(encoded) / 1000),
        "matches": round(sum(map(len, found)) / len(found), 1),
        **{name: figure(values, "ms a block") for name, values in taken.items()},
    }


def answered(block: Served) -> bytes:
    """Return what a node answers to a look at a block."""
    results = (block.head, block.block, block.receipts)
    return (
        b"["
        + b",".join(
            b'{"jsonrpc":"2.0","id":%d,"result":%b}' % (number, result)
            for number, result in enumerate(results, 1)
        )
        + b"]"
    )


def read(batch: bytes) -> rpc.Served:
    """Read an answer as Node does."""
    _, block, receipts = rpc.in_order(rpc.decode(batch), range(1, 4))
    # Older revisions do not read them in the same pass.
    return getattr(block, "served", None) or rpc.served(block.result, receipts.result)


def _message(block: Block) -> Message:
    return Message(path.NETWORK, 1, block.header.number, block, None, None, 0)


def _passed(batches: Sequence[bytes], index: Index) -> dict[str, float]:
    """Send blocks through the stages, each block through all of them while it is in the caches.

    No string of a block has been hashed before it is matched, as on the real way.
    """
    taken: dict[str, float] = {}

    def stage(name: str, work: Callable[[], T]) -> T:
        with processor_ms() as ms:
            result = work()
        taken[name] = taken.get(name, 0.0) + ms[0]
        return result

    for batch in batches:
        one = stage("decode", lambda batch=batch: read(batch))
        for level in ("off", "receipts"):
            stage(f"proof, {level}", lambda one=one, level=level: _prove(one, level))
        matches = stage("match", lambda one=one: find_matches(one.block, path.NETWORK, 1, index))
        stage("proof, logs", lambda one=one: _prove(one, "logs"))
        message = _message(one.block)
        encoded = stage("wire, encode", lambda message=message: wire.encode(message))
        stage("wire, decode", lambda encoded=encoded: wire.decode(encoded))
        stage(
            "body",
            lambda matches=matches: [texts_of(match, 1, TITLE, TOKEN) for match in matches],
        )
    return taken


def _prove(one: rpc.Served, level: str) -> None:
    prove(one.seal, one.transactions, one.receipts, level)


def _committing(messages: Sequence[Message], found: Sequence[list], rounds: int) -> list[float]:
    """Store blocks one by one, as at the head of the chain, each in a transaction of its own."""

    async def all_rounds() -> list[float]:
        taken = []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                url = await path.prepared(Path(folder))
                async with Database.open(url) as database:
                    await database.write(lambda tx: lead(tx, path.NETWORK, inputs.CHAIN_ID))
                    with processor_ms() as ms:
                        await _stored(database, messages, found)
                    taken.append(ms[0] / len(messages))
        return taken

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(all_rounds())


async def _stored(database: Database, messages: Sequence[Message], found: Sequence[list]) -> None:
    for sequence, (message, matches) in enumerate(zip(messages, found, strict=True)):
        header = message.block.header
        effect = BlockEffect(
            network=path.NETWORK, chain_id=1, title=TITLE,
            sequence=sequence + 1, header=header,
            ancestor_number=header.number - 1 if sequence else None,
            matches=[(match, path.CONFIRMATIONS) for match in matches],
            safe=None, finalized=None, oldest_kept=header.number - 64, now=1,
        )  # fmt: skip
        saved = await database.write(
            lambda tx, effect=effect: save_blocks(tx, [effect], effect.sequence - 1), at_once=True
        )
        assert saved is not None


def _posting(found: Sequence[list], rounds: int) -> list[float]:
    """Sign and post what a block's matches say, to a receiver in a process of its own.

    Of each block all at once, over connections that are kept.
    """

    async def all_rounds() -> list[float]:
        taken = []
        async with receiver() as url, Poster(allow_private=networks(["127.0.0.0/8"])) as poster:
            endpoint = Endpoint("ep_1", path.PROJECT, url, path.SECRET)
            for _ in range(rounds + 1):
                with processor_ms() as ms:
                    for matches in found:
                        await _posted(poster, endpoint, matches)
                taken.append(ms[0] / len(found))
        return taken[1:]  # the first one connects

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(all_rounds())


async def _posted(poster: Poster, endpoint: Endpoint, matches: Sequence[Match]) -> None:
    texts = [texts_of(match, 1, TITLE, TOKEN).document.encode() for match in matches]
    now = clock()
    outcomes = await asyncio.gather(
        *(
            poster.post(endpoint, match.id, text, now)
            for match, text in zip(matches, texts, strict=True)
        )
    )
    assert all(outcome.error is None for outcome in outcomes)


if __name__ == "__main__":
    print(msgspec.json.format(msgspec.json.encode(bench()), indent=1).decode())
