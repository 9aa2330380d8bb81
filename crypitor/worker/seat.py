"""A node among its siblings, and how it fares."""

from collections.abc import Iterable
from dataclasses import dataclass

from crypitor.evm.types import Header
from crypitor.worker.node import Node

BEHIND_BLOCKS = 3
"""A head that is further below a sibling's is a node's fault."""

SLOW_SECONDS = 1.0
"""A node that takes longer is left for one that takes a quarter of that."""


@dataclass(slots=True)
class Seat:
    """A node and how it fares.

    resting_until: not preferred before, on the clock.  barred_until: not asked before, because it
    said so (Retry-After).  head_since: when the head was first shown, on the clock.
    error_rate: the share of failures among the last dozens of requests.
    """

    node: Node
    head: Header | None = None
    head_since: float = 0.0
    error_rate: float = 0.0
    error: str | None = None
    resting_until: float = 0.0
    barred_until: float = 0.0


def trouble_of(seat: Seat, all_seats: Iterable[Seat]) -> str | None:
    """Return why a sibling is better than this node, although it answers."""
    others = [other for other in all_seats if other is not seat and other.error is None]
    heads = [other.head.number for other in others if other.head]
    if seat.head and heads and max(heads) > seat.head.number + BEHIND_BLOCKS:
        return f"head {seat.head.number} is {max(heads) - seat.head.number} blocks behind"
    slowness = seat.node.latency_seconds or 0.0
    quickest = min(
        (other.node.latency_seconds for other in others if other.node.latency_seconds),
        default=slowness,
    )
    if slowness > SLOW_SECONDS and quickest < slowness / 4:
        seat.node.latency_seconds = None  # measured anew when it is tried again
        return f"takes {slowness:.1f} s to answer"
    return None
