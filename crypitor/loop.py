"""The life of every role: one `step` after another, and what happens between the steps."""

import asyncio
import contextlib
import gc
import time
from collections.abc import Awaitable, Callable

import structlog

from crypitor.errors import Unavailable

log = structlog.get_logger(__name__)

FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 15.0

COLLECT_AFTER = 50_000
"""Objects made and not freed, after which garbage is looked for: more than waiting blocks have.

The usual 700 would look through every block once, for nothing: 3 % of catching up.
"""

LONGEST_WAY_SECONDS = 0.02
WAY_SECONDS = 0.001


def clock() -> int:
    """Return unix milliseconds."""
    return time.time_ns() // 1_000_000


def spare_collections() -> None:
    """Keep the garbage collector from walking what is there by now, and from looking often.

    A million addresses would be walked by every full collection, for nothing.
    """
    gc.freeze()
    # All generations are searched by a role of its own, in quiet moments.
    gc.set_threshold(COLLECT_AFTER, 10, 1_000)


class Health:
    """What each role cannot do at the moment; empty when all is well. Read by `/readyz`."""

    def __init__(self) -> None:
        self._troubles: dict[str, str] = {}

    @property
    def troubles(self) -> dict[str, str]:
        """Name of what is in trouble → one sentence that says which trouble."""
        return dict(self._troubles)

    def begin(self, name: str, trouble: str) -> bool:
        """Note a trouble. True when it is new, so that it is logged once and not at every retry."""
        new = name not in self._troubles
        self._troubles[name] = trouble
        return new

    def end(self, name: str) -> bool:
        """Note that a trouble is over. True when there was one."""
        return self._troubles.pop(name, None) is not None


async def pause(seconds: float, event: asyncio.Event) -> None:
    """Wait for a time, or until the event is set; it stays as it is."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def _pass_on(stop: asyncio.Event, wake: asyncio.Event) -> None:
    await stop.wait()
    wake.set()


async def give_way(busy: Callable[[], bool]) -> None:
    """Let others go on, between two slices of long work.

    busy: whether somebody is at what has many short steps; then this waits for it, up to 20 ms. For
    each of those steps it would wait for a slice otherwise: a block is stored in some twenty.
    """
    await asyncio.sleep(0)
    until = time.monotonic() + LONGEST_WAY_SECONDS
    while busy() and time.monotonic() < until:  # noqa: ASYNC110 - who is done does not say so
        await asyncio.sleep(WAY_SECONDS)


async def forever(
    name: str,
    step: Callable[[], Awaitable[bool]],
    *,
    stop: asyncio.Event,
    health: Health,
    idle_seconds: Callable[[], float] | float,
    wake: asyncio.Event | None = None,
) -> None:
    """Run `step` until `stop` is set; return after the step that was under way.

    step: does one unit of work and says whether there was any. False waits for `idle_seconds`,
    or until `wake` is set. `Unavailable` is waited for, with growing pauses, one log line at its
    start and one at its end. Everything else passes through: it ends the process.
    """
    if wake is None:
        await _steps(name, step, stop, stop, health, idle_seconds)
        return
    # So that a pause waits for one event: for two it would take a task each, and four turns of the
    # loop between what wakes a role and its step.
    passing_on = asyncio.create_task(_pass_on(stop, wake), name=f"stop of {name}")
    try:
        await _steps(name, step, stop, wake, health, idle_seconds)
    finally:
        passing_on.cancel()


async def _steps(
    name: str,
    step: Callable[[], Awaitable[bool]],
    stop: asyncio.Event,
    wake: asyncio.Event,
    health: Health,
    idle_seconds: Callable[[], float] | float,
) -> None:
    wait = FIRST_WAIT_SECONDS
    while not stop.is_set():
        if wake is not stop:
            wake.clear()
        try:
            busy = await step()
        except Unavailable as trouble:
            if health.begin(name, str(trouble)):
                log.warning("outage begins", role=name, trouble=str(trouble))
            await pause(max(wait, trouble.retry_after or 0), stop)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)
            continue
        if health.end(name):
            log.info("outage over", role=name)
        wait = FIRST_WAIT_SECONDS
        if busy:
            await asyncio.sleep(0)
        else:
            await pause(idle_seconds() if callable(idle_seconds) else idle_seconds, wake)
