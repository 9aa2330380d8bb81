"""A next block that does not come, though the nodes' heads say that it is there.

For a moment that is how load balancers are. Then it is told. Either the nodes do not have it, which
has to be waited for; or the chain has no block of this height, which a later block shows that
stands on the tip.
"""

import structlog

from crypitor.errors import CrypitorError, NodeUnavailable
from crypitor.evm.types import Header
from crypitor.worker.blockreader import BATCH_CALLS
from crypitor.worker.nodes import Nodes
from crypitor.worker.sight import Sight

log = structlog.get_logger(__name__)

PATIENCE_MS = 15_000
"""How long a block may be missing, or the parent of one, before it is told so."""


class BrokenLink(CrypitorError):
    """A block whose parent does not exist, for good.

    block: that one.  missing: the height that would show it to be otherwise, where none was seen.
    """

    def __init__(self, block: Header, message: str, missing: int | None = None) -> None:
        super().__init__(message)
        self.block = block
        self.missing = missing


class Gap:
    """What is known of the height after the tip, as long as nothing comes of it.

    All times are unix milliseconds.
    """

    def __init__(self, network: str, nodes: Nodes) -> None:
        self._network = network
        self._nodes = nodes
        self._over: tuple[Header, int] | None = None
        self._of: object = None
        self._since = 0
        self._searched = 0

    def close(self) -> None:
        """Note that all is well: a block came, or none is missing."""
        self._of, self._searched = None, 0

    def next_number(self, tip: Header) -> int:
        """Return the height of the block that comes after the tip, as far as that is known."""
        if self._over is not None and self._over[0] == tip:
            return self._over[1]
        return tip.number + 1

    async def above(self, sight: Sight, number: int) -> Header | None:
        """Return the next block above a height, None where none is seen: more is searched later.

        sight: what a node showed of that height: a head that is not below it, and no block. Raises
        NodeUnavailable.
        """
        return await self._next_above(number, sight.head) if sight.head.number > number else None

    def pass_over(self, number: int, tip: Header, above: Header) -> None:
        """Pass over a height that has no block: one above it stands on the tip."""
        log.info("height without a block", network=self._network, height=number)
        self._over = (tip, above.number)

    def wait_for(self, sight: Sight, number: int, now: int) -> None:
        """Wait for a block; NodeUnavailable when that takes too long, held against who lacks it."""
        try:
            self.wait(number, sight.lack, now)
        except NodeUnavailable as missing:
            self._nodes.accuse(sight.node, str(missing))
            raise

    def is_old(self, of: object, now: int) -> bool:
        """Whether the same thing has been missing for too long; notes since when."""
        if of != self._of:
            self._of, self._since, self._searched = of, now, 0
        return abs(now - self._since) >= PATIENCE_MS

    def wait(self, number: int, lack: str, now: int) -> None:
        """Wait for a block that a node lacks; NodeUnavailable when that takes too long."""
        if self.is_old(number, now):
            raise NodeUnavailable(lack)

    def require_parent(self, block: Header, trouble: str, now: int) -> None:
        """Wait for what a block stands on; BrokenLink where that stays wrong for too long.

        trouble: what is wrong with it.
        """
        if self.is_old(block.hash, now):
            raise self.broken(block, trouble)

    def broken(self, block: Header, trouble: str, missing: int | None = None) -> BrokenLink:
        """Return what is told of a block that stands on nothing, with the command that goes on."""
        return BrokenLink(
            block,
            f"{trouble}; what is below it cannot be followed."
            f" `crypitor network resume {self._network} --from-block {block.number}` goes on there",
            missing,
        )

    async def _next_above(self, number: int, head: Header) -> Header | None:
        """Return the block above a height that has none; None where the next look goes further."""
        first = max(self._searched, number) + 1
        if first > head.number:
            self._searched = number
            return None
        last = min(first + BATCH_CALLS - 1, head.number)
        above = next(iter(await self._nodes.headers_up_to(first, last)), None)
        self._searched = last if above is None and last < head.number else number
        return above
