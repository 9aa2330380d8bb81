"""Blocks as a node serves them, of the sizes that known chains have, with true receipts roots.

Made by the simulator's own parts from a seed. A few dozen contents are made and then repeated under
new hashes and heights, as long as a chain is wanted: signing takes a hundred times as long as what
is measured. Made contents are kept in build/bench.
"""

import gzip
import os
import pickle
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from crypitor.development.simulator import abi
from crypitor.development.simulator.blocks import SimulatedBlock, sealed
from crypitor.development.simulator.calls import Call, Event
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.contracts import Contracts
from crypitor.development.simulator.documents import (
    block_document,
    header_document,
    receipt_document,
)
from crypitor.development.simulator.making import BlockInMaking, Recipe
from crypitor.development.simulator.transactions import signed
from crypitor.evm.types import Address

CHAIN_ID = 1337
SEED = 7
CONTENTS = 40
ACTORS = 1000
VERSION = 3
"""Of what is made here: raise it with every change, or an old file is taken."""

KEPT = Path(__file__).parents[1] / "build" / "bench"

_SYNC = abi.topic("Sync(uint112,uint112)")


@dataclass(frozen=True)
class Shape:
    """How large blocks are. native: of a hundred transactions, those that pay the chain's coin."""

    name: str
    transactions: int
    logs: int
    native: int = 40


MAINNET = Shape("mainnet-like", 200, 500)
BASE = Shape("Base-like", 300, 1200, native=15)
BSC = Shape("BSC-like", 130, 450, native=25)
SHAPES = {shape.name: shape for shape in (MAINNET, BASE, BSC)}


@dataclass(frozen=True)
class Served:
    """What a node answers for one block, as JSON."""

    number: int
    hash: str
    head: bytes
    block: bytes
    receipts: bytes


def watched_addresses(count: int, seed: int = SEED) -> list[Address]:
    """Return addresses that nobody uses unless a chain is told to; the first ones are hit first."""
    chance = random.Random(f"watched {seed}")
    return ["0x" + chance.randbytes(20).hex() for _ in range(count)]


def chain(
    shape: Shape,
    length: int,
    share: float = 0.01,
    *,
    seed: int = SEED,
    contents: int = CONTENTS,
    turned: int = 0,
) -> list[Served]:
    """Return blocks 0 (empty) to `length`.

    share: of the transfers whose receiver is one of the first thousand of `watched_addresses`.
    turned: begins with another content, so that no hash is that of a chain turned otherwise.
    """
    made = _contents(shape, share, seed, min(contents, length))
    return repeated(made[turned:] + made[:turned], length)


def recorded() -> list[Served]:
    """Return the recorded Ethereum blocks of 100 transactions and more; none where they are not."""
    shared = Path(os.environ.get("CRYPITOR_SHARED", Path(__file__).parents[2] / "shared"))
    contents = []
    for file in sorted((shared / "data" / "blocks" / "1").glob("*.json.gz")):
        told = msgspec.json.decode(gzip.decompress(file.read_bytes()))
        block, receipts = told["block"], told["receipts"]
        if len(receipts) == len(block["transactions"]) >= 100:
            contents.append(_served(int(block["number"], 16), block, receipts))
    return contents


def repeated(contents: Sequence[Served], length: int) -> list[Served]:
    """Return a chain of so many blocks on an empty block 0, of these contents again and again.

    Hashes, heights and times are new. The receipts' root commits to none of them, so all blocks
    still prove themselves.
    """
    genesis = _genesis()
    made, parent = [genesis], genesis.hash
    for number in range(1, length + 1):
        content = contents[(number - 1) % len(contents)]
        made.append(renamed(content, number, parent, 1_700_000_000 + 12 * number))
        parent = made[-1].hash
    return made


def _genesis() -> Served:
    block = SimulatedChain(SEED, actors=1, chain_id=CHAIN_ID).head
    return _served(0, block_document(block, full=True), [])


def _served(number: int, block: dict, receipts: list[dict]) -> Served:
    head = {key: value for key, value in block.items() if key != "transactions"}
    encode = msgspec.json.encode
    return Served(number, block["hash"], encode(head), encode(block), encode(receipts))


_PLACE = re.compile(rb'"(number|parentHash|timestamp)":"0x[0-9a-f]+"')


def renamed(content: Served, number: int, parent: str, timestamp: int) -> Served:
    """Return these contents as a block of another height. parent: its hash."""
    old = content.hash.encode()
    new = b"0x" + random.Random(f"{content.hash}/{number}").randbytes(32).hex().encode()
    fields = {
        b"number": hex(number),
        b"parentHash": parent,
        b"timestamp": hex(timestamp),
    }

    def placed(field: re.Match) -> bytes:
        return b'"%s":"%s"' % (field[1], fields[field[1]].encode())

    return Served(
        number,
        new.decode(),
        _PLACE.sub(placed, content.head).replace(old, new),
        _PLACE.sub(placed, content.block).replace(old, new),
        content.receipts.replace(old, new),
    )


def _contents(shape: Shape, share: float, seed: int, count: int) -> list[Served]:
    name = f"{shape.name}-{shape.transactions}-{shape.logs}-{share}-{seed}-{count}-{VERSION}.pickle"
    file = KEPT / name
    if file.exists():
        return pickle.loads(file.read_bytes())
    made = [
        _served(
            block.number,
            block_document(block, full=True),
            [receipt_document(block, mined) for mined in block.transactions],
        )
        for block in _mined(shape, share, seed, count)
    ]
    KEPT.mkdir(parents=True, exist_ok=True)
    whole = file.with_suffix(f".{os.getpid()}")
    whole.write_bytes(pickle.dumps(made))
    whole.replace(file)
    return made


def _mined(shape: Shape, share: float, seed: int, count: int) -> Iterator[SimulatedBlock]:
    simulated = SimulatedChain(seed, actors=ACTORS, chain_id=CHAIN_ID)
    recipe = Recipe(
        seed=f"bench {seed}",
        chain_id=CHAIN_ID,
        transfers=(0, 1000),
        actors={actor.address: actor for actor in simulated.actors},
        authorities=simulated.actors[-5:],
        traffic=None,
        beneficiary="0x" + "be" * 20,
    )
    calls = _Calls(shape, share, seed, simulated.contracts)
    parent, state = simulated.head, {}
    for _ in range(count):
        making = _Sized(recipe, parent, 0, parent.timestamp + 12, state)
        parent = making.filled(shape, calls)
        state.update(parent.changes)
        yield parent
    assert header_document(parent)["receiptsRoot"]


class _Sized(BlockInMaking):
    """A block of an exact size."""

    def filled(self, shape: Shape, calls: "_Calls") -> SimulatedBlock:
        rng, actors = self._rng, list(self._recipe.actors.values())
        self._blob_room = 0
        for index in range(shape.transactions):
            logs = shape.logs * (index + 1) // shape.transactions - self._log_count
            actor = actors[int(len(actors) * rng.random() ** 2)]
            last = index == shape.transactions - 1
            call = (calls.trade if last else calls.next)(rng, actor.address, logs)
            self._execute(signed(self._envelope(actor, call), actor), call)
        assert self._log_count == shape.logs
        return sealed(self._place, tuple(self._transactions), self._ledger.changes)


class _Calls:
    """Payments, and trades of several transfers each with other events among them."""

    def __init__(self, shape: Shape, share: float, seed: int, contracts: Contracts) -> None:
        self._native = shape.native / 100
        self._share = share
        self._contracts = contracts
        self._watched = watched_addresses(1000, seed)

    def next(self, rng: random.Random, sender: Address, logs: int) -> Call:
        if rng.random() < self._native:
            return Call(self._receiver(rng), value=rng.randrange(10**14, 10**19))
        return self.trade(rng, sender, logs)

    def trade(self, rng: random.Random, sender: Address, logs: int) -> Call:
        events = tuple(self._event(rng, sender) for _ in range(logs))
        size = rng.choice((68, 100, 260, 420))
        return Call(self._contracts.exchange.address, rng.randbytes(size), events)

    def _event(self, rng: random.Random, sender: Address) -> Event:
        if rng.random() < 0.65:
            token = rng.choice(self._contracts.erc20)
            return token.moved(sender, self._receiver(rng), rng.randrange(10**20))
        pair = self._contracts.exchange.address
        return Event(pair, (_SYNC,), abi.encode(rng.randrange(2**100), rng.randrange(2**100)))

    def _receiver(self, rng: random.Random) -> Address:
        if rng.random() < self._share:
            return rng.choice(self._watched)
        return "0x" + rng.randbytes(20).hex()
