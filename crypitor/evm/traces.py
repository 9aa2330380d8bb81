"""Internal transfers: what the calls inside a transaction moved of the chain's own coin. Pure.

Two formats tell them: the nested frames of `callTracer` (debug_traceBlockByHash) and the flat list
of trace_block. An internal transfer is a CALL, CREATE, CREATE2 or SELFDESTRUCT that carried a value
above zero, of a transaction that succeeded. Left out are:

- the transaction's own call, which is the native transfer;
- a call that failed, and everything below it: what it moved was given back;
- DELEGATECALL and CALLCODE, which run other code with the caller's own coin, and STATICCALL;
- a SELFDESTRUCT in favour of itself, which moves nothing to anybody.

`item` counts the internal transfers of a transaction from 0, in the order in which the calls were
made, and nothing else: the formats, and the nodes, differ in which of the other calls they show
(trace_block has no calls to precompiled contracts), and a match's id depends on `item`.
Sources: go-ethereum, "callTracer"; OpenEthereum, JSON-RPC module trace.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias, TypeVar

import msgspec

from crypitor.errors import Unproven
from crypitor.evm.types import Address, Block, InternalTransfer

T = TypeVar("T")

Format: TypeAlias = Literal["debug", "trace"]
"""debug: debug_traceBlockByHash with callTracer.  trace: trace_block."""

_Moved: TypeAlias = tuple[str | None, str | None, str | None]
"""Sender, receiver, value, as the node wrote them."""

_PAYING = {"CALL", "CREATE", "CREATE2"}
_IN_THE_CALLERS_NAME = {"DELEGATECALL", "CALLCODE"}

_ADDRESS = re.compile(r"0x[0-9a-f]{40}")
_QUANTITY = re.compile(r"0x[0-9a-f]{1,64}")

_DEEPEST_CALL = 1024  # yellow paper, section 8
_LEVELS_OF_A_FRAME = 2  # an object, and the list in it


class _Frame(msgspec.Struct, gc=False):
    type: str
    sender: str | None = msgspec.field(name="from", default=None)
    to: str | None = None
    value: str | None = None
    error: str | None = None
    calls: "list[_Frame] | None" = None


class _Traced(msgspec.Struct, gc=False):
    result: _Frame | None = None
    error: str | None = None
    transaction_hash: str | None = msgspec.field(name="txHash", default=None)


class _Action(msgspec.Struct, gc=False, rename="camel"):
    call_type: str | None = None
    sender: str | None = msgspec.field(name="from", default=None)
    to: str | None = None
    value: str | None = None
    address: str | None = None
    refund_address: str | None = None
    balance: str | None = None


class _Outcome(msgspec.Struct, gc=False):
    address: str | None = None


class _Trace(msgspec.Struct, gc=False, rename="camel"):
    type: str
    action: _Action
    block_hash: str
    result: _Outcome | None = None
    error: str | None = None
    trace_address: tuple[int, ...] = ()
    transaction_hash: str | None = None
    transaction_position: int | None = None


_traced = msgspec.json.Decoder(list[_Traced])
_traces = msgspec.json.Decoder(list[_Trace])


def internal_transfers(block: Block) -> Iterator[tuple[int, InternalTransfer]]:
    """Yield each internal transfer after the index of its transaction, in the chain's order."""
    for moved in block.traces:
        yield moved.transaction_index, moved


def read_traces(
    block: Block, answer: msgspec.Raw | bytes, written: Format
) -> tuple[InternalTransfer, ...]:
    """Return the internal transfers of a block, in the chain's order.

    answer: JSON in the format `written`. Raises Unproven for what cannot be read, leaves a
    transaction out, or is of another block or transaction than `block` holds.
    """
    try:
        if written == "debug":
            moved = _of_frames(block, _decoded(_traced, answer))
        else:
            moved = _of_traces(block, _decoded(_traces, answer))
        return tuple(moved)
    except (ValueError, msgspec.MsgspecError, RecursionError) as wrong:
        name = f"block {block.header.number} {block.header.hash}"
        raise Unproven("traces", f"{name}: its traces: {str(wrong)[:200]}") from wrong


@contextmanager
def room_for_deep_calls() -> Iterator[None]:
    """Let JSON be as deep as calls may nest: Python's usual limit ends at half of that.

    Without it anybody could make a transaction whose trace can never be read.
    """
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(usual + _LEVELS_OF_A_FRAME * _DEEPEST_CALL)
    try:
        yield
    finally:
        sys.setrecursionlimit(usual)


def _decoded(decoder: "msgspec.json.Decoder[T]", answer: msgspec.Raw | bytes) -> T:
    with room_for_deep_calls():
        return decoder.decode(answer)


def _of_frames(block: Block, traced: list[_Traced]) -> Iterator[InternalTransfer]:
    if len(traced) != len(block.transactions):
        raise ValueError(f"{len(traced)} for {len(block.transactions)} transactions")
    for index, one in enumerate(traced):
        top, transaction = one.result, block.transactions[index]
        if one.error or top is None:
            raise ValueError(f"none of transaction {index}: {one.error}")
        # Some nodes name no transaction; its sender is all there is to compare then.
        if one.transaction_hash is None:
            _require_same(index, top.sender, transaction.sender)
        else:
            _require_same(index, one.transaction_hash, transaction.hash)
        if _took_effect(block, index, top.error):
            yield from _numbered(index, _moved_below(top))


def _moved_below(top: _Frame) -> Iterator[_Moved]:
    """Walk down without recursion, each call before those that it made."""
    waiting = [(top, each) for each in reversed(top.calls or ())]
    while waiting:
        parent, frame = waiting.pop()
        if frame.error:
            continue
        moved = (frame.sender, frame.to, frame.value)
        kind = frame.type.upper()
        if kind in _PAYING:
            yield moved
        elif kind == "SELFDESTRUCT":
            own = parent.type.upper() in _IN_THE_CALLERS_NAME
            yield from _handed_over(moved, parent.sender if own else parent.to)
        waiting.extend((frame, each) for each in reversed(frame.calls or ()))


def _of_traces(block: Block, traces: list[_Trace]) -> Iterator[InternalTransfer]:
    of_transactions: list[dict[tuple[int, ...], _Trace]] = [{} for _ in block.transactions]
    for trace in traces:
        if trace.block_hash.lower() != block.header.hash:
            raise ValueError(f"one is of block {trace.block_hash}")
        if trace.type == "reward":
            continue
        position = trace.transaction_position
        if position is None or not 0 <= position < len(of_transactions):
            raise ValueError(f"one is of transaction {position}")
        _require_same(position, trace.transaction_hash, block.transactions[position].hash)
        if trace.trace_address in of_transactions[position]:
            raise ValueError(f"transaction {position} has {trace.trace_address} twice")
        of_transactions[position][trace.trace_address] = trace
    for index, by_address in enumerate(of_transactions):
        if () not in by_address:
            raise ValueError(f"none of transaction {index}")
        if _took_effect(block, index, by_address[()].error):
            yield from _numbered(index, _moved_in(by_address))


def _moved_in(by_address: dict[tuple[int, ...], _Trace]) -> Iterator[_Moved]:
    """Go through the calls in the order of their addresses, which is that of the calls."""
    failed: set[tuple[int, ...]] = set()
    for address in sorted(by_address)[1:]:
        trace, parent = by_address[address], address[:-1]
        if parent not in by_address:
            raise ValueError(f"{address} without the call that made it")
        if trace.error or parent in failed:
            failed.add(address)
            continue
        action = trace.action
        if trace.type == "call" and action.call_type == "call":
            yield action.sender, action.to, action.value
        elif trace.type == "create":
            yield action.sender, _created(trace), action.value
        elif trace.type == "suicide":
            ended = (action.address, action.refund_address, action.balance)
            yield from _handed_over(ended, _account(by_address[parent]))


def _account(trace: _Trace) -> str | None:
    """Return in whose name the code of a call ran."""
    if trace.type == "create":
        return _created(trace)
    action = trace.action
    own = (action.call_type or "").upper() in _IN_THE_CALLERS_NAME
    return action.sender if own else action.to


def _created(trace: _Trace) -> str | None:
    return trace.result.address if trace.result else None


def _handed_over(moved: _Moved, account: str | None) -> Iterator[_Moved]:
    """Yield what a SELFDESTRUCT moved to somebody else.

    account: whose code ran. Of one in its own favour some nodes (revm's family) show the call that
    it was made in once more; then the sender is not the account.
    """
    sender, receiver, _ = moved
    if sender is None or _lower(sender) == _lower(account) != _lower(receiver):
        yield moved


def _took_effect(block: Block, index: int, error: str | None) -> bool:
    """Whether a transaction succeeded; its receipt is proven and goes before its trace."""
    receipt = block.receipts[index]
    if error and receipt.status is not None and receipt.succeeded:
        raise ValueError(f"transaction {index} succeeded, its trace says {error}")
    return receipt.succeeded and not error


def _numbered(index: int, moved: Iterable[_Moved]) -> Iterator[InternalTransfer]:
    item = 0
    for sender, receiver, value in moved:
        if value is None or not (amount := _amount(value)):
            continue
        yield InternalTransfer(index, item, _address(sender), _address(receiver), hex(amount))
        item += 1


def _amount(text: str) -> int:
    if not _QUANTITY.fullmatch(text.lower()):
        raise ValueError(f"{text[:80]!r} for a quantity")
    return int(text, 16)


def _address(text: str | None) -> Address:
    if text is None or not _ADDRESS.fullmatch(text.lower()):
        raise ValueError(f"{str(text)[:80]!r} for an address")
    return text.lower()


def _lower(text: str | None) -> str:
    return (text or "").lower()


def _require_same(index: int, found: str | None, expected: str) -> None:
    if found is None or found.lower() != expected:
        raise ValueError(f"in place of transaction {index} {expected} one is of {found}")
