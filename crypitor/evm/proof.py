"""Is this block complete? Nodes leave out logs and receipts without an error; a header does not.

The level "receipts" finds every difference in what a receipt commits to: status, cumulative gas,
and address, topics and data of each log. Nothing here proves a transaction's own fields.
"""

from collections.abc import Sequence
from itertools import compress

from crypitor.errors import Unproven
from crypitor.evm.bloom import logs_bloom
from crypitor.evm.joined import is_joined_root
from crypitor.evm.profiles import PLAIN, Level, Profile
from crypitor.evm.receipts import encode_receipts
from crypitor.evm.trie import streamed_root
from crypitor.evm.types import Receipt, Seal, Transaction, counted


def prove(
    seal: Seal,
    transactions: Sequence[Transaction],
    receipts: Sequence[Receipt],
    level: Level,
    profile: Profile = PLAIN,
) -> None:
    """Return if the parts agree with the header as far as `level` asks; else raise Unproven.

    What the level "settled" proves beside "off" is proven later, of several blocks together.
    """
    try:
        _prove(seal, transactions, receipts, level, profile)
    except (ValueError, OverflowError) as wrong:
        raise Unproven(
            "receipts", f"block {seal.hash}: not the hex it should be: {wrong}"
        ) from wrong


def _prove(
    seal: Seal,
    transactions: Sequence[Transaction],
    receipts: Sequence[Receipt],
    level: Level,
    profile: Profile,
) -> None:
    _prove_pairs(seal, transactions, receipts)
    _prove_block_hash(seal, transactions, receipts)
    if level in ("off", "settled"):
        return
    _prove_logs(receipts, profile)
    committed = receipts
    if profile.uncommitted:
        of_header = profile.committed(transactions, receipts)
        committed = [*compress(receipts, of_header)]
        for receipt, known in zip(receipts, of_header, strict=True):
            if not known:
                _prove_own_bloom(seal, receipt)
    if level == "receipts":
        _prove_root(seal, committed, profile)
    elif profile.bloom:
        _prove_bloom(seal, committed)


def _prove_pairs(
    seal: Seal, transactions: Sequence[Transaction], receipts: Sequence[Receipt]
) -> None:
    """Hold receipt i against transaction i; all at once, and one by one to say what is wrong."""
    if len(transactions) != len(receipts):
        raise Unproven(
            "receipts",
            f"{_name(seal)} has {len(transactions)} transactions, got {len(receipts)} receipts",
        )
    numbers = counted(len(transactions))
    if (
        [transaction.index for transaction in transactions] == numbers
        and [receipt.transaction_index for receipt in receipts] == numbers
        and [transaction.hash for transaction in transactions]
        == [receipt.transaction_hash for receipt in receipts]
    ):
        return
    for index, (transaction, receipt) in enumerate(zip(transactions, receipts, strict=True)):
        if int(transaction.index, 16) != index:
            raise Unproven(
                "transactions",
                f"{_name(seal)}: transaction {index} says it is {int(transaction.index, 16)}",
            )
        if receipt.transaction_hash != transaction.hash:
            raise Unproven(
                "receipts",
                f"{_name(seal)}: receipt {index} is of {receipt.transaction_hash},"
                f" transaction {index} is {transaction.hash}",
            )
        if int(receipt.transaction_index, 16) != index:
            raise Unproven(
                "receipts",
                f"{_name(seal)}: receipt {index} says it is {int(receipt.transaction_index, 16)}",
            )


def _prove_block_hash(
    seal: Seal, transactions: Sequence[Transaction], receipts: Sequence[Receipt]
) -> None:
    """Hold all parts against the block's hash, and logs against the transaction they came with.

    All in one look, and one by one to say what is wrong.
    """
    block_hash = seal.hash
    places = [transaction.block_hash for transaction in transactions]
    places += [receipt.block_hash for receipt in receipts]
    hashes = [transaction.hash for transaction in transactions]
    strays = [
        log
        for owner, receipt in zip(hashes, receipts, strict=True)
        for log in receipt.logs
        if log.transaction_hash != owner or log.block_hash != block_hash
    ]
    if not strays and places.count(block_hash) == len(places):
        return
    for transaction, receipt in zip(transactions, receipts, strict=True):
        if transaction.block_hash != seal.hash:
            raise _elsewhere(seal, "transaction", transaction.hash, transaction.block_hash)
        if receipt.block_hash != seal.hash:
            raise _elsewhere(seal, "receipt", transaction.hash, receipt.block_hash)
        for log in receipt.logs:
            if log.block_hash != seal.hash:
                raise _elsewhere(seal, "log", transaction.hash, log.block_hash)
            if log.transaction_hash != transaction.hash:
                raise Unproven(
                    "logs",
                    f"{_name(seal)}: receipt of {transaction.hash}"
                    f" has a log of {log.transaction_hash}",
                )


def _elsewhere(seal: Seal, part: str, transaction: str, block_hash: str) -> Unproven:
    return Unproven("hash", f"{_name(seal)}: {part} of {transaction} is of block {block_hash}")


def _prove_logs(receipts: Sequence[Receipt], profile: Profile) -> None:
    """Hold the logs' indexes against their order.

    Chains that count anew in each transaction do not always: both ways are taken of their receipts.
    """
    indexes = [log.index for receipt in receipts for log in receipt.logs]
    if indexes == counted(len(indexes)):
        return
    expected = 0
    for receipt in receipts:
        if profile.log_indexes == "transaction" and receipt.logs:
            expected *= int(receipt.logs[0].index, 16) != 0
        for log in receipt.logs:
            if int(log.index, 16) != expected:
                raise Unproven(
                    "logs",
                    f"block {receipt.block_hash}: expected log {expected}"
                    f" in {receipt.transaction_hash}, got {int(log.index, 16)}",
                )
            expected += 1


def _prove_bloom(seal: Seal, receipts: Sequence[Receipt]) -> None:
    if logs_bloom(log for receipt in receipts for log in receipt.logs) != _bytes(seal.logs_bloom):
        raise Unproven("bloom", f"{_name(seal)}: its logs do not give its logsBloom")


def _prove_own_bloom(seal: Seal, receipt: Receipt) -> None:
    """Hold a receipt that the header does not know of against its own bloom, where it has one."""
    own = _bytes(receipt.logs_bloom)
    if own and own != logs_bloom(receipt.logs):
        raise Unproven(
            "bloom", f"{_name(seal)}: logs of {receipt.transaction_hash} do not give its logsBloom"
        )


def _prove_root(seal: Seal, receipts: Sequence[Receipt], profile: Profile) -> None:
    wanted = _bytes(seal.receipts_root)
    if profile.root == "joined":
        gives = is_joined_root(receipts, wanted)
        if gives is None:
            _prove_bloom(seal, receipts)
        elif not gives:
            raise Unproven("root", f"{_name(seal)}: its receipts do not give {seal.receipts_root}")
        return
    root = streamed_root(encode_receipts(receipts, profile), len(receipts))
    if root != wanted:
        raise Unproven(
            "root",
            f"{_name(seal)}: its receipts give the root 0x{root.hex()}, not {seal.receipts_root}",
        )


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _name(seal: Seal) -> str:
    return f"block {int(seal.number, 16)} {seal.hash}"
