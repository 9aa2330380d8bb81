"""The headers below the first block: what a reorg of the first blocks goes back to."""

import itertools

from crypitor.errors import NodeUnavailable
from crypitor.evm.types import Header
from crypitor.worker.nodes import Nodes


async def headers_below(first: int, count: int, nodes: Nodes) -> tuple[Header, ...]:
    """Return the `count` headers below height `first`, each the parent of the next.

    Fewer at the beginning of the chain, or where the nodes have forgotten it; none if no node has
    the last one. Raises NodeUnavailable if they are not linked: the chain changed meanwhile.
    """
    before = await nodes.headers(max(first - count, 0), first - 1)
    if any(not one.is_parent_of(two) for one, two in itertools.pairwise(before)):
        raise NodeUnavailable(f"the headers below block {first} are not linked")
    return before
