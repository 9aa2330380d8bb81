"""A next block that does not come, though the nodes' heads say that it is there.

For a moment that is how load balancers are. Then it is told. Either the nodes do not have it, which
has to be waited for; or the chain has no block of this height, which a later block shows that
stands on the tip.
"""

import structlog

from crypitor.errors import DeepReorg, NodeUnavailable
from crypitor.evm.types import Header
from crypitor.worker.blockreader import BATCH_CALLS
from crypitor.worker.nodes import Nodes
from crypitor.worker.sight import Sight

log = structlog.get_logger(__name__)

PATIENCE_MS = 15_000
"""How long a block may be missing, or the parent of one, before it is told so."""


class BrokenLink(DeepReorg):
    """A block whose parent does not exist, for good. block: that one."""

    def __init__(self, block: Header, message: str) -> None:
        super().__init__(message)
        self.block = block


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

    async def pass_over(self, sight: Sight, number: int, tip: Header | None, now: int) -> bool:
        """Pass over a height that has no block; False while the block has to be waited for.

        sight: what a node showed of that height: a head that is not below it, and no block. Raises
        NodeUnavailable when that takes too long, or nothing can be seen above it.
        """
        if tip is not None and sight.head.number > number:
            above = await self._next_above(number, tip, sight.head)
            if above is not None:
                log.info("height without a block", network=self._network, height=number)
                self._over = (tip, above)
                return True
        try:
            self.wait(number, sight.lack, now)
        except NodeUnavailable as missing:
            self._nodes.accuse(sight.node, str(missing))
            raise
        return False

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
            raise BrokenLink(
                block,
                f"{trouble}; what is below it cannot be followed."
                f" `crypitor network resume {self._network} --from-block {block.number}` goes on"
                " there",
            )

    async def _next_above(self, number: int, tip: Header, head: Header) -> int | None:
        """Return the height of the block that stands on the tip, above a height that has none.

        None where none is seen: the next look searches further up. Raises NodeUnavailable.
        """
        first = max(self._searched, number) + 1
        if first > head.number:
            self._searched = number
            return None
        last = min(first + BATCH_CALLS - 1, head.number)
        above = next(iter(await self._nodes.headers_up_to(first, last)), None)
        self._searched = last if above is None and last < head.number else number
        return above.number if above is not None and tip.is_parent_of(above) else None
