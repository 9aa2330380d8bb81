"""What going on at a block of an operator's choice comes to, before it is done."""

from collections.abc import Sequence
from typing import NamedTuple

from crypitor.errors import Conflict
from crypitor.evm.types import Header
from crypitor.worker.beginning import ground_of
from crypitor.worker.nodes import Nodes
from crypitor.worker.passed import Passed, passed_between


class Footing(NamedTuple):
    """Where a network would go on.

    before: the headers that the nodes have below it, none where it stands on nothing. passed: the
    heights above what was matched that are left out, None for none.
    """

    before: Sequence[Header]
    passed: Passed | None


async def footing_of(first: int, tip: Header | None, *, depth: int, nodes: Nodes) -> Footing:
    """Return what going on at height `first` stands on, and leaves out.

    tip: what was matched last. depth: at most so many headers below. Raises Conflict where no node
    is that far, and NodeUnavailable.
    """
    head = await nodes.header_at("latest")
    if head is None or head.number < first - 1:
        raise Conflict(
            f"no node has block {first - 1}" + (f": their head is {head.number}" if head else "")
        )
    before = await ground_of(first, depth, nodes)
    leaves = tip is not None and tip.number < first - 1
    return Footing(before, await passed_between(tip, first, nodes) if tip and leaves else None)
