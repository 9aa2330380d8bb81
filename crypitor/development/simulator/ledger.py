"""What a transaction's success depends on: nonces, and who owns which ERC-721 token."""

from collections import ChainMap
from typing import TypeAlias

from crypitor.development.simulator.calls import OwnerChange
from crypitor.evm.types import Address

Entries: TypeAlias = dict[tuple[str, Address, int], int]
"""Entry → number; an entry that is missing is 0. Owners are addresses as numbers."""


class Ledger:
    """The state after some block, as a layer of changes over the state below it.

    Nothing below is touched: `changes` is what the block adds, if it is adopted.
    """

    def __init__(self, *below: Entries) -> None:
        self.changes: Entries = {}
        self._entries = ChainMap(self.changes, *below)

    def nonce(self, sender: Address) -> int:
        """The nonce that the sender's next transaction must have."""
        return self._entries.get(("nonce", sender, 0), 0)

    def use_nonce(self, sender: Address) -> None:
        """Count a transaction of the sender."""
        self._entries["nonce", sender, 0] = self.nonce(sender) + 1

    def owner(self, contract: Address, token_id: int) -> Address:
        """The token's owner; the zero address if it was never minted or is burned."""
        return f"0x{self._entries.get(('owner', contract, token_id), 0):040x}"

    def highest_token(self, contract: Address) -> int:
        """The highest token id that was ever minted; 0 if none was."""
        return self._entries.get(("highest", contract, 0), 0)

    def allows(self, change: OwnerChange) -> bool:
        """Whether the token belongs to whom the change takes it from."""
        return self.owner(change.contract, change.token_id) == change.before

    def make(self, change: OwnerChange) -> None:
        """Hand the token over."""
        self._entries["owner", change.contract, change.token_id] = int(change.after, 16)
        if change.token_id > self.highest_token(change.contract):
            self._entries["highest", change.contract, 0] = change.token_id
