"""What a type is measured to be once is what its definition says at each level."""

from hypothesis import given
from hypothesis import strategies as st

from crypitor.evm.abi.types import (
    AddressType,
    Argument,
    ArrayType,
    BytesType,
    FixedBytesType,
    IntegerType,
    StringType,
    TupleType,
    head_words,
    is_dynamic,
    types_in,
)

PLAIN = st.sampled_from(
    [AddressType(), BytesType(), StringType(), FixedBytesType(4), IntegerType(256, signed=False)]
)
TYPES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.builds(ArrayType, inner, st.one_of(st.none(), st.integers(1, 5))),
        st.lists(inner, min_size=1, max_size=4).map(
            lambda kinds: TupleType(tuple(Argument("", kind) for kind in kinds))
        ),
    ),
    max_leaves=30,
)


def dynamic(kind) -> bool:
    """Source: Solidity documentation, "Formal Specification of the Encoding"."""
    match kind:
        case BytesType() | StringType():
            return True
        case ArrayType(item, length):
            return length is None or dynamic(item)
        case TupleType(members):
            return any(dynamic(member.type) for member in members)
    return False


def words(kind) -> int:
    """Return the words of a head, walking all of a type."""
    if dynamic(kind):
        return 1
    match kind:
        case ArrayType(item, length):
            return words(item) * length
        case TupleType(members):
            return sum(words(member.type) for member in members)
    return 1


def count(kind) -> int:
    """Return how many types a type is made of."""
    match kind:
        case ArrayType(item, _):
            return 1 + count(item)
        case TupleType(members):
            return 1 + sum(count(member.type) for member in members)
    return 1


@given(TYPES)
def test_a_type_is_measured_as_it_is_defined(kind):
    """Whether it is dynamic, how many words its head has, and of how many types it is made."""
    assert is_dynamic(kind) == dynamic(kind)
    assert head_words(kind) == words(kind)
    assert types_in((Argument("", kind), Argument("", kind))) == 2 * count(kind)


@given(TYPES)
def test_what_was_measured_is_no_part_of_what_it_is(kind):
    """Equal types are equal and hash alike, and a type says of itself what made it."""
    again = eval(repr(kind))

    assert again == kind
    assert hash(again) == hash(kind)
