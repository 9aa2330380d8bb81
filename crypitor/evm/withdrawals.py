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


_ADDRESS_HEAD = "94"  # RLP: a string of 20 bytes
_ADDRESS_TEXT = len("0x") + 40
_TEXTS = range(len("0x") + 3, len("0x") + 16 + 1)
"""Sizes of quantities that take two to eight bytes."""


class _Forms(dict[tuple[int, int, int], tuple[str, str, str, str]]):
    """What stands before index, validator, address and amount of a withdrawal, as hex.

    By the sizes of the texts of its three quantities; has nothing for less than two bytes.
    """

    def __missing__(self, key: tuple[int, int, int]) -> tuple[str, str, str, str]:
        if not all(size in _TEXTS for size in key):
            raise KeyError(key)
        index, validator, amount = map(_before, key)
        before = index + validator + _ADDRESS_HEAD + amount
        digits = len(before) + sum(key) - 3 * len("0x") + 40
        head = f"{0xC0 + digits // 2:02x}"
        self[key] = found = (head + index, validator, _ADDRESS_HEAD, amount)
        return found


def _before(text: int) -> str:
    """Return what stands before the digits of a quantity: RLP's size, and a digit that evens."""
    digits = text - len("0x")
    return f"{0x80 + (digits + 1) // 2:02x}{'0' * (digits % 2)}"


_forms = _Forms()


def _encoded(withdrawal: Withdrawal) -> bytes:
    """Encode a withdrawal; of the usual sizes as the hex that it was served in."""
    index, validator, amount = withdrawal.index, withdrawal.validator_index, withdrawal.amount
    address = withdrawal.address
    # What is no digit though it lies between these two, unhexlify refuses.
    if len(address) == _ADDRESS_TEXT and min(index, validator, amount) >= "0x1":
        try:
            head, second, third, fourth = _forms[len(index), len(validator), len(amount)]
            return unhexlify(
                f"{head}{index[2:]}{second}{validator[2:]}{third}{address[2:]}{fourth}{amount[2:]}"
            )
        except (KeyError, ValueError):
            pass
    return _encoded_by_parts(withdrawal)


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
