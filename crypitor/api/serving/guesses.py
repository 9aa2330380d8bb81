"""Wrong keys, counted: whoever tries many waits for each answer. Right keys never wait."""

from collections import OrderedDict

WINDOW_MS = 10 * 60 * 1000
FREE_OF_ADDRESS = 20
FREE_IN_ALL = 200
FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 5.0
MOST_ADDRESSES = 10_000


class _Count:
    """How many there were since a moment, in unix milliseconds; begun anew after a window."""

    __slots__ = ("since", "wrong")

    def __init__(self, now: int) -> None:
        self.since = now
        self.wrong = 0

    def one_more(self, now: int) -> int:
        """Count one, and return how many there were."""
        if not 0 <= now - self.since < WINDOW_MS:
            self.since, self.wrong = now, 0
        self.wrong += 1
        return self.wrong


class Guesses:
    """Counts the wrong keys of ten minutes, for each address and in all. Times: milliseconds."""

    def __init__(self) -> None:
        self._all = _Count(0)
        self._of: OrderedDict[str, _Count] = OrderedDict()

    def delay_seconds(self, address: str, now: int) -> float:
        """Count a wrong key from an address, and return how long its answer has to wait."""
        count = self._of.setdefault(address, _Count(now))
        self._of.move_to_end(address)
        while len(self._of) > MOST_ADDRESSES:
            self._of.popitem(last=False)
        of_address, of_all = count.one_more(now), self._all.one_more(now)
        over = max(of_address / FREE_OF_ADDRESS, of_all / FREE_IN_ALL)
        if of_address <= FREE_OF_ADDRESS and of_all <= FREE_IN_ALL:
            return 0.0
        return min(FIRST_DELAY_SECONDS * over, LONGEST_DELAY_SECONDS)
