"""Memory comes back: what objects that hold each other leave behind is looked for now and then.

The interpreter looks only after many new objects, most of which are young; what was held by a
request that broke off could stay for as long as the process lives.
"""

import asyncio
import ctypes
import gc
import os
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from crypitor.runtime.loop import Health, forever

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
QUIET_SECONDS = 60.0
AGAIN_SECONDS = 10.0
"""While memory is above what it was at rest: who took it may have let it go by now."""

AGAIN_FOR_SECONDS = 300.0
"""What is still there then is there to stay."""

GROWN_BYTES = 48 << 20
AT_REST = 1.1
"""Of the memory at rest: up to this much it is at rest again."""

LONGEST_SECONDS = 0.02
"""Of the processor, for a search at rest. What is left after a longer one is not searched again."""

KEPT_BYTES = 16 << 20
_STATM = Path("/proc/self/statm")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def resident_bytes() -> int:
    """Return how much memory the process has; 0 where the system does not say."""
    try:
        return int(_STATM.read_bytes().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return 0


class Garbage:
    """Searches when memory has grown by GROWN_BYTES, and again until it is at rest.

    At rest it searches once a minute, in a quiet moment.
    busy: whether something is under way that should not wait. resident: see `resident_bytes`.
    """

    def __init__(
        self,
        busy: Callable[[], bool],
        *,
        now: Callable[[], float] = time.monotonic,
        resident: Callable[[], int] = resident_bytes,
    ) -> None:
        self._busy = busy
        self._now = now
        self._resident = resident
        self._usual = self._at_rest = resident()
        self._searched_at = self._rested_at = now()
        self._asked = 0

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Search until `stop` is set."""
        await forever("garbage", self.step, stop=stop, health=health, idle_seconds=LOOK_SECONDS)

    async def step(self) -> bool:
        """Search if it is time, and give back to the system what is free; then wait."""
        resident, now = self._resident(), self._now()
        at_rest = self._is_at_rest(resident, now)
        grown = resident > self._usual + GROWN_BYTES
        wait = QUIET_SECONDS if at_rest else AGAIN_SECONDS
        if not grown and now - self._searched_at < wait:
            self._usual = min(self._usual, resident)
            return False
        self._asked += 1
        if self._busy() and self._asked < 10:  # a quiet moment comes, but is not waited for forever
            return False
        self._asked = 0
        began = time.thread_time()
        found = gc.collect()
        took = time.thread_time() - began
        # Not while there is much under way, which will be garbage that has to be found.
        if took > LONGEST_SECONDS and at_rest and not grown:
            gc.freeze()
        await asyncio.to_thread(_give_back, KEPT_BYTES if at_rest and not grown else 0)
        if grown:
            log.debug("memory had grown", objects=found, seconds=round(took, 3))
        self._searched_at, self._usual = self._now(), self._resident()
        return False

    def _is_at_rest(self, resident: int, now: float) -> bool:
        """Tell whether memory is what it was, or has been more for so long that it will stay so."""
        above = resident > AT_REST * self._at_rest
        if above and now - self._rested_at < AGAIN_FOR_SECONDS:
            return False
        self._at_rest = resident if above else min(resident, self._at_rest)
        self._rested_at = now
        return True


def _give_back(kept_bytes: int) -> None:
    """Give free memory back to the system, all but what the next blocks will take again.

    kept_bytes: of the end of the heap. Where none is kept the next block takes 1 ms longer, once.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim  # glibc's
    except (OSError, AttributeError, TypeError):
        return
    trim(ctypes.c_size_t(kept_bytes))
