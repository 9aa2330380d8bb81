"""What a block's transactions called, as nodes tell it: nested frames, or a flat list.

Sources: go-ethereum, "callTracer"; OpenEthereum, JSON-RPC module trace.
"""

from collections.abc import Iterator

from crypitor.development.simulator.blocks import Mined, SimulatedBlock
from crypitor.development.simulator.calls import InnerCall
from crypitor.development.simulator.documents import Document
from crypitor.development.simulator.payments import IDENTITY

_REVERTED = "execution reverted"


def frame_documents(block: SimulatedBlock) -> list[Document]:
    """Return the answer of debug_traceBlockByHash with callTracer."""
    return [
        {"txHash": mined.signed.hash, "result": _frame(_whole(mined), mined.gas_used)}
        for mined in block.transactions
    ]


def trace_documents(block: SimulatedBlock) -> list[Document]:
    """Return the answer of trace_block; there is no reward since the Paris upgrade."""
    return [
        {
            **trace,
            "blockHash": block.hash,
            "blockNumber": block.number,
            "transactionHash": mined.signed.hash,
            "transactionPosition": mined.index,
        }
        for mined in block.transactions
        for trace in _traces(_whole(mined), [])
    ]


def _whole(mined: Mined) -> InnerCall:
    """Return a transaction as the call that all others are made in."""
    envelope, target = mined.signed.envelope, mined.signed.envelope.to or mined.created
    assert target is not None
    return InnerCall(
        "CALL" if envelope.to else "CREATE",
        mined.signed.sender,
        target,
        envelope.value,
        envelope.data,
        mined.call.inner_calls,
        reverts=not mined.succeeded,
    )


def _frame(call: InnerCall, gas_used: int = 0) -> Document:
    document: Document = {
        "from": call.from_address,
        "gas": hex(gas_used),
        "gasUsed": hex(gas_used),
        "to": call.to_address,
        "input": "0x" + call.data.hex(),
        "type": call.way,
    }
    if call.reverts:
        document["error"] = _REVERTED
        if call.way.startswith("CREATE"):
            del document["to"]
    if call.calls:
        document["calls"] = [_frame(each) for each in call.calls]
    if call.way != "STATICCALL":
        document["value"] = hex(call.value)
    return document


def _traces(call: InnerCall, address: list[int]) -> Iterator[Document]:
    """Yield a call and those below it; what is precompiled is shown only if it is paid."""
    below = [each for each in call.calls if each.to_address != IDENTITY or each.value]
    kind, action, result = _parts(call)
    trace: Document = {
        "type": kind,
        "action": action,
        "result": None if call.reverts else result,
        "subtraces": len(below),
        "traceAddress": address,
    }
    if call.reverts:
        trace["error"] = "Reverted"
    yield trace
    for place, each in enumerate(below):
        yield from _traces(each, [*address, place])


def _parts(call: InnerCall) -> tuple[str, Document, Document | None]:
    """Return type, action and result."""
    source, target, value = call.from_address, call.to_address, hex(call.value)
    data = "0x" + call.data.hex()
    if call.way == "SELFDESTRUCT":
        return "suicide", {"address": source, "refundAddress": target, "balance": value}, None
    action = {"from": source, "gas": "0x0", "value": value}
    if call.way.startswith("CREATE"):
        result = {"address": target, "code": "0x", "gasUsed": "0x0"}
        return "create", {**action, "init": data}, result
    action |= {"to": target, "callType": call.way.lower(), "input": data}
    return "call", action, {"gasUsed": "0x0", "output": "0x"}
