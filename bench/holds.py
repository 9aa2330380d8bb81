"""How long one callback holds the event loop, while blocks are caught up with and at the head.

Each callback of asyncio's own loop is timed by the processor's time of its thread, which other
programs do not lengthen, and by the clock; the longest are named. It is dearer than uvloop, so that
the figures are on the safe side.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import structlog

from bench import inputs, path
from bench.figures import Figure, figure
from crypitor.monitor.index import Index

ADDRESSES = 1_000_000
BLOCKS = 100
ROUNDS = 5
SHOWN = 5


@contextmanager
def longest() -> Iterator[dict[str, tuple[float, float]]]:
    """Keep, by what ran, the most milliseconds it took: of the processor, and by the clock."""
    held: dict[str, tuple[float, float]] = {}
    run = asyncio.Handle._run  # noqa: SLF001 - there is no other way to time a callback

    def timed(handle: asyncio.Handle) -> None:
        began, worked = time.perf_counter(), time.thread_time()
        run(handle)
        taken = (1000 * (time.thread_time() - worked), 1000 * (time.perf_counter() - began))
        name = _name(handle)
        held[name] = tuple(map(max, taken, held.get(name, taken)))

    asyncio.Handle._run = timed  # noqa: SLF001
    try:
        yield held
    finally:
        asyncio.Handle._run = run  # noqa: SLF001


def _name(handle: asyncio.Handle) -> str:
    callback = handle._callback  # noqa: SLF001
    task = getattr(callback, "__self__", None)
    what = task.get_coro() if isinstance(task, asyncio.Task) else callback
    return getattr(what, "__qualname__", type(what).__name__)


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
    held = {name: [one.get(name, (0.0, 0.0)) for one in seen] for name in {*chain(*seen)}}
    ordered = sorted(held.items(), key=lambda pair: -statistics.median(each[0] for each in pair[1]))
    found = {}
    for name, taken in ordered[:SHOWN]:
        of_processor, by_clock = zip(*taken, strict=True)
        found[f"{name}, processor"] = figure(of_processor, "ms")
        found[f"{name}, clock"] = figure(by_clock, "ms")
    return found


def _longest_once(blocks: Sequence[inputs.Served], index: Index) -> dict[str, tuple[float, float]]:
    async def run() -> dict[str, tuple[float, float]]:
        with tempfile.TemporaryDirectory() as folder:
            url = await path.prepared(Path(folder))
            with longest() as held:
                await path.catch_up(url, blocks, index)
                # The stretch that ends here goes on to remove the folder, which is not ours.
                return dict(held)

    return asyncio.run(run())
