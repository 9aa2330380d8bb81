"""How long a turn of the event loop may be taken up by what many connections sent meanwhile."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

MOST_SECONDS = 0.01


class Ration:
    """What is spent in one turn beyond it waits for the next turns, in the order in which it came.

    The loop calls whoever has something to read one after the other, before anybody else has a
    turn: a hundred connections of which each sent what takes a hundredth of a second hold it for a
    second. clock: seconds that only grow.
    """

    def __init__(
        self, seconds: float = MOST_SECONDS, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.clock = clock
        self._seconds = seconds
        self._spent = 0.0
        self._waiting: deque[Callable[[], None]] = deque()
        self._turning = False

    @property
    def is_spent(self) -> bool:
        """Whether more should wait."""
        return self._spent >= self._seconds

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
        self._turning = False
        self._spent = 0.0
        for _ in range(len(self._waiting)):
            if self.is_spent:
                break
            self._waiting.popleft()()
        if self._waiting:
            self._turn_soon()
