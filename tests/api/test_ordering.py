"""The order in which addresses are stored."""

import random
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.api.serving.ordering import PLACED_AT_ONCE, in_order
from crypitor.api.serving.packed import Packed

TEXTS = st.dictionaries(
    st.one_of(
        st.integers(0, 2**160 - 1).map(lambda n: f"0x{n:040x}"),
        st.integers(0, 500).map(lambda n: f"0x{n:040x}"),
    ),
    st.none() | st.just("label"),
    max_size=200,
)


def packed(pairs):
    """Return pairs as they come from a body."""
    whole = Packed()
    for address, label in pairs:
        whole.add(address, label)
    return whole


@given(TEXTS, st.integers(1, 50))
def test_all_come_once_and_in_order(pairs, size):
    """Whatever the addresses, they come in their order, as many at a time as were asked for."""
    chunks = [chunk for chunk in in_order(packed(pairs.items()), size) if chunk is not None]

    assert sorted(pairs.items()) == [pair for chunk in chunks for pair in chunk.items()]
    assert all(len(chunk) == size for chunk in chunks[:-1])


def test_others_may_work_in_between():
    """A long list is put into order in many steps."""
    pairs = {f"0x{n * 7919:040x}": None for n in range(50_000)}

    steps = sum(chunk is None for chunk in in_order(packed(pairs.items()), 10_000))

    assert steps == 25


@given(st.lists(st.tuples(st.integers(0, 9), st.none() | st.text("aß€𝄞", min_size=1)), max_size=60))
def test_of_one_that_comes_again_the_last_label_counts(entries):
    """One without a label leaves the label before it; all but the first are counted."""
    pairs = [(f"0x{number:040x}", label) for number, label in entries]
    last = {}
    for address, label in pairs:
        last[address] = label or last.get(address)
    whole = packed(pairs)
    chunks = [chunk for chunk in in_order(whole, 3) if chunk is not None]

    assert {address: label for chunk in chunks for address, label in chunk.items()} == last
    assert whole.repeated == len(pairs) - len(last)


@pytest.mark.parametrize("kind", ["random", "rising", "falling", "few", "sampled"])
def test_many_runs_become_one_order(kind):
    """However 50,000 are sent, all come once and in their order."""
    chance = random.Random(kind)
    numbers = {
        "random": [chance.getrandbits(160) for _ in range(50_000)],
        "rising": [*range(50_000)],
        "falling": [*range(50_000, 0, -1)],
        "few": [chance.randrange(3) for _ in range(50_000)],
        "sampled": [0 if n % 200 == 0 else 2**159 + n * 7919 for n in range(50_000)],
    }[kind]
    whole = packed((f"0x{number:040x}", None) for number in numbers)
    chunks = [chunk for chunk in in_order(whole, 1_000) if chunk is not None]

    assert [int(one, 16) for chunk in chunks for one in chunk] == sorted(set(numbers))
    assert whole.repeated == len(numbers) - len(set(numbers))


def test_others_may_work_while_one_comes_again_and_again():
    """A list of a single address is put into order in as many steps as any other."""
    whole = packed([(f"0x{7:040x}", None)] * 20_000)

    assert sum(chunk is None for chunk in in_order(whole, 1_000)) >= 20_000 // PLACED_AT_ONCE


def test_what_is_packed_is_a_few_large_pieces():
    """A hundred thousand addresses take a few MB, and next to no objects."""
    before = sys.getallocatedblocks()
    whole = packed((f"0x{n:040x}", "label") for n in range(100_000))

    assert len(whole) == 100_000
    assert sys.getallocatedblocks() - before < 1_000
