"""The life of every role: one `step` after another, and what happens between the steps."""

import asyncio
import contextlib
import gc
import re
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any

import structlog

from crypitor.errors import Unavailable
from crypitor.runtime.thrown import let_go

log = structlog.get_logger(__name__)

FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 15.0

COLLECT_AFTER = 50_000
"""Objects made and not freed, after which garbage is looked for: more than waiting blocks have.

The usual 700 would look through every block once, for nothing: 3 % of catching up.
"""

AGAIN_SECONDS = 0.2
"""Until what does not end is told again to end."""

LONGEST_WAY_SECONDS = 0.02
WAY_SECONDS = 0.001


NEAR_MS = 100
"""A clock that is off by less is followed no closer: noting it takes some of that time."""


def passed_seconds() -> float:
    """Return seconds that only grow, also while the machine is suspended, where it tells them."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)  # Linux
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


class Clock:
    """Called for unix milliseconds: of this machine, or of a server's clock that it follows.

    Processes that share a database on a server follow the server's clock: what one of them notes
    as due is due for all of them. Between two looks at it the time goes on by itself, whatever
    happens to the clock of this machine.
    """

    def __init__(
        self,
        wall: Callable[[], int] = time.time_ns,
        timer: Callable[[], float] = passed_seconds,
    ) -> None:
        self._wall = wall
        self._timer = timer
        self._ahead_ms: float | None = None

    def __call__(self) -> int:
        """Return the time now."""
        if self._ahead_ms is None:
            return self._wall() // 1_000_000
        return round(self._ahead_ms + self._timer() * 1000)

    def follow(self, server_ms: int) -> None:
        """Go by a clock that shows this now, in unix milliseconds."""
        ahead_ms = server_ms - self._timer() * 1000
        if self._ahead_ms is None or abs(ahead_ms - self._ahead_ms) > NEAR_MS:
            self._ahead_ms = ahead_ms


clock = Clock()
"""Of this process."""


def spare_collections() -> None:
    """Keep the garbage collector from walking what is there by now, and from looking often.

    A million addresses would be walked by every full collection, for nothing.
    """
    gc.freeze()
    # All generations are searched by a role of its own, in quiet moments.
    gc.set_threshold(COLLECT_AFTER, 10, 1_000)


class Health:
    """What each role cannot do at the moment; empty when all is well. Read by `/readyz`."""

    def __init__(self, timer: Callable[[], float] = passed_seconds) -> None:
        self._troubles: dict[str, str] = {}
        self._timer = timer
        self._since: dict[str, float] = {}
        self._told: dict[str, set[str]] = {}

    @property
    def troubles(self) -> dict[str, str]:
        """Name of what is in trouble → one sentence that says which trouble."""
        return dict(self._troubles)

    def begin(self, name: str, trouble: str) -> bool:
        """Note a trouble. True when it is new, so that it is logged once and not at every retry."""
        new = name not in self._troubles
        self._troubles[name] = trouble
        if new:
            self._since[name] = self._timer()
            self._told[name] = {_kind(trouble)}
        return new

    def has_another_cause(self, name: str) -> bool:
        """Tell, once for each, whether a trouble that goes on has become one of another kind."""
        kind, told = _kind(self._troubles[name]), self._told[name]
        if kind in told:
            return False
        told.add(kind)
        return True

    def seconds(self, name: str) -> float:
        """Return for how long a trouble has lasted; of the last one, where it is over."""
        return round(self._timer() - self._since.get(name, self._timer()), 1)

    def clear(self) -> None:
        """Forget all of it: whoever was in trouble has ended."""
        self._troubles.clear()

    def end(self, name: str) -> bool:
        """Note that a trouble is over. True when there was one."""
        return self._troubles.pop(name, None) is not None


OF_NETWORKS = ("worker", "backfill", "tokens")
"""Roles of which there is one for each network; its name follows theirs."""


def named(name: str) -> dict[str, str]:
    """Return what the log has of a role: `role`, and `network` where it is of one."""
    role, _, network = name.partition(" ")
    if network and role in OF_NETWORKS:
        return {"role": role, "network": network}
    return {"role": name}


def _kind(trouble: str) -> str:
    """Return a trouble without what varies in it: numbers and hashes."""
    return re.sub(r"(0x)?[0-9a-fA-F.]+", _elided, trouble)


def _elided(run: re.Match[str]) -> str:
    return "…" if any(map(str.isdecimal, run[0])) else run[0]


async def pause(seconds: float, event: asyncio.Event) -> None:
    """Wait for a time, or until the event is set; it stays as it is."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def pause_for_any(seconds: float, *events: asyncio.Event) -> None:
    """Wait for a time, or until one of the events is set; they stay as they are."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()


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
    start and one at its end. Everything else passes through: it ends the process; so does a
    cancellation that came out of the step, and was not meant for the role (RuntimeError).
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


async def ended_in_time(
    workers: Sequence[asyncio.Task[None]], others: Sequence[asyncio.Task[None]], seconds: float
) -> None:
    """Let roles finish their step, for so long.

    Workers need not: what they do is repeated anyway.
    """
    log.info("stopping")
    for worker in workers:
        worker.cancel()
    _, late = await asyncio.wait([*workers, *others], timeout=seconds)
    for task in late:
        log.warning("cut off at the end", **named(task.get_name()))
        task.cancel()


def is_being_cancelled() -> bool:
    """Whether the current task was told to end.

    Where it was not, a cancellation that it meets is another one's, as of something that a library
    gave up. Passed on it would end the task as if that had been meant, and nobody would be told.
    """
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


async def cut_off(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks; return when they are over, however they ended.

    They are told again and again: a library may lose a cancellation that comes with an answer.
    """
    under_way: Collection[asyncio.Task[Any]] = [task for task in tasks if not task.done()]
    while under_way:
        for task in under_way:
            task.cancel()
        _, under_way = await asyncio.wait(under_way, timeout=AGAIN_SECONDS)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # whoever wants to know asks for it


def end_with_the_first(tasks: Iterable[asyncio.Task[Any]], stop: asyncio.Event) -> None:
    """Set `stop` when one of the roles fails, so that one whose cancellation is lost ends too."""

    def ended(task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and task.exception() is not None:
            stop.set()

    for task in tasks:
        task.add_done_callback(ended)


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
        except asyncio.CancelledError as stray:
            if is_being_cancelled():
                raise
            raise RuntimeError(f"a step of {name} was cancelled by nobody") from stray
        except Unavailable as trouble:
            if health.begin(name, str(trouble)):
                log.warning("outage begins", **named(name), trouble=str(trouble))
            elif health.has_another_cause(name):
                log.warning("outage has another cause", **named(name), trouble=str(trouble))
            let_go(trouble)
            await pause(max(wait, trouble.retry_after or 0), stop)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)
            continue
        if health.end(name):
            log.info("outage over", **named(name), seconds=health.seconds(name))
        wait = FIRST_WAIT_SECONDS
        if busy:
            await asyncio.sleep(0)
        else:
            await pause(idle_seconds() if callable(idle_seconds) else idle_seconds, wake)
