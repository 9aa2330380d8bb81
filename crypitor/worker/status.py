"""What the worker knows of a network and its nodes, as `/v1/networks` shows it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from crypitor.evm.types import Header

NodeState: TypeAlias = Literal["active", "standby", "failing"]
"""active: it answered last.  failing: its last answer was none."""


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A node.

    name: host and port, without anything that could be a secret.
    head: the height of the newest block it showed.
    error: why it is failing.
    """

    name: str
    state: NodeState
    head: int | None
    error: str | None


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
    safe, finalized: heights of the node's tags.
    stopped: why nothing more is published, None as long as that is not so.
    nodes: in the order of preference.
    """

    network: str
    chain_id: int
    head: Header | None
    tip: Header | None
    safe: int | None
    finalized: int | None
    last_reorg: Reorg | None
    stopped: str | None
    nodes: tuple[NodeStatus, ...]
