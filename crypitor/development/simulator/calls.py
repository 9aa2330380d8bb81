"""What a transaction asks for, and what comes of it: events, and what the events stand for.

What they stand for is the truth that tests compare with. It is written down beside each event from
the same arguments, and never read back from topics and data.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from crypitor.evm.types import Address

Kind: TypeAlias = Literal[
    "native", "internal", "erc20", "erc721", "erc1155", "transaction", "withdrawal", "delegation"
]

Way: TypeAlias = Literal[
    "CALL", "CALLCODE", "DELEGATECALL", "STATICCALL", "CREATE", "CREATE2", "SELFDESTRUCT"
]
"""The instruction by which a contract calls, creates, or ends."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Something that changed hands.

    contract: None for the chain's own coin.  amount: smallest unit; 1 for an ERC-721 token.
    item: position within a TransferBatch or among the internal movements of the transaction,
    else None.
    """

    kind: Kind
    from_address: Address
    to_address: Address
    amount: int
    contract: Address | None = None
    token_id: int | None = None
    item: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A log before it has a place; topics and data are raw bytes."""

    address: Address
    topics: tuple[bytes, ...]
    data: bytes
    movements: tuple[Movement, ...] = ()


@dataclass(frozen=True, slots=True)
class InnerCall:
    """What a contract does in a transaction beside emitting events.

    value: wei; for a DELEGATECALL that of the call which it runs in.  calls: what it does in turn.
    reverts: it and all that it does is undone, and the transaction goes on.
    """

    way: Way
    from_address: Address
    to_address: Address
    value: int = 0
    data: bytes = b""
    calls: tuple["InnerCall", ...] = ()
    reverts: bool = False


@dataclass(frozen=True, slots=True)
class OwnerChange:
    """An ERC-721 token that must be `before`'s and becomes `after`'s; the zero address: nobody."""

    contract: Address
    token_id: int
    before: Address
    after: Address


@dataclass(frozen=True, slots=True)
class Call:
    """What a transaction asks for, and what happens if it succeeds.

    to: None creates a contract.  value: wei.  reverts: it fails in every block.
    inner_calls: in order.  internal: what they move, in order.
    """

    to: Address | None
    data: bytes = b""
    events: tuple[Event, ...] = ()
    value: int = 0
    owner_changes: tuple[OwnerChange, ...] = ()
    reverts: bool = False
    inner_calls: tuple[InnerCall, ...] = ()
    internal: tuple[Movement, ...] = ()

    @property
    def movement_count(self) -> int:
        """How many movements there are if it succeeds."""
        if self.reverts:
            return 0
        of_events = sum(len(event.movements) for event in self.events)
        return (self.value > 0) + len(self.internal) + of_events
