"""Asks a node what the calls inside a block's transactions moved. Pure.

The traces are asked for once the block is there and proven: debug_traceBlockByHash names the block
that is meant, because its answer does not say of which block it is, and two blocks of one height
may hold the same transactions. Each entry of trace_block says it.
"""

from typing import Literal, TypeAlias

from msgspec.structs import replace

from crypitor.errors import NodeUnavailable
from crypitor.evm.traces import Format, read_traces
from crypitor.evm.types import Block
from crypitor.worker import rpc
from crypitor.worker.rpc import Answer, Call

Traces: TypeAlias = Literal["off", "logs"] | Format
"""networks.NAME.traces of the configuration; "logs" asks nothing, the block has them."""

ASKING: tuple[Traces, ...] = ("debug", "trace")
"""Those that take a request of their own."""


def traces_call(block: Block, written: Format) -> Call:
    """Return the call that asks for the traces of a block in this format."""
    if written == "debug":
        return Call("debug_traceBlockByHash", (block.header.hash, {"tracer": "callTracer"}))
    return Call("trace_block", (hex(block.header.number),))


def with_traces(block: Block, written: Format, answer: Answer) -> Block:
    """Return the block with its internal transfers.

    Raises NodeUnavailable if the node has no traces, Unproven for traces that cannot be its.
    """
    method = traces_call(block, written).method
    if answer.missing_method:
        raise NodeUnavailable(
            f'does not offer {method}, which traces = "{written}" of this network needs:'
            ' take a node that does, the other kind of traces, or traces = "off"'
        )
    result = rpc.result_of(answer, method)
    if rpc.is_null(result):
        raise NodeUnavailable(f"has block {block.header.number}, but not its traces")
    return replace(block, traces=read_traces(block, result, written))
