"""Is this block complete? Nodes leave out logs and receipts without an error; a header does not.

The level "receipts" finds every difference in what a receipt commits to: status, cumulative gas,
and address, topics and data of each log. Nothing here proves a transaction's own fields.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from crypitor.errors import Unproven
from crypitor.evm import rlp
from crypitor.evm.bloom import logs_bloom
from crypitor.evm.trie import ordered_root
from crypitor.evm.types import Log, Receipt, Seal, Transaction

Level: TypeAlias = Literal["off", "logs", "receipts"]
"""How much is proven; each level finds all that the ones before it find.

off: receipt i belongs to transaction i, and all parts to the block with the header's hash.
logs: log indexes are 0 … n-1 in order, and the logs give the header's bloom.
receipts: log indexes, and the receipts give the header's receiptsRoot, which commits to every log
and so leaves nothing for the bloom to find.
"""

_DEPOSIT = 0x7E

_ADDRESS_TEXT = len("0x") + 40
_TOPIC_SIZES = {len("0x") + 64}
_ADDRESS_PREFIX = "94"  # RLP: a string of 20 bytes
_TOPIC_PREFIX = "a0"  # RLP: a string of 32 bytes
_TOPICS_PREFIXES = ("c0", "e1", "f842", "f863", "f884")  # RLP: a list of 0, 33, 66, 99, 132 bytes


def prove(
    seal: Seal, transactions: Sequence[Transaction], receipts: Sequence[Receipt], level: Level
) -> None:
    """Return if the parts agree with the header as far as `level` asks; else raise Unproven."""
    try:
        _prove(seal, transactions, receipts, level)
    except (ValueError, OverflowError) as wrong:
        raise Unproven(
            "receipts", f"block {seal.hash}: not the hex it should be: {wrong}"
        ) from wrong


def encode_receipt(receipt: Receipt) -> bytes:
    """Return the consensus encoding: a type byte for typed ones, then the RLP list.

    Sources: EIP-658 (status in place of root), EIP-2718 (types), OP stack specification
    "deposits": type 0x7e appends depositNonce and depositReceiptVersion from the Canyon upgrade
    on; before it nodes serve the nonce and no version, and neither is committed to.
    """
    kind = int(receipt.type, 16) if receipt.type else 0
    parts = [
        rlp.encode(_outcome(receipt)),
        rlp.encode(rlp.integer(int(receipt.cumulative_gas_used, 16))),
        rlp.encode(_bytes(receipt.logs_bloom) or logs_bloom(receipt.logs)),
        rlp.sequence([_encode_log(log) for log in receipt.logs]),
    ]
    if kind == _DEPOSIT and receipt.deposit_receipt_version is not None:
        extra = (receipt.deposit_nonce or "0x0", receipt.deposit_receipt_version)
        parts += [rlp.encode(rlp.integer(int(number, 16))) for number in extra]
    return bytes([kind] if kind else ()) + rlp.sequence(parts)


def _prove(
    seal: Seal, transactions: Sequence[Transaction], receipts: Sequence[Receipt], level: Level
) -> None:
    _prove_pairs(seal, transactions, receipts)
    _prove_block_hash(seal, transactions, receipts)
    if level == "off":
        return
    _prove_logs(receipts)
    if level == "receipts":
        _prove_root(seal, receipts)
    else:
        _prove_bloom(seal, receipts)


def _prove_pairs(
    seal: Seal, transactions: Sequence[Transaction], receipts: Sequence[Receipt]
) -> None:
    if len(transactions) != len(receipts):
        raise Unproven(
            "receipts",
            f"{_name(seal)} has {len(transactions)} transactions, got {len(receipts)} receipts",
        )
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
    for transaction, receipt in zip(transactions, receipts, strict=True):
        _same_block(seal, "transaction", transaction.hash, transaction.block_hash)
        _same_block(seal, "receipt", transaction.hash, receipt.block_hash)
        for log in receipt.logs:
            _same_block(seal, "log", transaction.hash, log.block_hash)
            if log.transaction_hash != transaction.hash:
                raise Unproven(
                    "logs",
                    f"{_name(seal)}: receipt of {transaction.hash} has a log"
                    f" of {log.transaction_hash}",
                )


def _same_block(seal: Seal, part: str, transaction: str, block_hash: str) -> None:
    if block_hash != seal.hash:
        raise Unproven("hash", f"{_name(seal)}: {part} of {transaction} is of block {block_hash}")


def _prove_logs(receipts: Sequence[Receipt]) -> None:
    expected = 0
    for receipt in receipts:
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


def _prove_root(seal: Seal, receipts: Sequence[Receipt]) -> None:
    root = ordered_root([encode_receipt(receipt) for receipt in receipts])
    if root != _bytes(seal.receipts_root):
        raise Unproven(
            "root",
            f"{_name(seal)}: its receipts give the root 0x{root.hex()}, not {seal.receipts_root}",
        )


def _outcome(receipt: Receipt) -> bytes:
    if receipt.status is not None:
        return rlp.integer(int(receipt.status, 16))
    return _bytes(receipt.root or "0x")


def _encode_log(log: Log) -> bytes:
    """Encode a log; the sizes that consensus allows take a way without a call for each field."""
    data = rlp.encode(_bytes(log.data))
    if (
        len(log.address) == _ADDRESS_TEXT
        and len(log.topics) < len(_TOPICS_PREFIXES)
        and _TOPIC_SIZES.issuperset(map(len, log.topics))
    ):
        topics = "".join(log.topics).replace("0x", _TOPIC_PREFIX)
        prefix = _TOPICS_PREFIXES[len(log.topics)]
        head = bytes.fromhex(f"{_ADDRESS_PREFIX}{log.address[2:]}{prefix}{topics}")
        return rlp.sequence((head, data))
    topics_list = rlp.encode([_bytes(topic) for topic in log.topics])
    return rlp.sequence((rlp.encode(_bytes(log.address)), topics_list, data))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _name(seal: Seal) -> str:
    return f"block {int(seal.number, 16)} {seal.hash}"
