"""What a node shows in one look."""

from dataclasses import dataclass

from crypitor.evm.types import Block, Header


@dataclass(frozen=True, slots=True)
class Sight:
    """What a node showed in one look.

    head: the newest block it knows.
    block: the one that was asked for, proven; None while the node does not have all of it.
    safe, finalized: heights of these tags, None where the node has none or they were not asked.
    node: the name of who showed it.
    lack: what does not come though the head says that it is there; empty where nothing is missing.
    """

    head: Header
    block: Block | None
    safe: int | None = None
    finalized: int | None = None
    node: str = ""
    lack: str = ""
