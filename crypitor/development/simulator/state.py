"""What everybody has after a block of a simulated chain: counted from what moved.

Everybody begins with more than is ever moved, because amounts are drawn without regard to who can
pay them. Gas costs nothing here.
"""

from collections.abc import Callable
from typing import TypeAlias

from crypitor.development.simulator.blocks import SimulatedBlock
from crypitor.evm.types import Address, Hash

FIRST_COINS = 10**24
"""Wei that each account has in the genesis block."""

FIRST_TOKENS = 10**36
"""Smallest units of each ERC-20 and ERC-1155 token that each account has there."""

_MOST_KEPT = 50_000
COIN = ("native", "internal", "withdrawal")
Holding: TypeAlias = tuple[Address, Address | None, int | None]
"""Account, token contract or None for the coin, and id of an ERC-1155 token or None."""


class State:
    """What accounts have, at any block that is known. block_of: a block by its hash."""

    def __init__(self, block_of: Callable[[Hash], SimulatedBlock | None]) -> None:
        self._block_of = block_of
        self._known: dict[tuple[Hash, Holding], int] = {}

    def balance(
        self,
        block: SimulatedBlock,
        account: Address,
        contract: Address | None = None,
        token_id: int | None = None,
        first: int = FIRST_COINS,
    ) -> int:
        """Return what an account has after a block. first: what it has in the genesis block."""
        holding = (account, contract, token_id)
        passed: list[SimulatedBlock] = []
        at: SimulatedBlock | None = block
        while at is not None and (at.hash, holding) not in self._known:
            passed.append(at)
            at = self._block_of(at.parent_hash)
        value = first if at is None else self._known[at.hash, holding]
        for one in reversed(passed):
            value += _change(one, *holding)
            self._known[one.hash, holding] = value
        while len(self._known) > _MOST_KEPT:
            del self._known[next(iter(self._known))]
        return value


def _change(
    block: SimulatedBlock, account: Address, contract: Address | None, token_id: int | None
) -> int:
    """Return what a block gave an account, less what it took from it."""
    moved = [*block.truth, *(one for one in block.beside if one.kind == "withdrawal")]
    change = 0
    for one in moved:
        if one.contract != contract or (contract is None and one.kind not in COIN):
            continue
        if token_id is not None and one.token_id != token_id:
            continue
        amount = one.amount or 0
        change += amount * ((one.to_address == account) - (one.from_address == account))
    return change
