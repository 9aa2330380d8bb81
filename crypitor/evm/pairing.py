"""Transactions and receipts of a block brought together, where a chain serves more of one. Pure."""

from collections.abc import Sequence

from crypitor.evm.profiles import Profile
from crypitor.evm.types import Receipt, Seal, Transaction

_ZERO = "0x" + "00" * 20

Pairs = tuple[tuple[Transaction, ...], tuple[Receipt, ...]]


def paired(
    seal: Seal,
    transactions: Sequence[Transaction],
    receipts: Sequence[Receipt],
    profile: Profile,
) -> Pairs:
    """Return as many receipts as transactions, as far as the profile explains the difference.

    A block's own receipt gets a transaction with the block's hash that moves and calls nothing. A
    transaction without a receipt gets one that says that it failed, and is not committed to. What
    is not explained stays as it is, for the proof to refuse.
    """
    receipts = list(receipts)
    holed = profile.has_hole_at(int(seal.number, 16))
    of_block = [one for one in receipts if one.transaction_hash == seal.hash]
    if profile.block_receipt and len(of_block) == 1 and receipts[-1] is of_block[0]:
        if receipts[-1].logs:
            transactions = [*transactions, _of_block(seal, len(transactions))]
        else:  # Celo's nodes answer so where there is none
            del receipts[-1]
    if "state_sync" in profile.uncommitted and receipts[1:] and receipts[-1] == receipts[-2]:
        del receipts[-1]  # older erigon of Polygon's serves it twice
    if holed or "phantom" in profile.uncommitted:
        receipts = _with_phantoms(seal, transactions, receipts)
    if holed:
        known = {transaction.hash for transaction in transactions}
        receipts = [one for one in receipts if one.transaction_hash in known]
    return tuple(transactions), tuple(receipts)


def _of_block(seal: Seal, index: int) -> Transaction:
    return Transaction(seal.hash, hex(index), seal.hash, _ZERO, "0x0", _ZERO)


def _with_phantoms(
    seal: Seal, transactions: Sequence[Transaction], receipts: Sequence[Receipt]
) -> list[Receipt]:
    """Return the receipts with one of failure for each transaction that has none."""
    has_receipt = {receipt.transaction_hash for receipt in receipts}
    if all(transaction.hash in has_receipt for transaction in transactions):
        return list(receipts)
    left = iter(receipts)
    found = [
        next(left, None)
        if transaction.hash in has_receipt
        else Receipt(transaction.hash, transaction.index, seal.hash, (), status="0x0")
        for transaction in transactions
    ]
    return [receipt for receipt in (*found, *left) if receipt is not None]
