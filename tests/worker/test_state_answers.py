"""Answers about the state that are none: they are the node's trouble, and end nothing."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.errors import NodeUnavailable
from crypitor.evm.multicall import Read
from crypitor.worker.rpc import Answer
from crypitor.worker.state import StateReader

CONTRACT = "0x" + "11" * 20


class Node:
    """Answers every call with the same."""

    def __init__(self, result):
        self._result = result

    async def ask(self, calls):
        return [
            Answer(at, msgspec.Raw(msgspec.json.encode(self._result))) for at in range(len(calls))
        ]


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("result", ["0xzz", "0x1", "0x" + "0" * 63 + "g", "zz", "", "0x ", 7, None])
async def test_what_is_no_hexadecimal_is_the_nodes_trouble(result, count):
    """Asked together or each for itself."""
    reader = StateReader(Node(result), lambda: 0.0)

    with pytest.raises(NodeUnavailable):
        await reader.read("0x" + "22" * 32, [Read(CONTRACT, "0x12345678")] * count)


@pytest.mark.parametrize("result", ["0x", "0xAB"])
async def test_bytes_are_taken_in_either_case(result):
    """Also none."""
    reader = StateReader(Node(result), lambda: 0.0)

    assert await reader.read("0x" + "22" * 32, [Read(CONTRACT, "0x12345678")]) == [result.lower()]


@given(st.binary(max_size=300), st.integers(2, 4))
async def test_whatever_bytes_come_for_many_the_answer_is_told_or_refused(returned, count):
    """They need not be what Multicall3 returns."""
    reader = StateReader(Node("0x" + returned.hex()), lambda: 0.0)
    try:
        found = await reader.read("0x" + "22" * 32, [Read(CONTRACT, "0x12345678")] * count)
    except NodeUnavailable:
        return
    assert len(found) == count
