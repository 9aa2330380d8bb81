"""What truly happened in a block, as the audit of a run compares it with what was told."""

from dataclasses import dataclass

from crypitor.development.simulator.calls import Kind
from crypitor.evm.types import Address, Hash


@dataclass(frozen=True, slots=True)
class Happened:
    """A movement at its place in the chain: the truth that a reader of the chain must find.

    log_index: position in the block; None for the chain's own coin.  item: position within a
    TransferBatch or among the internal movements of the transaction, else None.  contract: None
    for the chain's own coin.  amount: smallest unit, None for what moves nothing.
    transaction_hash, transaction_index, from_address: None for a withdrawal.
    """

    kind: Kind
    transaction_hash: Hash | None
    transaction_index: int | None
    log_index: int | None
    item: int | None
    from_address: Address | None
    to_address: Address | None
    contract: Address | None
    amount: int | None
    token_id: int | None = None
