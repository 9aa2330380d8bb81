"""Catching up: from the bytes of a node's answers to committed matches, on one core.

Real parts from end to end (see `path`): blocks are decoded, proven, queued, matched against a
million addresses and stored in SQLite with `synchronous = full`, with all deliveries in all phases.
"""

import asyncio
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog
import uvloop

from bench import inputs, path
from bench.figures import Figure, figure
from crypitor.monitor.index import Index
from crypitor.monitor.models import Kind, Monitor, Rule

ADDRESSES = 1_000_000
BLOCKS = 150
ROUNDS = 7
LEVELS = ("receipts", "logs", "off")

EVERY_TRANSFER = path.monitor_of(
    Rule(Kind.ERC20, where="amount > 99999999 * 10 ** 18"), any_address=True
)
"""Asks of every ERC-20 transfer, and hardly any answers."""


def bench(*, quick: bool = False) -> dict:
    """Measure catching up, for each shape and level."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with suppress(AttributeError):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    blocks, rounds, addresses = (40, 2, 10_000) if quick else (BLOCKS, ROUNDS, ADDRESSES)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measured(blocks, rounds, addresses))


async def _measured(length: int, rounds: int, addresses: int) -> dict:
    index = path.index_of(inputs.watched_addresses(addresses))
    kinds = {name: inputs.chain(shape, length) for name, shape in inputs.SHAPES.items()}
    if recorded := inputs.recorded():
        kinds["recorded"] = inputs.repeated(recorded, length)
    found: dict = {"addresses": addresses, "blocks": length}
    runs: dict[str, dict[str, list[path.Run]]] = {}
    for _ in range(rounds):
        for name, blocks in kinds.items():
            for level in LEVELS if name == inputs.MAINNET.name else ("receipts",):
                run = await once(blocks, index, verify=level)
                runs.setdefault(name, {}).setdefault(level, []).append(run)
        asking = path.index_of((), EVERY_TRANSFER)
        run = await once(kinds[inputs.MAINNET.name], asking, verify="off", monitor=EVERY_TRANSFER)
        runs.setdefault("every ERC-20 transfer through a `where`", {}).setdefault("off", []).append(
            run
        )
    for name, of_level in runs.items():
        found[name] = {level: told(several) for level, several in of_level.items()}
    return found


async def once(
    blocks: Sequence[inputs.Served],
    index: Index,
    *,
    verify: str,
    monitor: Monitor = path.MONITOR,
    **options,
) -> path.Run:
    """Catch up once, on a fresh file."""
    with tempfile.TemporaryDirectory() as folder:
        url = await path.prepared(Path(folder), monitor)
        return await path.catch_up(url, blocks, index, verify=verify, **options)


def told(runs: Sequence[path.Run]) -> dict[str, Figure | int]:
    """Return the figures of some runs. blocks/s of one core: by the processor's time."""
    return {
        "blocks/s of one core": figure([1000 / run.ms_a_block for run in runs], "blocks/s"),
        "blocks/s by the clock": figure([run.blocks / run.seconds for run in runs], "blocks/s"),
        "processor": figure([run.ms_a_block for run in runs], "ms a block"),
        "matches": len(runs[0].matches),
    }
