"""What the worker knows of a network and its nodes, as `/v1/networks` shows it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from crypitor.evm.types import Header

NodeState: TypeAlias = Literal["active", "standby", "failing"]
"""active: it answered last.  failing: its last answer was none."""

NetworkState: TypeAlias = Literal["following", "catching up", "waiting", "stopped", "standby"]

CATCHING_UP_BLOCKS = 8


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A node.

    name: host and port, without anything that could be a secret.
    head: the height of the newest block it showed.  head_seconds: how long ago it first did.
    error: why it is failing.  error_rate: share of failures among the last dozens of requests.
    latency_ms: of a request, the newest counting most.
    requests: how many were sent; a batch is one.
    batch_calls: the most calls it takes in one request, None where no limit was met.
    limits: what it refuses, a sentence each.
    """

    name: str
    state: NodeState
    head: int | None
    head_seconds: float | None
    error: str | None
    error_rate: float
    latency_ms: float | None
    requests: int
    batch_calls: int | None = None
    limits: tuple[str, ...] = ()


MOST_REORGS = 20
"""So many are remembered."""


@dataclass(frozen=True, slots=True)
class Reorg:
    """The chain left a branch.

    at: unix milliseconds.  depth: how many published blocks were orphaned.
    ancestor: the height of the last block that both branches have.
    """

    at: int
    depth: int
    ancestor: int


@dataclass(frozen=True, slots=True)
class NetworkStatus:
    """A network in this process.

    head: the newest block a node showed.  tip: the last one that was published.
    safe, finalized: heights of the node's tags, as they were when somebody last wanted them.
    state: following: the tip is the head, or about to be; catching up: it is further behind;
    waiting: the next block cannot be had, or not be proven; stopped: until an operator decides;
    standby: another process leads.
    trouble: why it is waiting or stopped.
    behind: blocks between tip and head.  blocks_per_second: published of late.
    seconds_to_head: an estimate, None where there is none.
    requests_per_block: to all nodes, since the start.
    nodes: in the order of preference.  reorgs: the newest since the start, oldest first.
    """

    network: str
    chain_id: int
    head: Header | None
    tip: Header | None
    safe: int | None
    finalized: int | None
    reorgs: tuple[Reorg, ...]
    state: NetworkState
    trouble: str | None
    behind: int | None
    blocks_per_second: float
    seconds_to_head: float | None
    requests_per_block: float | None
    nodes: tuple[NodeStatus, ...]

    @property
    def last_reorg(self) -> Reorg | None:
        """The newest of them."""
        return self.reorgs[-1] if self.reorgs else None


def state_of(
    behind: int | None, halted: str | None, trouble: str | None, *, led_elsewhere: bool
) -> NetworkState:
    """Return how a network stands: of several, what is nearest to the cause.

    behind: blocks between tip and head.  halted: why only an operator leads on.
    trouble: whatever else keeps it waiting.
    """
    if led_elsewhere:
        return "standby"
    if halted is not None:
        return "stopped"
    if trouble is not None:
        return "waiting"
    return "catching up" if (behind or 0) > CATCHING_UP_BLOCKS else "following"
