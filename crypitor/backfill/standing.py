"""What past blocks stand on, where heights have no block or one names a parent that never was."""

from collections.abc import Callable

from crypitor.backfill.pace import Pace
from crypitor.errors import NodeUnavailable
from crypitor.evm.types import Hash, Header
from crypitor.worker.blockreader import BATCH_CALLS
from crypitor.worker.gap import PATIENCE_MS
from crypitor.worker.nodes import Nodes


class LeftChain(NodeUnavailable):
    """What comes next does not stand on the block that was done last: one of them is orphaned."""


class Standing:
    """Tells whether blocks stand on those before them.

    clock: unix milliseconds.  patience_ms: how long two blocks are seen which do not stand on each
    other, before that is taken to be so for good.
    """

    def __init__(
        self, nodes: Nodes, pace: Pace, clock: Callable[[], int], patience_ms: int = PATIENCE_MS
    ) -> None:
        self._nodes = nodes
        self._pace = pace
        self._clock = clock
        self._patience_ms = patience_ms
        self._broken_since: dict[Hash, int] = {}
        self._broken: set[Hash] = set()
        self._searched: tuple[int, int] = (0, 0)

    async def require_link(self, header: Header, parent: Hash | None, *, first: bool) -> None:
        """Raise LeftChain, or NodeUnavailable where it is not the first, for another parent.

        parent: hash of the block that was done before it, None where it is not known. Where the
        nodes show both for good, each at its height, it need not stand on it.
        """
        if parent is None or header.parent_hash == parent or header.hash in self._broken:
            return
        if await self._stays_broken(header, parent):
            return
        trouble = f"block {header.number} does not stand on block {parent}"
        raise LeftChain(trouble) if first else NodeUnavailable(trouble)

    async def require_none(self, header: Header, number: int, parent: Hash | None) -> None:
        """Raise NodeUnavailable unless a block shows that below it, from `number` on, are none."""
        if not await self._stands_below(header, number, parent):
            raise NodeUnavailable(f"no node has block {number}")

    async def next_above(self, number: int, parent: Hash | None) -> Header | None:
        """Return the next block of a chain that has none at a height; None if that is not shown.

        It is shown by a block further up, which stands on the one below. parent: hash of that, None
        where it is not known. A search that found nothing goes on where it was, the next time.
        Raises NodeUnavailable.
        """
        of, last = self._searched
        first = last + 1 if of == number else number + 1
        await self._pace.turn()
        head = await self._nodes.header_at("latest")
        if head is None or first > head.number:
            self._searched = (number, number)
            return None
        last = min(first + BATCH_CALLS - 1, head.number)
        await self._pace.turn()
        above = next(iter(await self._nodes.headers_up_to(first, last)), None)
        self._searched = (number, last if above is None else number)
        if above is None or not await self._stands_below(above, number, parent):
            return None
        return above

    async def _stands_below(self, header: Header, number: int, parent: Hash | None) -> bool:
        if parent is not None:
            return header.parent_hash == parent
        await self._pace.turn()
        below = await self._nodes.header(header.parent_hash)
        return below is not None and below.number < number

    async def _stays_broken(self, header: Header, parent: Hash) -> bool:
        """Whether the nodes have shown both for too long, each at its height, though not linked."""
        now = self._clock()
        since = self._broken_since.setdefault(header.hash, now)
        if abs(now - since) < self._patience_ms:
            return False
        del self._broken_since[header.hash]
        await self._pace.turn()
        below = await self._nodes.header(parent)
        if below is None:
            return False
        for one in (below, header):
            await self._pace.turn()
            if await self._nodes.header_at(one.number) != one:
                return False
        self._broken.add(header.hash)
        return True
