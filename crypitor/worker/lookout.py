"""What the nodes show of the next heights: now, or asked for ahead of time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crypitor.errors import NodeUnavailable
from crypitor.worker.ahead import Ahead
from crypitor.worker.nodes import Nodes
from crypitor.worker.sight import Sight
from crypitor.worker.trail import Trail

if TYPE_CHECKING:
    from crypitor.evm.types import Header

TAGS_MS = 60_000
"""How often `safe` and `finalized` are looked at where nothing waits for them."""

FRESH_MS = 1000
"""What was seen longer ago may have left the chain meanwhile, if it is near the head."""

FAR_MS, CLOSE_MS = FRESH_MS // 2, FRESH_MS // 4
"""Near the head one fewer is seen ahead where that was longer ago, one more where it was less."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look showed. at: unix milliseconds at which it arrived."""

    sight: Sight
    at: int


class Lookout:
    """Looks at heights, and at the next ones side by side while the tip is behind the head.

    window: how many are looked at ahead of time, at most: near the head only as many as are taken
    while they are fresh.  depth: how deep a reorg may be.
    read_ahead: how many of them are read and proven before they are asked for.
    clock: unix milliseconds.  tags_wanted: whether something waits for `safe` or `finalized`.
    head: the newest block that a node showed or announced, also where it failed to give the one
    asked for.
    safe, finalized: heights of these tags.
    """

    def __init__(
        self,
        nodes: Nodes,
        *,
        window: int,
        depth: int,
        clock: Callable[[], int],
        tags_wanted: Callable[[], bool],
        read_ahead: int,
    ) -> None:
        self._nodes = nodes
        self._window = self._near_window = window
        self._depth = depth
        self._clock = clock
        self._tags_wanted = tags_wanted
        self._tags_at = 0
        self._ahead = Ahead(self._look, window, read_ahead)
        self._head: Header | None = None
        self._heads = 0
        self.safe: int | None = None
        self.finalized: int | None = None

    @property
    def head(self) -> "Header | None":
        """The newest block that is known of; None before the first."""
        return self._head

    @head.setter
    def head(self, head: "Header | None") -> None:
        self._head = head
        self._heads += 1

    async def next(self, number: int, trail: Trail) -> Seen:
        """Return what a height shows: as it was seen ahead, if there is no reason to doubt it."""
        self._ahead.begin(number)
        if self.head is not None and self.head.number > number:
            self._ahead.reach(number, self._last_ahead(number, self.head))
        seen = await self._ahead.take(number)
        if seen is not None and self._is_near(number):
            self._learn(seen)
        if seen is None:
            seen = await self._look(number)
        elif not self._holds(seen, trail):
            await self._ahead.drop()
            seen = await self._look(number)
        if seen.sight.finalized is not None:
            self.safe, self.finalized = seen.sight.safe, seen.sight.finalized
        return seen

    async def drop(self) -> None:
        """Forget what was seen ahead."""
        await self._ahead.drop()

    async def _look(self, number: int) -> Seen:
        now = self._clock()
        tags = self._tags_wanted() or abs(now - self._tags_at) >= TAGS_MS
        if tags:
            self._tags_at = now
        arrived: int | None = None
        heads = self._heads

        async def turn() -> None:
            nonlocal arrived
            arrived = self._clock()
            await self._ahead.turn(number)

        try:
            sight = await self._nodes.next(number, tags=tags, turn=turn)
        except NodeUnavailable:
            shown = self._nodes.head
            if shown is not None and (self.head is None or shown.number > self.head.number):
                self.head = shown
            raise
        # Its answer may have waited here, while a node announced what came after it.
        if heads == self._heads or self.head is None or sight.head.number >= self.head.number:
            self.head = sight.head
        return Seen(sight, self._clock() if arrived is None else arrived)

    def _last_ahead(self, number: int, head: "Header") -> int:
        last = min(head.number, number + self._window - 1)
        return min(last, number + self._near_window - 1) if self._is_near(last) else last

    def _is_near(self, number: int) -> bool:
        """Whether a reorg could still reach a height."""
        return self.head is None or self.head.number - number <= self._depth

    def _learn(self, seen: Seen) -> None:
        """Look less far ahead where blocks wait too long to be taken: what is old is seen twice."""
        age = abs(self._clock() - seen.at)
        if age > FRESH_MS:
            self._near_window = max(1, self._near_window // 2)
        elif age > FAR_MS:
            self._near_window = max(1, self._near_window - 1)
        elif age < CLOSE_MS:
            self._near_window = min(self._window, self._near_window + 1)

    def _holds(self, seen: Seen, trail: Trail) -> bool:
        """Whether a block that was seen ahead may be published.

        It must continue the trail, and have the receipts that are needed now. Where a reorg could
        still have reached it, it must also have been seen just now, and all that was seen after it,
        the head included, must stand on it.
        """
        block = seen.sight.block
        if block is None or not trail.continues_with(block.header):
            return False
        if block.known is not None and self._nodes.needs_all:
            return False
        header, head = block.header, self.head
        if head is None or not self._is_near(header.number):
            return True
        return abs(self._clock() - seen.at) <= FRESH_MS and self._leads_to(header, head)

    def _leads_to(self, header: "Header", head: "Header") -> bool:
        """Whether what was seen ahead of a block, up to the head, stands on it."""
        while True:
            if header.number == head.number:
                return header.hash == head.hash
            later = self._ahead.seen(header.number + 1)
            if later is None or later.sight.block is None:
                return header.number < head.number
            if not header.is_parent_of(later.sight.block.header):
                return False
            header = later.sight.block.header
