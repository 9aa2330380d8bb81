"""A chain that was begun anew under the same node, as development nodes do at each start."""

from typing import Literal, TypeAlias

from crypitor.evm.types import Hash, Header
from crypitor.worker.nodes import Nodes
from crypitor.worker.trail import Trail

OnReset: TypeAlias = Literal["follow", "stop"]
"""networks.NAME.reset of the configuration."""

SURE_MS = 2000
"""A chain is taken for a new one when it has been seen for so long."""


async def begun_anew(trail: Trail, genesis: Hash | None, nodes: Nodes) -> Header | None:
    """Return the first block of a chain that cannot be the one that was followed; else None.

    It cannot be, where its genesis is another one, or its beginning is later than what was matched
    above it. The chain id is asked again with it. genesis: of the chain that was followed, None
    where it is not known. Raises NodeUnavailable.
    """
    oldest = trail.oldest
    if oldest is None:
        return None
    if oldest.number == 0:
        genesis = oldest.hash
    nodes.doubt()
    for number in (0, 1):
        header = await nodes.header_at(number)
        if header is None:
            continue
        if number == 0 and genesis is not None and header.hash != genesis:
            return header
        if number < oldest.number and header.timestamp > oldest.timestamp:
            return header
    return None


def reset_reason(network: str, tip: Header, first: Header, head: int) -> str:
    """Return what is told of a chain that was begun anew, with what to do."""
    return (
        f"the chain was begun anew: its block {first.number} is {first.hash} now, and its head is"
        f" {head}, after block {tip.number} had been matched;"
        f" `crypitor network resume {network} --from-block 0` reverts what was told and goes on at"
        ' the new chain; reset = "follow" does so by itself'
    )
