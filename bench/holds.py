"""How long one callback holds the event loop, while blocks are caught up with and at the head.

The loop is asyncio's own in debug mode, which times every callback: the longest are named. It
costs more than uvloop, so that the figures are on the safe side.
"""

import asyncio
import logging
import re
import tempfile
from pathlib import Path

import structlog

from bench import inputs, path

ADDRESSES = 1_000_000
BLOCKS = 100
SLOW_SECONDS = 0.002

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
    length = 20 if quick else BLOCKS
    full = inputs.Shape("full", 300, 1400)
    return {
        "catching up, longest ms": _longest(inputs.chain(inputs.MAINNET, length), index),
        "1,000 matches a block, longest ms": _longest(
            inputs.chain(full, 20, 1.0, contents=10), index
        ),
    }


def _longest(blocks, index) -> dict[str, float]:
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
    ordered = sorted(slow.longest.items(), key=lambda pair: -pair[1])
    return {name: round(1000 * seconds, 1) for name, seconds in ordered[:5]}
