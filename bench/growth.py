"""What a block and the memory cost as everything grows: addresses, monitors, hits, chains."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace

import structlog
import uvloop

from bench import inputs, path
from bench.endtoend import once
from bench.figures import figure, processor_ms
from bench.measuring import memory_mb
from bench.networks import of_networks
from bench.stages import answered, read
from crypitor.monitor.index import Index
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import DEFAULT_RULES, Kind, Rule

ADDRESSES = (1_000, 10_000, 100_000, 1_000_000, 5_000_000)
MONITORS = (10, 1_000, 100_000)
LARGE_MONITORS = (10, 10_000)
SHARES = (0.0, 0.001, 0.01, 0.1)
NETWORKS = (1, 10, 50)
FIVE_RULES = (
    Rule(Kind.NATIVE, where="amount > 10 ** 15"),
    Rule(Kind.ERC20, where="amount > 10 ** 6"),
    Rule(Kind.ERC721),
    Rule(Kind.ERC1155),
    Rule(Kind.DEPLOYMENT),
)
BLOCKS = 40
ROUNDS = 5


def bench(*, quick: bool = False) -> dict:
    """Measure each kind of growth; each size of the index in a process of its own."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    few = 2 if quick else None
    found: dict = {
        "addresses": {f"{count:,}": _apart("addresses", count) for count in ADDRESSES[:few]},
        "monitors of ten addresses": {
            f"{count:,}": _apart("monitors", count) for count in MONITORS[:few]
        },
        "monitors of a hundred addresses and five rules": {
            f"{count:,}": _apart("rules", count) for count in LARGE_MONITORS[:few]
        },
        "chains in one process, at their heads": {
            str(count): _apart("networks", count) for count in NETWORKS[:few]
        },
    }
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found["share of transfers hit, catching up"] = runner.run(_by_share(SHARES[:few]))
    return found


def _apart(kind: str, count: int) -> dict:
    """Measure an index, or chains, in a fresh process."""
    out = subprocess.run(
        [sys.executable, "-m", "bench.growth", kind, str(count)],
        stdout=subprocess.PIPE, check=True, env=os.environ,
    )  # fmt: skip
    return json.loads(out.stdout)


def _index(kind: str, count: int) -> Index:
    if kind == "addresses":
        return path.index_of(inputs.watched_addresses(count))
    index = Index()
    rules, each = (FIVE_RULES, 100) if kind == "rules" else (DEFAULT_RULES, 10)
    addresses = inputs.watched_addresses(each * count)
    for number in range(count):
        monitor = replace(path.MONITOR, id=f"mo_{number}", rules=rules)
        index.put(monitor)
        several = addresses[each * number : each * (number + 1)]
        index.add_addresses(monitor.id, [(one, None) for one in several])
    return index


def _of_index(kind: str, count: int) -> dict:
    batches = [answered(block) for block in inputs.chain(inputs.MAINNET, 20)[1:]]
    before = memory_mb()
    index = _index(kind, count)
    memory = memory_mb() - before
    taken = []
    for _ in range(ROUNDS):
        total = 0.0
        for batch in batches:
            block = read(batch).block
            with processor_ms() as ms:
                find_matches(block, path.NETWORK, 1, index)
            total += ms[0]
        taken.append(total / len(batches))
    return {"match": figure(taken, "ms a block"), "memory MB": round(memory)}


async def _by_share(shares) -> dict:
    index, found = path.index_of(inputs.watched_addresses(1_000_000)), {}
    for share in shares:
        blocks = inputs.chain(inputs.MAINNET, BLOCKS, share)
        runs = [await once(blocks, index, verify="receipts") for _ in range(ROUNDS)]
        found[f"{share:.1%}"] = {
            "matches a block": round(len(runs[0].matches) / BLOCKS, 1),
            "processor": figure([run.ms_a_block for run in runs], "ms a block"),
        }
    return found


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    kind, size = sys.argv[1], int(sys.argv[2])
    print(json.dumps(of_networks(size) if kind == "networks" else _of_index(kind, size)))
