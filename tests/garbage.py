"""What is left behind that nothing but a search for garbage would free."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType, TracebackType

HOLDING = (FrameType, TracebackType)
"""Who stays with one of these keeps all that a function had in its hands."""


@asynccontextmanager
async def left_behind() -> AsyncIterator[list[object]]:
    """Yield a list that has, at the end of the context, what was left in circles within it.

    Frames and traces of errors alone: transports of asyncio refer to themselves, and hold nothing.
    """
    found: list[object] = []
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found += [str(one) for one in gc.garbage if isinstance(one, HOLDING)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
