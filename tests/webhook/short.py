"""A machine that has run out of descriptors."""

import asyncio
import os
import resource
from contextlib import contextmanager


@contextmanager
def no_descriptors():
    """Let this process open nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def opened(world) -> None:
    """Have all connections to the database open, which are opened when they are needed."""
    sender = world.sender()
    await asyncio.gather(sender.settle(), *(world.store.endpoint() for _ in range(20)))
