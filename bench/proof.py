"""
What the proof of recorded Ethereum blocks costs at each level, in milliseconds of processor time.

    CRYPITOR_SHARED=/path/to/shared .venv/bin/python bench/proof.py [--json]
"""

import argparse
import json
import statistics
import time

from crypitor.evm.profiles import PLAIN
from crypitor.evm.proof import prove
from tests.evm.recorded import recorded_blocks

LEVELS = ("off", "logs", "receipts")
ROUNDS = 30


def median_ms(block, level):
    times = []
    for _ in range(ROUNDS):
        started = time.process_time()
        prove(block.seal, block.transactions, block.receipts, level, PLAIN)
        times.append(1000 * (time.process_time() - started))
    return round(statistics.median(times), 2)


def main():
    return [
        {
            "block": block.name,
            "transactions": len(block.transactions),
            "logs": sum(len(receipt.logs) for receipt in block.receipts),
            **{level: median_ms(block, level) for level in LEVELS},
        }
        for block in recorded_blocks([1])
        if len(block.transactions) >= 150
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = main()
    if asked.json:
        print(json.dumps(found))
    else:
        for row in found:
            print(*(f"{key}={value}" for key, value in row.items()))
