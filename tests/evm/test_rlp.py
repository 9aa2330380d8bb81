import rlp as oracle
from hypothesis import given
from hypothesis import strategies as st

from crypitor.evm import rlp

items = st.recursive(
    st.binary(max_size=300), lambda inner: st.lists(inner, max_size=6), max_leaves=30
)


@given(items)
def test_encode_agrees_with_the_rlp_package(item):
    """Any nesting of byte strings is encoded as the PyPI package `rlp` encodes it."""
    assert rlp.encode(item) == oracle.encode(item)


@given(st.lists(items, max_size=8))
def test_sequence_joins_what_is_encoded_already(parts):
    """A list of encoded items is the encoding of the list."""
    assert rlp.sequence([rlp.encode(part) for part in parts]) == oracle.encode(parts)


@given(st.integers(min_value=0, max_value=2**300))
def test_integer_agrees_with_the_rlp_package(number):
    """A number is the shortest big-endian byte string, and zero the empty one."""
    assert rlp.integer(number) == oracle.sedes.big_endian_int.serialize(number)
