"""How long a turn of the event loop may be taken up by what many connections sent meanwhile."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence

from crypitor.runtime.precedence import Precedence, taken_of

MOST_SECONDS = 0.01


class Ration:
    """What is spent in one turn beyond it waits for the next turns, in the order in which it came.

    The loop calls whoever has something to read one after the other, before anybody else has a
    turn: a hundred connections of which each sent what takes a hundredth of a second hold it for a
    second. first: of whom whoever has precedence goes before all that waits. clock: seconds that
    only grow.
    """

    def __init__(
        self,
        seconds: float = MOST_SECONDS,
        *,
        first: Sequence[Precedence] = (),
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.clock = clock
        self._seconds = seconds
        self._first = first
        self._spent = 0.0
        self._waiting: deque[Callable[[], None]] = deque()
        self._turning = False

    @property
    def is_spent(self) -> bool:
        """Whether more should wait."""
        return self._spent >= self._seconds

    @property
    def is_second(self) -> bool:
        """Whether somebody goes first, for whom what is not little should wait."""
        return taken_of(self._first) is not None

    def spend(self, seconds: float) -> None:
        """Count what was spent in this turn."""
        self._spent += seconds
        self._turn_soon()

    def then(self, go_on: Callable[[], None]) -> None:
        """Call, in a later turn that has enough left; what it spends it counts itself."""
        self._waiting.append(go_on)
        self._turn_soon()

    def _turn_soon(self) -> None:
        if not self._turning:
            self._turning = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        if first := taken_of(self._first):
            first.then(self._turn)
            return
        self._turning = False
        self._spent = 0.0
        for _ in range(len(self._waiting)):
            if self.is_spent or self.is_second:
                break
            self._waiting.popleft()()
        if self._waiting:
            self._turn_soon()
