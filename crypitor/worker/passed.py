"""How many blocks lie between two heights of a chain, which may have heights without one."""

from typing import NamedTuple

from crypitor.evm.types import Header
from crypitor.worker.nodes import Nodes

MOST_HEIGHTS = 2_000
"""So many are looked at, 40 requests; of more it is only said how many blocks they may have."""


class Passed(NamedTuple):
    """The heights from `first` to `last`.

    blocks: how many of them have one. is_most: whether it may be fewer.
    """

    first: int
    last: int
    blocks: int
    is_most: bool = False


async def passed_between(tip: Header, first: int, nodes: Nodes) -> Passed | None:
    """Return the heights above `tip` and below `first`; None where there are none.

    A height has no block where one above it stands on one below it; what the nodes do not show,
    without that, may be there. Raises NodeUnavailable.
    """
    low, high = tip.number + 1, first - 1
    if high < low:
        return None
    if high - low >= MOST_HEIGHTS:
        return Passed(low, high, high - low + 1, is_most=True)
    known, empty, shown = tip, 0, 0
    for header in await nodes.headers_up_to(low, first):
        if known.is_parent_of(header):
            empty += header.number - known.number - 1
        shown += header.number < first
        known = header
    blocks = high - low + 1 - empty
    return Passed(low, high, blocks, is_most=shown < blocks)
