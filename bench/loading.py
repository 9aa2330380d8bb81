"""A fresh process that loads the index from URL; prints seconds and memory as JSON."""

import asyncio
import json
import sys
import time

import crypitor.process.app  # what a running service has in memory besides the index
from bench.measuring import loop_holds, memory_mb, spread
from crypitor.database.engine import Database
from crypitor.monitor.index import Index
from crypitor.monitor.watchlist import Watchlist

assert crypitor.process.app


async def main(url: str) -> None:
    """Load, and print what it took."""
    async with Database.open(url) as database:
        index, before = Index(), memory_mb()
        async with loop_holds() as late:
            started, worked = time.perf_counter(), time.process_time()
            await Watchlist(database, index).load()
            seconds = time.perf_counter() - started
        found = {
            "addresses": index.addresses,
            "seconds": round(seconds, 2),
            "cpu_seconds": round(time.process_time() - worked, 2),
            "memory_before_mb": before,
            "memory_after_mb": memory_mb(),
            "loop_late": spread(late or [0.0]),
        }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
