"""What a transaction asks for, and what comes of it: events, and what the events stand for.

What they stand for is the truth that tests compare with. It is written down beside each event from
the same arguments, and never read back from topics and data.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from crypitor.evm.types import Address

Kind: TypeAlias = Literal["native", "erc20", "erc721", "erc1155"]


@dataclass(frozen=True, slots=True)
class Movement:
    """Something that changed hands.

    contract: None for the chain's own coin.  amount: smallest unit; 1 for an ERC-721 token.
    item: position within a TransferBatch, else None.
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
    """

    to: Address | None
    data: bytes = b""
    events: tuple[Event, ...] = ()
    value: int = 0
    owner_changes: tuple[OwnerChange, ...] = ()
    reverts: bool = False

    @property
    def movement_count(self) -> int:
        """How many movements there are if it succeeds."""
        if self.reverts:
            return 0
        return (self.value > 0) + sum(len(event.movements) for event in self.events)
