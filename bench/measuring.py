"""What every benchmark measures alike: times, memory, how long the event loop was held."""

import asyncio
import gc
import os
import platform
import resource
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench.figures import Figure, figure

TICK_SECONDS = 0.002


def machine() -> dict:
    """Say on what this was measured."""
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
    }


def memory_mb(pid: int | str = "self") -> float:
    """Return the resident memory of a process, of this one unless another is named."""
    line = next(
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in line
    )
    return round(int(line.split()[1]) / 1024, 1)


def processor_seconds(pid: int) -> float:
    """Return what a process has taken of the processor, with those of its children that ended.

    0.0 for one that has ended meanwhile: it is in its parent's figure.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that have not ended."""
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def peak_mb() -> float:
    """Return the most memory that this process, or the largest of those it began, ever had."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return round(max(resource.getrusage(kind).ru_maxrss for kind in kinds) / 1024, 1)


def spread(seconds: Sequence[float]) -> Figure:
    """Return the middle and the tail of durations, in milliseconds."""
    ordered = sorted(1000 * one for one in seconds)
    return figure(ordered, "ms") | {
        "p99": round(ordered[int(0.99 * (len(ordered) - 1))], 3),
        "worst": round(ordered[-1], 3),
    }


def in_turn(works: Sequence[Callable[[int], object]], rounds: int) -> list[list[float]]:
    """Return the milliseconds of each work in each round; they take turns."""
    taken: list[list[float]] = [[] for _ in works]
    gc.collect()
    gc.disable()
    for number in range(rounds):
        for place, work in enumerate(works):
            started = time.perf_counter()
            work(number)
            taken[place].append(1000 * (time.perf_counter() - started))
    gc.enable()
    return taken


@asynccontextmanager
async def loop_holds() -> AsyncIterator[list[float]]:
    """Collect by how many seconds the event loop is late for a task that wakes every 2 ms."""
    late: list[float] = []

    async def watch() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(TICK_SECONDS)
            late.append(time.perf_counter() - before - TICK_SECONDS)

    watching = asyncio.create_task(watch())
    try:
        yield late
    finally:
        watching.cancel()
