"""How long one callback holds the event loop, while blocks are caught up with and at the head.

The loop is asyncio's own in debug mode, which times every callback: the longest are named. It
costs more than uvloop, so that the figures are on the safe side.
"""

import asyncio
import logging
import re
import statistics
import tempfile
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import structlog

from bench import inputs, path
from bench.figures import Figure, figure
from crypitor.monitor.index import Index

ADDRESSES = 1_000_000
BLOCKS = 100
SLOW_SECONDS = 0.002
ROUNDS = 5
SHOWN = 5

_SAID = re.compile(r"Executing (?P<what>.*) took (?P<seconds>[\d.]+) seconds", re.DOTALL)
_COROUTINE = re.compile(r"name='(?P<name>[^']*)'.*?coro=<(?P<coro>[^\s(]+)", re.DOTALL)


class Slow(logging.Handler):
    """Keeps what asyncio says of slow callbacks: what each was, and its seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.longest: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        said = _SAID.search(record.getMessage())
        if said is None:
            return
        task = _COROUTINE.search(said["what"])
        name = re.sub(r"\d+", "N", task["coro"]) if task else said["what"][:60]
        self.longest[name] = max(self.longest.get(name, 0.0), float(said["seconds"]))


def bench(*, quick: bool = False) -> dict:
    """Measure catching up, and a block with 1,000 matches."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    index = path.index_of(inputs.watched_addresses(10_000 if quick else ADDRESSES))
    length, rounds = (20, 2) if quick else (BLOCKS, ROUNDS)
    full = inputs.Shape("full", 300, 1400)
    return {
        "catching up, the longest": _longest(inputs.chain(inputs.MAINNET, length), index, rounds),
        "1,000 matches a block, the longest": _longest(
            inputs.chain(full, 20, 1.0, contents=10), index, rounds
        ),
    }


def _longest(blocks: Sequence[inputs.Served], index: Index, rounds: int) -> dict[str, Figure]:
    """Return the five callbacks that hold the loop longest, by the longest of each round."""
    seen = [_longest_once(blocks, index) for _ in range(rounds)]
    held = {name: [1000 * one.get(name, 0.0) for one in seen] for name in {*chain(*seen)}}
    ordered = sorted(held.items(), key=lambda pair: -statistics.median(pair[1]))
    return {name: figure(values, "ms") for name, values in ordered[:SHOWN]}


def _longest_once(blocks: Sequence[inputs.Served], index: Index) -> dict[str, float]:
    slow, logger = Slow(), logging.getLogger("asyncio")
    logger.addHandler(slow)
    logger.propagate = False

    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            url = await path.prepared(Path(folder))
            slow.longest.clear()
            asyncio.get_running_loop().slow_callback_duration = SLOW_SECONDS
            await path.catch_up(url, blocks, index)

    asyncio.run(run(), debug=True)
    logger.removeHandler(slow)
    return slow.longest
