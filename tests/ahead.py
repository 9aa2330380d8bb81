"""Time that need not be waited for, and does not run away: the running loop's clock is the test's."""

import asyncio

IO_SECONDS = 0.01
"""So long nothing has to be heard of sockets, until everybody is taken to wait for a time."""


class _Clock:
    """Takes the place of a loop's clock."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._clock = loop.time
        self.ahead = 0.0

    def __call__(self) -> float:
        return self._clock() + self.ahead

    def stand_still(self) -> None:
        now = self._clock()
        self._clock = lambda: now


def _clock() -> _Clock:
    loop = asyncio.get_running_loop()
    if not isinstance(loop.time, _Clock):
        loop.time = _Clock(loop)
    return loop.time


def go_ahead(seconds: float) -> None:
    """Let the loop's clock go ahead: what waits for a time or a deadline until then is woken.

    What that time would do is seen at once, on a slow machine as on a fast one, while nothing else
    of the test is near its own deadline.
    """
    _clock().ahead += seconds


def stand_still() -> None:
    """Let the loop's clock stand, however slow the machine is; `go_ahead` moves it."""
    _clock().stand_still()


def pass_by_waiting() -> None:
    """Let time pass only while everybody waits for it, and then at once; work takes none.

    For tests whose parts are all in this loop: a thread or another process would be taken to wait.
    """
    stand_still()
    loop = asyncio.get_running_loop()
    ready_within = loop._selector.select

    def select(timeout: float | None = None) -> list:
        if timeout is None:
            return ready_within(None)
        ready = ready_within(min(timeout, IO_SECONDS))
        if not ready:
            go_ahead(max(timeout, 0))
        return ready

    loop._selector.select = select
