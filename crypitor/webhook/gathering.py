"""Outcomes that wait to be recorded: several together, where others are about to come.

A turn of the sender costs as much as three or four POSTs, for one outcome as for ten.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from crypitor.webhook.delivery import Result
from crypitor.webhook.turns import Turns

GATHER_SECONDS = 0.005
"""The longest wait for others: less than a POST over a network takes."""

_PARTS, _OF = 3, 4
"""Of an endpoint's attempts, enough of them. The rest may be slow, and ends during the turn."""


class Gathering:
    """Keeps outcomes until they are recorded.

    wake: called when there are enough for a turn.  most: outcomes of one turn, so that none takes
    long.
    outcomes: in the order in which attempts ended.
    enough: whether they are to be recorded now; also after the longest wait.
    stuck: whether they could not be. Then nothing is to be sent of which the same might come.
    """

    def __init__(
        self,
        turns: Turns,
        wake: Callable[[], None],
        *,
        most: int,
        seconds: float = GATHER_SECONDS,
    ) -> None:
        self._turns = turns
        self._wake = wake
        self._most = most
        self._seconds = seconds
        self._ended: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None
        self._freed = 0
        self.outcomes: list[Result] = []
        self.enough = False
        self.stuck = False

    def add(self, results: Sequence[Result], endpoint_id: str) -> None:
        """Keep what came of one attempt."""
        self.outcomes += results
        self._ended[endpoint_id] += 1
        if self._ended[endpoint_id] * _OF >= self._turns.held(endpoint_id) * _PARTS:
            self._full()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._full)

    def free(self) -> None:
        """Free the slots of what is to be recorded now: the same turn claims for them."""
        if self.enough:
            self._free(self._next())

    def begin(self) -> tuple[Result, ...]:
        """Return what is to be recorded now, the oldest; the rest is enough for another turn."""
        self._ended.clear()
        some = self._next()
        self.enough = len(self.outcomes) > len(some)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return some

    def failed(self) -> None:
        """Note that this could not be recorded."""
        self.enough = self.stuck = bool(self.outcomes)

    def recorded(self, results: Sequence[Result]) -> None:
        """Forget what has been recorded."""
        self._free(results)
        del self.outcomes[: len(results)]
        self._freed = 0
        self.stuck = False

    def _next(self) -> tuple[Result, ...]:
        """Return the outcomes of the next turn: of a letter that holds several, all or none."""
        end = self._most
        while end < len(self.outcomes) and not self.outcomes[end].leads:
            end += 1
        return tuple(self.outcomes[:end])

    def _free(self, results: Sequence[Result]) -> None:
        for result in results[self._freed :]:
            if result.leads:
                succeeded = result.outcome.succeeded
                self._turns.ended(result.delivery.endpoint_id, succeeded=succeeded)
        self._freed = len(results)

    def _full(self) -> None:
        self.enough = True
        self._wake()
