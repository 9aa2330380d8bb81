"""Many texts looked at at once, beside regular expressions over one at a time."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crypitor.evm.hexes import are_bytes, are_hex, are_quantities

SIZE = 6
ONE_BY_ONE = {
    "are_hex": (lambda texts: are_hex(texts, SIZE), re.compile("0x[0-9a-f]{4}")),
    "are_bytes": (are_bytes, re.compile("0x(?:[0-9a-f]{2})*")),
    "are_quantities": (are_quantities, re.compile("0x[0-9a-f]{1,64}")),
}

pieces = st.sampled_from(["0x", "0", "x", " ", "\n", "a1", "f", "F", "0X", "é", "0xabcd", "0x12"])
texts = st.lists(st.lists(pieces, max_size=4).map("".join), max_size=4)


@pytest.mark.parametrize("name", ONE_BY_ONE)
@given(texts=texts)
@example(texts=["0xabcd", "0x1234"])
@example(texts=["0xabcd0", "x1234"])
@example(texts=["0xabcd 0x1234", ""])
@example(texts=["0xabc", "d0x1234"])
@example(texts=["0xab", "1234", "0xab"])
@example(texts=["0x", "0xa", "0x"])
def test_all_at_once_is_as_one_by_one(name: str, texts: list[str]) -> None:
    """A list of texts passes exactly if each of them does alone."""
    at_once, pattern = ONE_BY_ONE[name]

    passed = at_once(texts)

    assert passed == all(pattern.fullmatch(text) for text in texts)
