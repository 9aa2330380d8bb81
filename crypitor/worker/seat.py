"""A node among its siblings, and how it fares."""

from dataclasses import dataclass

from crypitor.evm.types import Header
from crypitor.worker.node import Node


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
