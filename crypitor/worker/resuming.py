"""What going on at a block of an operator's choice comes to, before it is done."""

from collections.abc import Sequence

from crypitor.errors import Conflict
from crypitor.evm.types import Header
from crypitor.worker.beginning import ground_of
from crypitor.worker.nodes import Nodes


async def ground_to_resume(first: int, *, depth: int, nodes: Nodes) -> Sequence[Header]:
    """Return the headers that the nodes have below height `first`, at most `depth` of them.

    Empty where the block stands on nothing. Raises Conflict where no node is that far, and
    NodeUnavailable.
    """
    head = await nodes.header_at("latest")
    if head is None or head.number < first - 1:
        raise Conflict(
            f"no node has block {first - 1}" + (f": their head is {head.number}" if head else "")
        )
    return await ground_of(first, depth, nodes)
