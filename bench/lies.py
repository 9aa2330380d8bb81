"""
How many lies about a block's receipts each level of proof finds, in percent, on a simulated chain.
"""

import copy
from random import Random

import msgspec

from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.documents import block_document, receipt_document
from crypitor.development.simulator.lies import OF_RECEIPTS
from crypitor.errors import Unproven
from crypitor.evm.profiles import PLAIN
from crypitor.evm.proof import prove
from crypitor.evm.types import Receipt, Seal, Transaction

LEVELS = ("off", "logs", "receipts")
BLOCKS = 200
QUICK_BLOCKS = 20


def bench(*, quick: bool = False) -> dict:
    """Count what is refused, lie by lie."""
    blocks = QUICK_BLOCKS if quick else BLOCKS
    chain = SimulatedChain("lies", transfers=(20, 60))
    chain.mine(blocks)
    rng = Random("lies")
    found = {fault: dict.fromkeys(LEVELS, 0) for fault in OF_RECEIPTS}
    for block in map(chain.by_number, range(1, blocks + 1)):
        document = msgspec.json.encode(block_document(block, full=True))
        seal = msgspec.json.decode(document, type=Seal)
        transactions = msgspec.json.decode(
            msgspec.json.encode(block_document(block, full=True)["transactions"]),
            type=tuple[Transaction, ...],
        )
        truth = [receipt_document(block, mined) for mined in block.transactions]
        for fault, lie in OF_RECEIPTS.items():
            told = msgspec.json.encode(lie(copy.deepcopy(truth), rng))
            receipts = msgspec.json.decode(told, type=tuple[Receipt, ...])
            for level in LEVELS:
                found[fault][level] += refused(seal, transactions, receipts, level)
    return {
        fault.value: {level: round(100 * n / blocks, 1) for level, n in of_level.items()}
        for fault, of_level in found.items()
    }


def refused(seal, transactions, receipts, level):
    try:
        prove(seal, transactions, receipts, level, PLAIN)
    except Unproven:
        return True
    return False
