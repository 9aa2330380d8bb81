"""JSON-RPC as a node speaks it: calls and answers, and what single answers say. Pure.

Everything a node sends is untrusted: whatever cannot be read becomes NodeUnavailable, so that
another node is asked, and nothing malformed gets further than this module.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

from crypitor.errors import NodeUnavailable, Unproven
from crypitor.evm.traces import room_for_deep_calls
from crypitor.evm.types import Hash, Header, Receipt
from crypitor.worker.batches import Refused
from crypitor.worker.block import (
    Raw,
    SealWithTransactions,
    Served,
    ServedHeader,
    header_from,
    quantity,
    read,
    served_well,
)

NULL = Raw(b"null")

Tag: TypeAlias = Literal["latest", "safe", "finalized"]

NO_SUCH_METHOD = (-32601, -32004)
"""JSON-RPC 2.0 "method not found"; EIP-1474 "method not supported"."""

NOT_YET = ("header not found", "block not found", "unknown block", "header for hash not found")
"""How nodes say, with an error, what others say with null."""

MISSING = ("not found", "does not exist", "not available", "not supported", "unsupported")
"""How nodes say of a method that they do not have it, under codes of their own."""

# Code 3 is geth's word for "execution reverted"; others tell it in the message alone. What is said
# here of a contract is true at every node; any other error is that of this node.
_CONTRACT_FAILS = re.compile(
    r"revert|opcode|out of gas|stack (under|over)flow|invalid jump|execution (aborted|error)"
    r"|vm (execution|exception)|bad instruction",
    re.IGNORECASE,
)

NO_BLOOM = (None, "", "0x")

ALL_BITS = 2**2048 - 1

_LEAST_LOOK = 4096
"""Bytes below which an answer is not tried as a look at a block."""

_BLOOM = re.compile(r"0x[0-9a-fA-F]{512}")


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
    served: the block, in the answer to the call for it, where it was read together with its
    receipts in the same pass as the message; neither answer has a `result` then.
    """

    id: int | str | None = None
    result: Raw = Raw()
    error: Refusal | None = None
    method: str | None = None
    params: Raw = Raw()
    served: Served | None = None

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

    @property
    def contract_fails(self) -> bool:
        """Whether it is the called contract that failed, and not the node."""
        return self.error is not None and (
            self.error.code == 3 or _CONTRACT_FAILS.search(self.error.message) is not None
        )


class _BlockAnswer(msgspec.Struct, frozen=True, gc=False):
    id: int
    result: SealWithTransactions
    error: None = None


class _ReceiptsAnswer(msgspec.Struct, frozen=True, gc=False):
    id: int
    result: tuple[Receipt, ...]
    error: None = None


class _Look(NamedTuple):
    """The answers to a look at a block, when nothing is wrong with them."""

    head: Answer
    block: _BlockAnswer
    receipts: _ReceiptsAnswer
    safe: Answer | None = None
    finalized: Answer | None = None


class _ServedBloom(ServedHeader, frozen=True, gc=False, rename="camel"):
    logs_bloom: str | None = None


class _LogPlace(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    block_number: str | int


class _IndexedLog(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    index: str | int = msgspec.field(name="logIndex")
    transaction_hash: str


class _TransactionPlace(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    hash: str
    block_number: str | int | None = None


class Bloomed(msgspec.Struct, frozen=True, gc=False):
    """A header with its logsBloom as a number of 2048 bits; all of them set where it has none."""

    header: Header
    bloom: int


class _News(msgspec.Struct, frozen=True):
    subscription: str
    result: Raw


_answers: msgspec.json.Decoder[Answer | list[Answer]] = msgspec.json.Decoder(Answer | list[Answer])
_looks = msgspec.json.Decoder(_Look)
_news = msgspec.json.Decoder(_News)
_text = msgspec.json.Decoder(str)
_quantities: msgspec.json.Decoder[str | int] = msgspec.json.Decoder(str | int)
_headers = msgspec.json.Decoder(ServedHeader | None)
_blooms = msgspec.json.Decoder(_ServedBloom | None)
_transaction_places = msgspec.json.Decoder(_TransactionPlace | None)
_log_places = msgspec.json.Decoder(list[_LogPlace])
_logs = msgspec.json.Decoder(tuple[_IndexedLog, ...])
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
        return _looked(body) or read(_answers, body, "JSON-RPC")


def _looked(body: bytes) -> list[Answer] | None:
    """Return the answers to a look at a block, read in one pass; None for all else.

    It saves finding the ends of half a megabyte before reading it: 0.15 ms of a block's 1 ms.
    Whatever is not as it should be is left to those who say what is wrong with it.
    """
    if len(body) < _LEAST_LOOK or not body.startswith(b"["):
        return None
    try:
        head, block, receipts, *tags = _looks.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    # Of a block without transactions, head and block look the same; only the ids tell them apart.
    in_turn = [head.id, head.id + 1, head.id + 2] if isinstance(head.id, int) else None
    if [head.id, block.id, receipts.id] != in_turn:
        return None
    served = served_well(block.result, receipts.result)
    if served is None:
        return None
    seen = Answer(block.id, served=served)
    return [head, seen, Answer(receipts.id), *(tag for tag in tags if tag is not None)]


def in_order(answer: Answer | list[Answer], ids: range) -> list[Answer]:
    """Return the answers to calls with these ids, each exactly once.

    A node that refuses a whole batch answers with a single error, or with fewer answers: that is
    raised as Refused.
    """
    answers = answer if isinstance(answer, list) else [answer]
    if len(answers) == 1 and answers[0].error and (len(ids) > 1 or answers[0].id not in ids):
        raise Refused(f"refused the request: {said(answers[0].error)}")
    if len(answers) < len(ids):
        raise Refused(f"{len(answers)} answers to {len(ids)} calls")
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
    return read(_text, raw, "a string")


def quantity_of(raw: Raw) -> int:
    """Return the number of a JSON-RPC quantity."""
    return quantity(read(_quantities, raw, "a quantity"))


def header_of(raw: Raw) -> Header | None:
    """Return the header of a served block or of a newHeads notification; None for null."""
    found = read(_headers, raw, "a header")
    return None if found is None else header_from(found)


def bloomed_of(raw: Raw) -> Bloomed | None:
    """Return the header of a served block with its bloom; None for null."""
    found = read(_blooms, raw, "a header")
    if found is None:
        return None
    if found.logs_bloom in NO_BLOOM:
        return Bloomed(header_from(found), ALL_BITS)
    bloom = found.logs_bloom or ""
    if not _BLOOM.fullmatch(bloom):
        raise NodeUnavailable(f"not a bloom: {bloom[:80]!r}")
    return Bloomed(header_from(found), int(bloom, 16))


def heights_of(raw: Raw) -> list[int]:
    """Return the heights of served logs, once for each log."""
    return [quantity(place.block_number) for place in read(_log_places, raw, "logs")]


def height_of(raw: Raw, transaction: Hash) -> int | Literal["pending"] | None:
    """Return the height of a served transaction; None for null."""
    place = read(_transaction_places, raw, "a transaction")
    if place is None:
        return None
    if place.hash.lower() != transaction:
        raise NodeUnavailable(f"asked for transaction {transaction}, got {place.hash[:80]!r}")
    return "pending" if place.block_number is None else quantity(place.block_number)


def news_of(answer: Answer) -> tuple[str, Raw]:
    """Return which subscription has news, and the news."""
    news = read(_news, answer.params, "a notification")
    return news.subscription, news.result


def log_places(logs: Raw) -> list[tuple[Hash, int]]:
    """Return the transaction hash and the index of each log of an eth_getLogs answer."""
    return [
        (log.transaction_hash.lower(), quantity(log.index)) for log in read(_logs, logs, "logs")
    ]


def is_null(raw: Raw) -> bool:
    """Whether the result is JSON's null."""
    return bytes(memoryview(raw)[:4]) == b"null"


def is_there(answer: Answer) -> bool:
    """Whether an answer has a result that is not null."""
    return answer.error is None and not is_null(result_of(answer, "its result"))


def joined(receipts: Iterable[Raw]) -> Raw:
    """Return single receipts as the list that eth_getBlockReceipts would have given."""
    return Raw(b"[" + b",".join(bytes(receipt) for receipt in receipts) + b"]")


def heights_of_tags(answers: Sequence[Answer]) -> list[int | None]:
    """Return the heights of tags; a node that knows no tag answers with an error or null."""
    headers = [
        None if answer.error else header_of(result_of(answer, "eth_getBlockByNumber"))
        for answer in answers
    ]
    return [header.number if header else None for header in headers]


def require_agreement(served: Served, index: Raw) -> None:
    """Hold the logs of the receipts against those that the node's index has of the block."""
    places = [
        (log.transaction_hash, int(log.index, 16))
        for receipt in served.receipts
        for log in receipt.logs
    ]
    if log_places(index) != places:
        raise Unproven("logs", f"block {served.seal.hash}: eth_getLogs has others than receipts")
