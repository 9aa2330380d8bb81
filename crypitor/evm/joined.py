"""The root of a chain that hashes its receipts one after the other.

Source: kaia 2.2.1, blockchain/types/derivesha/concat.go and receipt.go.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, islice, product

from msgspec.structs import replace

from crypitor.evm.keccak import keccak
from crypitor.evm.receipts import encode_receipt, with_own_gas
from crypitor.evm.types import Receipt

_FAILURES = ("0x0", *map(hex, range(2, 31)))
"""What the status of a failed transaction can be."""

_USUAL = ("0x9", "0x7", "0x2")
"""Reverted, out of gas, anything without a number of its own."""

_MOST_TRIES = 1000
"""Every possibility of two failures, the usual ones of six."""


def is_joined_root(receipts: Sequence[Receipt], root: bytes) -> bool | None:
    """Whether the receipts in a row give this root; None where that cannot be told.

    A receipt commits to why its transaction failed, of which JSON-RPC says only that it did: the
    reasons are tried. Of three failures and more, not all of them are.
    """
    plain = [replace(receipt, type=None) for receipt in with_own_gas(receipts)]
    encoded = [encode_receipt(receipt) for receipt in plain]
    failed = [place for place, receipt in enumerate(plain) if receipt.status == "0x0"]
    if keccak(b"".join(encoded)) == root:
        return True
    variants = [
        {status: encode_receipt(replace(plain[place], status=status)) for status in _FAILURES}
        for place in failed
    ]
    for statuses in islice(_statuses(len(failed)), _MOST_TRIES):
        for place, status, of_place in zip(failed, statuses, variants, strict=True):
            encoded[place] = of_place[status]
        if keccak(b"".join(encoded)) == root:
            return True
    return False if len(_FAILURES) ** len(failed) < _MOST_TRIES else None


def _statuses(count: int) -> Iterator[tuple[str, ...]]:
    """Yield what so many failures can be, the usual ones first."""
    return chain(product(_USUAL, repeat=count), product(_FAILURES, repeat=count))
