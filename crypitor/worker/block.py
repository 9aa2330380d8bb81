"""A block and its receipts as a node serves them: read, looked over, in lower case. Pure.

Whatever cannot be read becomes NodeUnavailable, so that another node is asked.
"""

import re
from functools import partial
from itertools import chain
from typing import TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace

from crypitor.errors import NodeUnavailable
from crypitor.evm.hexes import ADDRESS_TEXT, HASH_TEXT, are_bytes, are_hex, are_quantities
from crypitor.evm.types import Block, Hash, Header, Receipt, Seal, Settlement, Transaction, counted

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


class ServedHeader(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What is read of a header."""

    number: str
    hash: str
    parent_hash: str
    timestamp: str


class Served(msgspec.Struct, frozen=True):
    """A block as the node served it, in lower case, not yet proven."""

    seal: Seal
    transactions: tuple[Transaction, ...]
    receipts: tuple[Receipt, ...]

    @property
    def block(self) -> Block:
        """The block as it goes on the queue."""
        settled = self.seal.settled_height
        if settled is None:
            return Block(self.seal.header, self.transactions, self.receipts)
        settlement = Settlement(int(settled, 16), self.seal.receipts_root)
        return Block(self.seal.header, self.transactions, self.receipts, settlement=settlement)


_seals = msgspec.json.Decoder(SealWithTransactions | None)
_receipts = msgspec.json.Decoder(tuple[Receipt, ...] | None)


def read(decoder: "msgspec.json.Decoder[T]", raw: Raw | bytes, what: str) -> T:
    """Return what JSON says; what it should be is told where it says something else."""
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as wrong:
        raise NodeUnavailable(f"not {what}: {str(wrong)[:200]}") from wrong


def served(block: Raw, receipts: Raw) -> Served:
    """Return a block and its receipts; neither may be null.

    Some nodes send addresses with a checksum, or everything in upper case. The test of the whole
    block's shape finds that, and only then the JSON itself is lowered and read again.
    """
    try:
        found = _served(block, receipts)
        well = not _misshapen(found)
    except NodeUnavailable:  # calls are read in lower case only
        well = False
    if not well:
        found = _with_values(_served(_lowered(block), _lowered(receipts)))
        if wrong := _misshapen(found):
            raise NodeUnavailable(f"block {found.seal.number[:20]} has {wrong}")
    header_from(found.seal)
    return found


def served_well(seal: SealWithTransactions, receipts: tuple[Receipt, ...]) -> Served | None:
    """Return a block that was read already; None where it is not as `served` would return it."""
    found = Served(seal, seal.transactions, receipts)
    if _misshapen(found) or not _fits(seal.header):
        return None
    return found


def contents_of(block: Raw) -> tuple[Hash, list[Hash]]:
    """Return the hash of a served block, not null, and those of its transactions, as they came."""
    seal = read(_seals, block, "a block")
    if seal is None:
        raise NodeUnavailable("null in place of a block")
    return seal.hash, [transaction.hash for transaction in seal.transactions]


def header_from(served: Seal | ServedHeader) -> Header:
    """Return the header; its numbers must fit where they are kept and shown."""
    header = Header(
        number=quantity(served.number),
        hash=served.hash.lower(),
        parent_hash=served.parent_hash.lower(),
        timestamp=quantity(served.timestamp),
    )
    if not are_hex((header.hash, header.parent_hash), HASH_TEXT):
        raise NodeUnavailable(f"not a hash: {served.hash[:80]!r} or {served.parent_hash[:80]!r}")
    if not _fits(header):
        raise NodeUnavailable(f"block {header.number} of second {header.timestamp} cannot be")
    return header


def quantity(text: str) -> int:
    """Return the number of a JSON-RPC quantity in lower or upper case."""
    if not are_quantities((text.lower(),)):
        raise NodeUnavailable(f"not a quantity: {text[:80]!r}")
    return int(text, 16)


def _fits(header: Header) -> bool:
    return header.number <= LAST_NUMBER and header.timestamp <= LAST_TIMESTAMP


def _served(block: Raw | bytes, receipts: Raw | bytes) -> Served:
    seal = read(_seals, block, "a block")
    of_block = read(_receipts, receipts, "receipts")
    if seal is None or of_block is None:
        raise NodeUnavailable("null in place of a block or its receipts")
    return Served(seal, seal.transactions, of_block)


_ANY_HEX = re.compile(rb'"0[xX][0-9a-fA-F]*"')


def _lowered(raw: Raw) -> bytes:
    """Return JSON with all hex values in lower case; no key looks like one."""
    return _ANY_HEX.sub(lambda found: found[0].lower(), bytes(raw))


def _with_values(found: Served) -> Served:
    """Return the block with a value of zero where a transaction has calls and none of its own."""
    transactions = tuple(
        replace(transaction, value="0x0")
        if transaction.calls and not transaction.value
        else transaction
        for transaction in found.transactions
    )
    return Served(found.seal, transactions, found.receipts)


def _misshapen(found: Served) -> str | None:
    """Return what is not lower-case hex of its length; None if all is well.

    Texts of a kind are looked at all at once. What `prove` compares with something that is looked
    at here is left out.
    """
    seal, transactions, receipts = found.seal, found.transactions, found.receipts
    logs = [*chain.from_iterable([receipt.logs for receipt in receipts])]
    hashes = [seal.hash, seal.parent_hash, seal.receipts_root, seal.transactions_root]
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
    quantities += {receipt.status for receipt in receipts if receipt.status is not None}
    quantities += (seal.number, seal.timestamp)
    if seal.settled_height is not None:
        quantities.append(seal.settled_height)
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
