"""Withdrawals of validators, which a block credits without a transaction. Pure.

Source: EIP-4895.
"""

from collections.abc import Sequence

from crypitor.errors import Unproven
from crypitor.evm import rlp
from crypitor.evm.profiles import PLAIN, Profile
from crypitor.evm.trie import EMPTY_ROOT, ordered_root
from crypitor.evm.types import Seal, Withdrawal

WEI_PER_GWEI = 10**9


def prove_withdrawals(
    seal: Seal, withdrawals: Sequence[Withdrawal], profile: Profile = PLAIN
) -> None:
    """Return if the header's withdrawalsRoot commits to these; else raise Unproven.

    A block without any says nothing where other things stand in that field (OP chains since
    Isthmus): there only a list that is not empty is held against it.
    """
    root = seal.withdrawals_root
    if not withdrawals and (root is None or not profile.withdrawals):
        return
    try:
        given = ordered_root(list(map(_encoded, withdrawals))) if withdrawals else EMPTY_ROOT
    except (ValueError, OverflowError) as wrong:
        raise Unproven("withdrawals", f"{_name(seal)}: its withdrawals: {wrong}") from wrong
    if root is None or given != bytes.fromhex(root[2:]):
        raise Unproven(
            "withdrawals",
            f"{_name(seal)}: its withdrawals give the root 0x{given.hex()}, not {root}",
        )


def _encoded(withdrawal: Withdrawal) -> bytes:
    return rlp.encode(
        [
            rlp.integer(int(withdrawal.index, 16)),
            rlp.integer(int(withdrawal.validator_index, 16)),
            bytes.fromhex(withdrawal.address[2:]),
            rlp.integer(int(withdrawal.amount, 16)),
        ]
    )


def _name(seal: Seal) -> str:
    return f"block {int(seal.number, 16)} {seal.hash}"
