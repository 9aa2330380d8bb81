"""JSON-RPC as a node speaks it: calls, answers, and blocks in lower case. Pure.

Everything a node sends is untrusted: whatever cannot be read becomes NodeUnavailable, so that
another node is asked, and nothing malformed gets further than this module.
"""

import re
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec

from crypitor.errors import NodeUnavailable
from crypitor.evm.traces import room_for_deep_calls
from crypitor.evm.types import Block, Hash, Header, Log, Receipt, Seal, Transaction, counted

T = TypeVar("T")

Raw: TypeAlias = msgspec.Raw
"""JSON that is not decoded yet."""

NULL = Raw(b"null")

Tag: TypeAlias = Literal["latest", "safe", "finalized"]

NO_SUCH_METHOD = (-32601, -32004)
"""JSON-RPC 2.0 "method not found"; EIP-1474 "method not supported"."""

NOT_YET = ("header not found", "block not found", "unknown block", "header for hash not found")
"""How nodes say, with an error, what others say with null."""

MISSING = ("not found", "does not exist", "not available", "not supported", "unsupported")
"""How nodes say of a method that they do not have it, under codes of their own."""

LAST_NUMBER = 2**63 - 1
"""The greatest height that the database can hold."""

LAST_TIMESTAMP = 253_402_300_799
"""The last second of the year 9999, in unix seconds."""


ALL_BITS = 2**2048 - 1


class Call(msgspec.Struct, frozen=True):
    """One request: a method and what it is asked."""

    method: str
    params: tuple[Any, ...] = ()


class Refusal(msgspec.Struct, frozen=True):
    """The error that a node answers with."""

    code: int = 0
    message: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What came back: the answer to a call, or news of a subscription (`method`, `params`).

    id: of the call; None where the node did not understand the request.
    result: undecoded JSON; empty where there is none.
    """

    id: int | str | None = None
    result: Raw = Raw()
    error: Refusal | None = None
    method: str | None = None
    params: Raw = Raw()

    @property
    def missing_method(self) -> bool:
        """Whether the node does not know the method."""
        if self.error is None:
            return False
        said = self.error.message.lower()
        return self.error.code in NO_SUCH_METHOD or (
            "method" in said and any(words in said for words in MISSING)
        )

    @property
    def not_yet(self) -> bool:
        """Whether the node does not have the block that it was asked about."""
        return (
            self.error is not None
            and not self.missing_method
            and any(words in self.error.message.lower() for words in NOT_YET)
        )


class _SealWithTransactions(Seal, frozen=True, gc=False, rename="camel"):
    transactions: tuple[Transaction, ...]


class _ServedHeader(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    number: str
    hash: str
    parent_hash: str
    timestamp: str


class _ServedBloom(_ServedHeader, frozen=True, gc=False, rename="camel"):
    logs_bloom: str | None = None


class _LogPlace(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    block_number: str


class _TransactionPlace(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    hash: str
    block_number: str | None = None


class Bloomed(msgspec.Struct, frozen=True, gc=False):
    """A header with its logsBloom as a number of 2048 bits; all of them set where it has none."""

    header: Header
    bloom: int


class _News(msgspec.Struct, frozen=True):
    subscription: str
    result: Raw


_answers: msgspec.json.Decoder[Answer | list[Answer]] = msgspec.json.Decoder(Answer | list[Answer])
_news = msgspec.json.Decoder(_News)
_text = msgspec.json.Decoder(str)
_headers = msgspec.json.Decoder(_ServedHeader | None)
_blooms = msgspec.json.Decoder(_ServedBloom | None)
_transaction_places = msgspec.json.Decoder(_TransactionPlace | None)
_log_places = msgspec.json.Decoder(list[_LogPlace])
_seals = msgspec.json.Decoder(_SealWithTransactions | None)
_receipts = msgspec.json.Decoder(tuple[Receipt, ...] | None)
_logs = msgspec.json.Decoder(tuple[Log, ...])
_encoder = msgspec.json.Encoder()


def encode(calls: Sequence[Call], ids: range) -> bytes:
    """Return the body of a request. A single call is not made a batch: some nodes take none."""
    requests = [
        {"jsonrpc": "2.0", "id": one, "method": call.method, "params": call.params}
        for one, call in zip(ids, calls, strict=True)
    ]
    return _encoder.encode(requests if len(requests) > 1 else requests[0])


def decode(body: bytes) -> Answer | list[Answer]:
    """Return what a body says: one answer, or those of a batch in any order."""
    with room_for_deep_calls():
        return _read(_answers, body, "JSON-RPC")


def in_order(answer: Answer | list[Answer], ids: range) -> list[Answer]:
    """Return the answers to calls with these ids, each exactly once.

    A node that refuses a whole batch answers with a single error: that is raised.
    """
    answers = answer if isinstance(answer, list) else [answer]
    if len(answers) == 1 and answers[0].error and (len(ids) > 1 or answers[0].id not in ids):
        raise NodeUnavailable(f"refused the request: {said(answers[0].error)}")
    found = {one.id: one for one in answers if isinstance(one.id, int)}
    if len(answers) != len(ids) or any(one not in found for one in ids):
        raise NodeUnavailable(f"{len(answers)} answers, or other ones, to {len(ids)} calls")
    return [found[one] for one in ids]


def said(refusal: Refusal) -> str:
    """Return an error of a node as one line for an operator, cut where it gets long."""
    line = " ".join(refusal.message.split())
    return f"{line[:200]} ({refusal.code})"


def result_of(answer: Answer, method: str) -> Raw:
    """Return the result of an answer; the node's error is raised as NodeUnavailable."""
    if answer.error is not None:
        raise NodeUnavailable(f"{method}: {said(answer.error)}")
    if not memoryview(answer.result).nbytes:
        raise NodeUnavailable(f"{method}: neither result nor error")
    return answer.result


def text_of(raw: Raw) -> str:
    """Return a JSON string."""
    return _read(_text, raw, "a string")


def quantity_of(raw: Raw) -> int:
    """Return the number of a JSON-RPC quantity."""
    return _quantity(_read(_text, raw, "a string"))


def header_of(raw: Raw) -> Header | None:
    """Return the header of a served block or of a newHeads notification; None for null."""
    found = _read(_headers, raw, "a header")
    return None if found is None else _header(found)


def bloomed_of(raw: Raw) -> Bloomed | None:
    """Return the header of a served block with its bloom; None for null."""
    found = _read(_blooms, raw, "a header")
    if found is None:
        return None
    if found.logs_bloom is None:
        return Bloomed(_header(found), ALL_BITS)
    if not _BLOOM.fullmatch(found.logs_bloom):
        raise NodeUnavailable(f"not a bloom: {found.logs_bloom[:80]!r}")
    return Bloomed(_header(found), int(found.logs_bloom, 16))


def heights_of(raw: Raw) -> list[int]:
    """Return the heights of served logs, once for each log."""
    return [_quantity(place.block_number) for place in _read(_log_places, raw, "logs")]


def height_of(raw: Raw, transaction: Hash) -> int | Literal["pending"] | None:
    """Return the height of a served transaction; None for null."""
    place = _read(_transaction_places, raw, "a transaction")
    if place is None:
        return None
    if place.hash.lower() != transaction:
        raise NodeUnavailable(f"asked for transaction {transaction}, got {place.hash[:80]!r}")
    return "pending" if place.block_number is None else _quantity(place.block_number)


def news_of(answer: Answer) -> tuple[str, Raw]:
    """Return which subscription has news, and the news."""
    news = _read(_news, answer.params, "a notification")
    return news.subscription, news.result


class Served(msgspec.Struct, frozen=True):
    """A block as the node served it, in lower case, not yet proven."""

    seal: Seal
    transactions: tuple[Transaction, ...]
    receipts: tuple[Receipt, ...]

    @property
    def block(self) -> Block:
        """The block as it goes on the queue."""
        return Block(self.seal.header, self.transactions, self.receipts)


def contents_of(block: Raw) -> tuple[Hash, list[Hash]]:
    """Return the hash of a served block, not null, and those of its transactions, as they came."""
    seal = _read(_seals, block, "a block")
    if seal is None:
        raise NodeUnavailable("null in place of a block")
    return seal.hash, [transaction.hash for transaction in seal.transactions]


def log_places(logs: Raw) -> list[tuple[Hash, int]]:
    """Return the transaction hash and the index of each log of an eth_getLogs answer."""
    return [
        (log.transaction_hash.lower(), _quantity(log.index)) for log in _read(_logs, logs, "logs")
    ]


def is_null(raw: Raw) -> bool:
    """Whether the result is JSON's null."""
    return bytes(memoryview(raw)[:4]) == b"null"


def joined(receipts: Iterable[Raw]) -> Raw:
    """Return single receipts as the list that eth_getBlockReceipts would have given."""
    return Raw(b"[" + b",".join(bytes(receipt) for receipt in receipts) + b"]")


def served(block: Raw, receipts: Raw) -> Served:
    """Return a block and its receipts; neither may be null.

    Some nodes send addresses with a checksum, or everything in upper case. The test of the whole
    block's shape finds that, and only then the JSON itself is lowered and read again.
    """
    found = _served(block, receipts)
    if _misshapen(found):
        found = _served(_lowered(block), _lowered(receipts))
        if wrong := _misshapen(found):
            raise NodeUnavailable(f"block {found.seal.number[:20]} has {wrong}")
    _header(found.seal)
    return found


def _served(block: Raw | bytes, receipts: Raw | bytes) -> Served:
    seal = _read(_seals, block, "a block")
    of_block = _read(_receipts, receipts, "receipts")
    if seal is None or of_block is None:
        raise NodeUnavailable("null in place of a block or its receipts")
    return Served(seal, seal.transactions, of_block)


_ANY_HEX = re.compile(rb'"0[xX][0-9a-fA-F]*"')


def _lowered(raw: Raw) -> bytes:
    """Return JSON with all hex values in lower case; no key looks like one."""
    return _ANY_HEX.sub(lambda found: found[0].lower(), bytes(raw))


_BLOOM = re.compile(r"0x[0-9a-fA-F]{512}")
_QUANTITIES = re.compile(r"(?:0x[0-9a-f]{1,64} )*+")
_HEX_DIGITS = b"0123456789abcdef"
_HASH_TEXT = len("0x") + 64
_ADDRESS_TEXT = len("0x") + 40


def _misshapen(found: Served) -> str | None:
    """Return what is not lower-case hex of its length; None if all is well.

    Texts of a kind are looked at all at once, by calls whose loops are compiled: 0.3 ms for a block
    of 500 logs. What `prove` compares with something that is looked at here is left out.
    """
    seal, transactions, receipts = found.seal, found.transactions, found.receipts
    logs = [log for receipt in receipts for log in receipt.logs]
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
    for texts, ok, name in (
        (hashes, partial(_are_hex, size=_HASH_TEXT), "a hash"),
        (addresses, partial(_are_hex, size=_ADDRESS_TEXT), "an address"),
        (quantities, _are_quantities, "a quantity"),
    ):
        if not ok(texts):
            wrong = min(text for text in texts if not ok([text]))
            return f"{wrong[:80]!r} for {name}"
    strings = [transaction.input for transaction in transactions]
    strings += [log.data for log in logs]
    if {text[:2] for text in strings} - {"0x"} or any(map(_is_odd, map(len, strings))):
        return "bytes that are not 0x and pairs of digits"
    joined = "".join(strings)
    if not joined.isascii() or joined.encode().translate(None, _HEX_DIGITS) != b"x" * len(strings):
        return "bytes that are not hex"
    return None


_is_odd = (1).__and__


def _are_hex(texts: Sequence[str], size: int) -> bool:
    """Whether each text is 0x and lower-case hex digits, `size` characters in all."""
    if not {size}.issuperset(map(len, texts)):
        return False
    joined, count = "".join(texts), len(texts)
    return (
        joined.isascii()
        and joined[::size] == "0" * count
        and joined[1::size] == "x" * count
        and len(joined.encode().translate(None, _HEX_DIGITS)) == count
    )


def _are_quantities(texts: Sequence[str]) -> bool:
    """Whether each text is 0x and 1 to 64 lower-case hex digits."""
    line = " ".join(texts) + " " if texts else ""
    return _QUANTITIES.fullmatch(line) is not None and line.count(" ") == len(texts)


def _header(served: Seal | _ServedHeader) -> Header:
    """Return the header; its numbers must fit where they are kept and shown."""
    header = Header(
        number=_quantity(served.number),
        hash=served.hash.lower(),
        parent_hash=served.parent_hash.lower(),
        timestamp=_quantity(served.timestamp),
    )
    if not _are_hex((header.hash, header.parent_hash), _HASH_TEXT):
        raise NodeUnavailable(f"not a hash: {served.hash[:80]!r} or {served.parent_hash[:80]!r}")
    if header.number > LAST_NUMBER or header.timestamp > LAST_TIMESTAMP:
        raise NodeUnavailable(f"block {header.number} of second {header.timestamp} cannot be")
    return header


def _quantity(text: str) -> int:
    if not _are_quantities((text.lower(),)):
        raise NodeUnavailable(f"not a quantity: {text[:80]!r}")
    return int(text, 16)


def _read(decoder: "msgspec.json.Decoder[T]", raw: Raw | bytes, what: str) -> T:
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as wrong:
        raise NodeUnavailable(f"not {what}: {str(wrong)[:200]}") from wrong
