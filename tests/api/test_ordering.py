"""The order in which addresses are stored."""

from hypothesis import given
from hypothesis import strategies as st

from crypitor.api.serving.ordering import in_order

TEXTS = st.dictionaries(
    st.one_of(
        st.integers(0, 2**160 - 1).map(lambda n: f"0x{n:040x}"),
        st.integers(0, 500).map(lambda n: f"0x{n:040x}"),
    ),
    st.none() | st.just("label"),
    max_size=200,
)


@given(TEXTS, st.integers(1, 50))
def test_all_come_once_and_in_order(pairs, size):
    """Whatever the addresses, they come in their order, as many at a time as were asked for."""
    chunks = [chunk for chunk in in_order({**pairs}, size) if chunk is not None]

    assert sorted(pairs.items()) == [pair for chunk in chunks for pair in chunk.items()]
    assert all(len(chunk) == size for chunk in chunks[:-1])


def test_others_may_work_in_between():
    """A long list is put into order in many steps."""
    pairs = {f"0x{n * 7919:040x}": None for n in range(50_000)}

    steps = sum(chunk is None for chunk in in_order(pairs, 10_000))

    assert steps == 25
