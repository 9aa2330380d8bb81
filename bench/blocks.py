"""Blocks of about the size and mixture that Ethereum has, made from a seed."""

import random
from collections.abc import Sequence

from crypitor.evm.transfers import TRANSFER
from crypitor.evm.types import Address, Block, Header, Log, Receipt, Transaction

TRANSACTIONS = 200
LOGS = 500
OTHER_EVENT = "0x" + "ab" * 32


def addresses(count: int, seed: int) -> list[Address]:
    """Return random addresses, lower-case."""
    chance = random.Random(seed)
    return ["0x" + chance.randbytes(20).hex() for _ in range(count)]


def block(number: int, parent: str, seed: int, hits: Sequence[Address] = ()) -> Block:
    """Return a block of 200 transactions and 500 logs, of which two thirds are transfers.

    hits: receivers of one of its transfers each.
    """
    chance = random.Random(f"{seed}/{number}")

    def one_hash() -> str:
        return "0x" + chance.randbytes(32).hex()

    def address() -> Address:
        return "0x" + chance.randbytes(20).hex()

    block_hash = one_hash()
    receivers = [*hits, *(address() for _ in range(LOGS - len(hits)))]
    transactions, receipts = [], []
    for index in range(TRANSACTIONS):
        mine = one_hash()
        value = hex(chance.randrange(10**18)) if index % 2 else "0x0"
        transactions.append(Transaction(mine, hex(index), block_hash, address(), value, address()))
        logs = []
        for place in range(index * LOGS // TRANSACTIONS, (index + 1) * LOGS // TRANSACTIONS):
            moved = place < len(hits) or place % 3
            topics = (
                TRANSFER if moved else OTHER_EVENT,
                "0x" + "0" * 24 + address()[2:],
                "0x" + "0" * 24 + receivers[place][2:],
            )
            logs.append(Log(address(), topics, one_hash(), hex(place), block_hash, mine))
        receipts.append(Receipt(mine, hex(index), block_hash, tuple(logs), status="0x1"))
    header = Header(number, block_hash, parent, 1_700_000_000 + 12 * number)
    return Block(header, tuple(transactions), tuple(receipts))
