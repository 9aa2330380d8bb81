"""A block and its receipts as a node serves them: read, looked over, in one form. Pure.

Whatever cannot be read becomes NodeUnavailable, so that another node is asked.
"""

import re
from collections.abc import Mapping
from functools import partial
from itertools import chain
from typing import Any, TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace

from crypitor.errors import NodeUnavailable
from crypitor.evm.hexes import ADDRESS_TEXT, HASH_TEXT, are_bytes, are_hex, are_quantities
from crypitor.evm.types import (
    Block,
    Hash,
    Header,
    Receipt,
    Seal,
    Settlement,
    Transaction,
    Withdrawal,
    counted,
)
from crypitor.worker.tidy import seconds, tidied

T = TypeVar("T")

Raw: TypeAlias = msgspec.Raw
"""JSON that is not decoded yet."""

LAST_NUMBER = 2**63 - 1
"""The greatest height that the database can hold."""

LAST_TIMESTAMP = 253_402_300_799
"""The last second of the year 9999, in unix seconds."""


class SealWithTransactions(Seal, frozen=True, gc=False, rename="camel", kw_only=True):
    """A block as eth_getBlockByNumber gives it with its transactions whole."""

    transactions: tuple[Transaction, ...]
    withdrawals: tuple[Withdrawal, ...] | None = None


class ServedHeader(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What is read of a header."""

    number: str | int
    hash: str
    parent_hash: str
    timestamp: str | int


class Served(msgspec.Struct, frozen=True):
    """A block as the node served it, in the form of `evm/types.py`, not yet proven."""

    seal: Seal
    transactions: tuple[Transaction, ...]
    receipts: tuple[Receipt, ...]
    withdrawals: tuple[Withdrawal, ...] = ()

    @property
    def block(self) -> Block:
        """The block as it goes on the queue."""
        settled = self.seal.settled_height
        settlement = (
            None if settled is None else Settlement(int(settled, 16), self.seal.receipts_root)
        )
        return Block(
            self.seal.header,
            self.transactions,
            self.receipts,
            withdrawals=self.withdrawals,
            settlement=settlement,
        )


_seals = msgspec.json.Decoder(SealWithTransactions | None)
_receipts = msgspec.json.Decoder(tuple[Receipt, ...] | None)
_anything: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_lists = msgspec.json.Decoder(list[Any] | None)

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,256}")


def read(decoder: "msgspec.json.Decoder[T]", raw: Raw | bytes, what: str) -> T:
    """Return what JSON says; what it should be is told where it says something else."""
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as wrong:
        raise NodeUnavailable(f"not {what}: {str(wrong)[:200]}") from wrong


def served(block: Raw, receipts: Raw) -> Served:
    """Return a block and its receipts; neither may be null.

    What is not in the one form already, as many nodes write it, is read once more for it.
    """
    try:
        found = served_well(_seals.decode(block), _receipts.decode(receipts))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        found = None
    if found is not None:
        return found
    seal = seal_of(block)
    return with_receipts(seal, seal.transactions, receipts, seal.withdrawals or ())


def served_well(
    seal: SealWithTransactions | None, receipts: tuple[Receipt, ...] | None
) -> Served | None:
    """Return a block that was read already; None where it is not as `served` would return it."""
    if seal is None or receipts is None:
        return None
    found = Served(seal, seal.transactions, receipts, seal.withdrawals or ())
    if _misshapen(found) or not _fits(seal.header):
        return None
    return found


def without_receipts(block: Raw) -> Served:
    """Return a block whose receipts were not asked for; each says success, and nothing else."""
    try:
        seal = _seals.decode(block)
        found = None if seal is None else served_well(seal, _presumed(seal))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        found = None
    if found is not None:
        return found
    seal = seal_of(block)
    return _looked_over(Served(seal, seal.transactions, _presumed(seal), seal.withdrawals or ()))


def _presumed(seal: SealWithTransactions) -> tuple[Receipt, ...]:
    return tuple(
        Receipt(one.hash, one.index, seal.hash, (), status="0x1") for one in seal.transactions
    )


def with_known(served: Served, receipts: Mapping[Hash, Raw]) -> Served:
    """Return a block with what was served as the receipts of some of its transactions."""
    several = tuple(
        _receipt(receipts[one.hash]) if one.hash in receipts else presumed
        for one, presumed in zip(served.transactions, served.receipts, strict=True)
    )
    return _looked_over(Served(served.seal, served.transactions, several, served.withdrawals))


def _receipt(raw: Raw) -> Receipt:
    return _tidied_receipt(read(_anything, raw, "a receipt"))


def _tidied_receipt(document: Any) -> Receipt:
    try:
        return tidied(document, Receipt)
    except msgspec.ValidationError as wrong:
        raise NodeUnavailable(f"not receipts: {str(wrong)[:200]}") from wrong


def seal_of(block: Raw) -> SealWithTransactions:
    """Return a served block without its receipts; it may not be null."""
    document = read(_anything, block, "a block")
    if document is None:
        raise NodeUnavailable("null in place of a block")
    try:
        seal = tidied(document, SealWithTransactions)
    except msgspec.ValidationError as wrong:
        raise NodeUnavailable(f"not a block: {str(wrong)[:200]}") from wrong
    return replace(seal, transactions=tuple(map(_with_value, seal.transactions)))


def _with_value(transaction: Transaction) -> Transaction:
    """Return a transaction with a value of zero where it has calls and no value of its own."""
    if transaction.value or not transaction.calls:
        return transaction
    return replace(transaction, value="0x0")


def with_receipts(
    seal: Seal,
    transactions: tuple[Transaction, ...],
    receipts: Raw,
    withdrawals: tuple[Withdrawal, ...] = (),
) -> Served:
    """Return a block with the receipts that were served for it; they may not be null."""
    documents = read(_lists, receipts, "receipts")
    if documents is None:
        raise NodeUnavailable("null in place of a block or its receipts")
    of_block = tuple(map(_tidied_receipt, documents))
    return _looked_over(Served(seal, transactions, of_block, withdrawals))


def _looked_over(found: Served) -> Served:
    """Return a block that is in the one form, with numbers that fit; else raise."""
    if wrong_text := _misshapen(found):
        raise NodeUnavailable(f"block {found.seal.number[:20]} has {wrong_text}")
    header_from(found.seal)
    return found


def header_from(served: Seal | ServedHeader) -> Header:
    """Return the header; its numbers must fit where they are kept and shown."""
    header = Header(
        number=quantity(served.number),
        hash=served.hash.lower(),
        parent_hash=served.parent_hash.lower(),
        timestamp=seconds(quantity(served.timestamp)),
    )
    if not are_hex((header.hash, header.parent_hash), HASH_TEXT):
        raise NodeUnavailable(f"not a hash: {served.hash[:80]!r} or {served.parent_hash[:80]!r}")
    if not _fits(header):
        raise NodeUnavailable(f"block {header.number} of second {header.timestamp} cannot be")
    return header


def quantity(written: str | int) -> int:
    """Return the number of a JSON-RPC quantity, whatever its case and leading zeros."""
    if isinstance(written, int):
        number = written
    elif _NUMBER.fullmatch(written):
        number = int(written, 16)
    else:
        raise NodeUnavailable(f"not a quantity: {written[:80]!r}")
    if not 0 <= number < 2**256:
        raise NodeUnavailable(f"not a quantity: {str(written)[:80]}")
    return number


def _fits(header: Header) -> bool:
    return header.number <= LAST_NUMBER and header.timestamp <= LAST_TIMESTAMP


def _misshapen(found: Served) -> str | None:
    """Return what is not lower-case hex of its length, or not the shortest; None if all is well.

    Texts of a kind are looked at all at once. What `prove` compares with something that is looked
    at here is left out.
    """
    seal, transactions, receipts = found.seal, found.transactions, found.receipts
    logs = [*chain.from_iterable([receipt.logs for receipt in receipts])]
    hashes = [seal.hash, seal.parent_hash]
    hashes += [transaction.hash for transaction in transactions]
    hashes += chain.from_iterable([log.topics for log in logs])
    addresses = [transaction.sender for transaction in transactions]
    addresses += [transaction.to for transaction in transactions if transaction.to is not None]
    addresses += [one.contract_address for one in receipts if one.contract_address is not None]
    addresses += [log.address for log in logs]
    quantities = [transaction.value for transaction in transactions]
    for indexes in (
        [transaction.index for transaction in transactions],
        [receipt.transaction_index for receipt in receipts],
        [log.index for log in logs],
    ):
        if indexes != counted(len(indexes)):
            quantities += indexes
    kinds = {receipt.status for receipt in receipts} | {receipt.type for receipt in receipts}
    quantities += [kind for kind in kinds if kind is not None]
    quantities += (seal.number, seal.timestamp)
    if seal.withdrawals_root is not None:
        hashes.append(seal.withdrawals_root)
    if seal.settled_height is not None:
        quantities.append(seal.settled_height)
    for one in found.withdrawals:
        addresses.append(one.address)
        quantities += (one.index, one.validator_index, one.amount)
    strings = [transaction.input for transaction in transactions]
    strings += [log.data for log in logs]
    for texts, ok, name in (
        (hashes, partial(are_hex, size=HASH_TEXT), "a hash"),
        (addresses, partial(are_hex, size=ADDRESS_TEXT), "an address"),
        (quantities, are_quantities, "a quantity"),
        (strings, are_bytes, "bytes"),
    ):
        if not ok(texts):
            wrong = min(text for text in texts if not ok([text]))
            return f"{wrong[:80]!r} for {name}"
    return None
