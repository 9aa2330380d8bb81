"""A chain that was begun anew under the same node, as development nodes do at each start."""

from typing import Literal, Protocol, TypeAlias

from crypitor.evm.types import Hash, Header
from crypitor.worker.trail import Trail

OnReset: TypeAlias = Literal["follow", "stop"]
"""networks.NAME.reset of the configuration."""

SURE_MS = 2000
"""A chain is taken for a new one when it has been seen for so long."""


class Asked(Protocol):
    """A node, or several. The methods are those of `Node`."""

    def doubt(self) -> None:
        """Check the chain id again with the next request."""

    async def header_at(self, place: int) -> Header | None:
        """Return the header at a height."""


async def begun_anew(trail: Trail, genesis: Hash | None, nodes: Asked) -> Header | None:
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


async def difference(
    network: str, trail: Trail, genesis: Hash | None, node: Asked, head: Header
) -> str | None:
    """Return how a node's chain differs from what was matched of it, with what to do; else None.

    A fork that is followed, being not deeper than is allowed, is no difference. Raises
    NodeUnavailable.
    """
    tip, deepest = trail.tip, trail.deepest
    if tip is None or deepest is None:
        return None
    if begun := await begun_anew(trail, genesis, node):
        return reset_reason(network, tip, begun, head.number)
    if head.number < deepest.number:
        below = tip.number - head.number
        return f"its head {head.number} is {below} blocks below what was matched: is it behind?"
    if await node.header_at(deepest.number) == deepest:
        return None
    return (
        f"its block {deepest.number} is not the one that was matched, {deepest.hash}: it left that"
        f" chain, or follows another one; `crypitor network resume {network} --from-block N` goes"
        " on from the first block that differs"
    )
