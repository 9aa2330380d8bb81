"""Withdrawals of validators, which a block credits without a transaction. Pure.

Source: EIP-4895.
"""

from binascii import unhexlify
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


_HEADS = [f"{0x80 + size:02x}" for size in range(9)]
_ADDRESS_HEAD = "94"  # RLP: a string of 20 bytes
_ADDRESS_TEXT = len("0x") + 40
_FEWEST_DIGITS, _MOST_DIGITS = 3, 16


def _encoded(withdrawal: Withdrawal) -> bytes:
    """Encode a withdrawal; of the usual sizes as the hex that it was served in."""
    numbers = [
        digits if len(digits) % 2 == 0 else f"0{digits}"
        for digits in (
            withdrawal.index[2:],
            withdrawal.validator_index[2:],
            withdrawal.amount[2:],
        )
        if _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS and digits[0] != "0"
    ]
    if len(numbers) != 3 or len(withdrawal.address) != _ADDRESS_TEXT:
        return _encoded_by_parts(withdrawal)
    index, validator, amount = [f"{_HEADS[len(each) >> 1]}{each}" for each in numbers]
    text = f"{index}{validator}{_ADDRESS_HEAD}{withdrawal.address[2:]}{amount}"
    return unhexlify(f"{0xC0 + (len(text) >> 1):02x}{text}")


def _encoded_by_parts(withdrawal: Withdrawal) -> bytes:
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
