"""When the next block is due, and how fast the tip comes closer to the head. Pure."""

from collections import deque

from crypitor.evm.profiles import DEVELOPMENT_CHAINS
from crypitor.evm.types import Header

FIRST_RETRY_SECONDS = 0.02
"""Between looks at a block that is known to be on its way, at first; then twice that, and so on."""

SILENT_BLOCKS = 5
LEAST_SILENCE_SECONDS = 10.0
"""Announced heads are waited for so many block times, and so long, before one looks oneself."""

DEVELOPMENT_SILENCE_SECONDS = 2.0
"""… and so long at a development node."""

_KEPT_HEADERS = 33
_KEPT_MS = 30_000
_EARLY = 0.25  # of a block time: looks begin so much before a block is due
_STEP = 0.0625  # of a block time: between looks while a block is due


def longest_silence(chain_id: int) -> float | None:
    """Return how long announced heads are waited for, None where it follows from the block time.

    A development node announces nothing when it takes blocks back.
    """
    return DEVELOPMENT_SILENCE_SECONDS if chain_id in DEVELOPMENT_CHAINS else None


class Pace:
    """The measured block time of a chain, and what follows for the looks at its head.

    poll_seconds: the longest wait between two looks, while no node announces heads.
    silence_seconds: the longest wait while one does; None for what follows from the block time.
    misses: looks since the last block.  announced: the newest height that a node told of by
    itself, None while none does.  blocks: how many were published.
    All other times are unix milliseconds.
    """

    def __init__(self, poll_seconds: float, silence_seconds: float | None = None) -> None:
        self._poll_seconds = poll_seconds
        self._silence_seconds = silence_seconds
        self.misses = 0
        self.announced: int | None = None
        self.blocks = 0
        self._headers: deque[Header] = deque(maxlen=_KEPT_HEADERS)
        self._published: deque[tuple[int, int]] = deque()
        self._seen_at = 0

    @property
    def block_seconds(self) -> float | None:
        """The mean time between the newest blocks; None as long as there are too few."""
        if len(self._headers) < 2:
            return None
        first, last = self._headers[0], self._headers[-1]
        seconds = (last.timestamp - first.timestamp) / (last.number - first.number)
        return seconds if seconds > 0 else None

    def published(self, header: Header, seen_at: int) -> None:
        """Note a block that was published, and when it was seen."""
        if self.announced is not None and self.announced < header.number:
            self.announced = None  # nobody told of it: look oneself until somebody does again
        self.misses = 0
        self.blocks += 1
        self._seen_at = seen_at
        while self._headers and self._headers[-1].number >= header.number:
            self._headers.pop()
        self._headers.append(header)
        if self._published and self._published[-1][1] >= header.number:
            self._published.clear()
        self._forget(seen_at)
        self._published.append((seen_at, header.number))

    def wait_seconds(self, now: int, *, expecting: bool) -> float:
        """Return how long to wait before the next look at the head.

        expecting: whether a head is known that is above the tip.
        """
        if expecting:
            return min(self._poll_seconds, FIRST_RETRY_SECONDS * 2.0 ** min(self.misses, 20))
        if self.announced is not None:
            if self._silence_seconds is not None:
                return max(self._poll_seconds, self._silence_seconds)
            silence = SILENT_BLOCKS * (self.block_seconds or 0.0)
            return max(self._poll_seconds, LEAST_SILENCE_SECONDS, silence)
        return min(self._poll_seconds, self._until_due(now))

    def blocks_per_second(self, now: int) -> float:
        """Return how many were published, over the last half minute; 0.0 for none."""
        self._forget(now)
        if len(self._published) < 2:
            return 0.0
        (first_at, first), (_, last) = self._published[0], self._published[-1]
        return (last - first) * 1000 / max(now - first_at, 1)

    def seconds_to_head(self, behind: int, now: int) -> float | None:
        """Estimate when the tip reaches a head that moves on; None where it never would."""
        if behind <= 0:
            return 0.0
        gain = self.blocks_per_second(now) - (1 / self.block_seconds if self.block_seconds else 0.0)
        return round(behind / gain, 1) if gain > 0 else None

    def _until_due(self, now: int) -> float:
        """Return a wait that brings looks close together around the time of the next block.

        It grows again when the block does not come.
        """
        block_seconds = self.block_seconds
        if block_seconds is None:
            return self._poll_seconds
        age = (now - self._seen_at) / 1000
        early = block_seconds * (1 - _EARLY)
        if age < early:
            return max(early - age, FIRST_RETRY_SECONDS)
        overdue = max(age - 2 * block_seconds, 0.0)
        return max(block_seconds * _STEP, overdue / 4, FIRST_RETRY_SECONDS)

    def _forget(self, now: int) -> None:
        if self._published and self._published[-1][0] > now:  # the clock was set back
            self._published.clear()
        while self._published and now - self._published[0][0] > _KEPT_MS:
            self._published.popleft()
