"""What the two references share: web3.py over bytes in memory, and the tables. Frozen, as they are.

They are the yardstick, and are not improved: a ratio to them means the same in every revision.
"""

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from web3 import AsyncWeb3
from web3.providers.async_base import AsyncBaseProvider

from bench.inputs import Served
from bench.path import Memory

TRANSFER_ABI = {
    "anonymous": False,
    "name": "Transfer",
    "type": "event",
    "inputs": [
        {"indexed": True, "name": "from", "type": "address"},
        {"indexed": True, "name": "to", "type": "address"},
        {"indexed": False, "name": "value", "type": "uint256"},
    ],
}
TRANSFER = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


@dataclass
class Spent:
    """What a reference found, and what it took. cpu_seconds: by stage."""

    blocks: int
    matches: set = field(default_factory=set)
    cpu_seconds: float = 0.0

    @property
    def ms_a_block(self) -> float:
        """Of the processor."""
        return 1000 * self.cpu_seconds / self.blocks


class Provider(AsyncBaseProvider):
    """Answers from memory, as web3's own providers do once the bytes are there."""

    def __init__(self, blocks: Sequence[Served]) -> None:
        super().__init__()
        self._memory = Memory(blocks)

    async def make_request(self, method, params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        return json.loads(self._memory.answer(body.encode()))


def connected(blocks: Sequence[Served]) -> tuple[AsyncWeb3, object]:
    """Return web3 over these blocks, and what decodes a Transfer."""
    web3 = AsyncWeb3(Provider(blocks))
    return web3, web3.eth.contract(abi=[TRANSFER_ABI]).events.Transfer()


async def events_of(web3: AsyncWeb3, transfer, number: int) -> list[dict]:
    """Return the native and ERC-20 transfers of a block, through web3's formatters."""
    block = await web3.eth.get_block(number, full_transactions=True)
    receipts = await web3.eth.get_block_receipts(number)
    found = []
    for transaction, receipt in zip(block.transactions, receipts, strict=True):
        place = {"block": block.hash.hex(), "transaction": transaction.hash.hex()}
        if transaction.value and receipt.status and transaction.to:
            found.append(
                {**place, "log": None, "from": transaction["from"].lower(),
                 "to": transaction.to.lower(), "value": str(transaction.value)}
            )  # fmt: skip
        for log in receipt.logs:
            if len(log.topics) == 3 and log.topics[0].hex().removeprefix("0x") == TRANSFER:
                args = transfer.process_log(log).args
                found.append(
                    {**place, "log": log.logIndex, "from": args["from"].lower(),
                     "to": args["to"].lower(), "value": str(args["value"])}
                )  # fmt: skip
    return found


def key_of(event: dict, direction: str, address: str) -> tuple:
    """Return what a match is known by, in all implementations."""
    block, transaction = event["block"], event["transaction"]
    return (
        "0x" + block.removeprefix("0x"),
        "0x" + transaction.removeprefix("0x"),
        event["log"],
        direction,
        address,
    )


def made_tables(file: Path, addresses: Sequence[str]) -> None:
    """Make the tables, with all addresses in them."""
    with sqlite3.connect(file) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table addresses (address text primary key, monitor integer)")
        connection.execute("create table matches (id integer primary key, told text, at real)")
        connection.executemany(
            "insert into addresses values (?, 1)", [(address,) for address in addresses]
        )
    connection.close()


def body_of(event: dict, direction: str, address: str) -> dict:
    """Return what is posted."""
    return {**event, "direction": direction, "address": address, "at": time.time()}
