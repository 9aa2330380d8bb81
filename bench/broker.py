"""A Kafka broker for benches: librdkafka's mock, in a process of its own; prints where it is.

It keeps everything in memory and answers at once: what is measured is our side of Kafka.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def broker() -> AsyncIterator[list[str]]:
    """Run one; yields its bootstrap servers."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.broker", stdout=asyncio.subprocess.PIPE
    )
    try:
        yield (await process.stdout.readline()).decode().split()
    finally:
        process.kill()
        await process.wait()


if __name__ == "__main__":
    from tests.mock_kafka import MockKafka

    print(*MockKafka().servers, flush=True)
    time.sleep(3600)
