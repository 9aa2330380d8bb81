"""What strangers can cause as often as they like is logged once, and then counted each minute."""

import asyncio
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

SUMMARY_SECONDS = 60.0
MOST_KINDS = 100
"""Of what is counted by itself; all others are one."""

OTHERS = "others"


class Seldom:
    """Logs the first of a kind at once, and how many followed at the end of each minute.

    say: logs an event with fields. later: calls a function after some seconds; the loop's own.
    """

    def __init__(
        self,
        say: Callable[..., object] = log.warning,
        later: Callable[[float, Callable[[], None]], object] | None = None,
    ) -> None:
        self._say = say
        self._later = later
        self._more: dict[tuple[str, str], int] = {}
        self._waiting = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def told(self, event: str, of: str = "", **fields: object) -> bool:
        """Log an event, unless one of its kind was logged in this minute; then count it.

        of: whose it is, where each is told by itself. True where it was logged.
        """
        loop = None if self._later else asyncio.get_running_loop()
        if loop is not self._loop:  # another one began since: what was counted will not be told
            self._loop, self._waiting, self._more = loop, False, {}
        kind = (event, of)
        if kind not in self._more and len(self._more) >= MOST_KINDS:
            kind = (event, OTHERS)
        known = kind in self._more
        self._more[kind] = self._more.get(kind, -1) + 1
        if not self._waiting:
            self._waiting = True
            self._after_a_minute()
        if not known:
            self._say(event, **({"of": kind[1]} if kind[1] else {}), **fields)
        return not known

    def _after_a_minute(self) -> None:
        later = self._later or asyncio.get_running_loop().call_later
        later(SUMMARY_SECONDS, self._sum_up)

    def _sum_up(self) -> None:
        """Tell how many came after those that were logged. What goes on is only counted then."""
        counted = {kind: more for kind, more in self._more.items() if more}
        self._more = dict.fromkeys(counted, 0)
        self._waiting = bool(counted)
        if counted:
            self._after_a_minute()
        for (event, of), more in counted.items():
            self._say(event, **({"of": of} if of else {}), more_in_the_last_minute=more)
