"""What the proof of recorded Ethereum blocks costs at each level; nothing where they are not."""

from bench.figures import figure, in_rounds
from crypitor.evm.profiles import PLAIN
from crypitor.evm.proof import prove
from tests.evm.recorded import recorded_blocks
from tests.recorded import ALL_ARE_THERE

LEVELS = ("off", "logs", "receipts")
ROUNDS = 30
QUICK_ROUNDS = 5
LEAST_TRANSACTIONS = 150


def bench(*, quick: bool = False) -> dict:
    """Prove each block at each level in turn."""
    if not ALL_ARE_THERE:
        return {"left out": "set CRYPITOR_SHARED to where the recorded blocks are"}
    return {
        block.name: {
            "transactions": len(block.transactions),
            "logs": sum(len(receipt.logs) for receipt in block.receipts),
            **_levels(block, QUICK_ROUNDS if quick else ROUNDS),
        }
        for block in recorded_blocks([1])
        if len(block.transactions) >= LEAST_TRANSACTIONS
    }


def _levels(block, rounds: int) -> dict:
    works = {
        level: lambda _, level=level: prove(
            block.seal, block.transactions, block.receipts, level, PLAIN
        )
        for level in LEVELS
    }
    return {level: figure(ms, "ms") for level, ms in in_rounds(works, rounds).items()}
