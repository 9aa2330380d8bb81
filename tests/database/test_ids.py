"""Ids that sort by time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.database.ids import Ids, is_id, new_id, time_of


def test_layout_is_that_of_ulid():
    """Time and random bits stand where ULID has them: the specification's example, lower case.

    01ARZ3NDEKTSV4RRFFQ69G5FAV is 1469922850259 ms and 80 bits.
    """
    random = bytes.fromhex("d6764c61efb99302bd5b")

    assert new_id("mo_", 1469922850259, random) == "mo_01arz3ndektsv4rrffq69g5fav"


def test_later_ids_sort_behind():
    """A millisecond outweighs all random bits."""
    earlier = new_id("mo_", 1_790_000_000_000, b"\xff" * 10)
    later = new_id("mo_", 1_790_000_000_001, b"\x00" * 10)

    assert earlier < later


def test_too_few_random_bytes_are_refused():
    """Ten bytes, no fewer."""
    with pytest.raises(ValueError, match="10 random bytes"):
        new_id("mo_", 1, b"")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (new_id("mo_", 1, b"0" * 10), True),
        ("mo_short", False),
        (new_id("ep_", 1, b"0" * 10), False),
        ("mo_" + "\u0661" * 26, False),
    ],
)
def test_form_of_an_id(text, expected):
    """An id has its prefix and 22 or more URL-safe ASCII characters."""
    assert is_id(text, "mo_") is expected


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_time_of_an_id_is_read_back(now, random):
    """The time that an id was made with stands in it."""
    assert time_of(new_id("mo_", now, random)) == now


@given(st.lists(st.integers(0, 2**47), min_size=1, max_size=50), st.integers(0, 2**47))
def test_ids_follow_each_other_whatever_the_clock_says(clock, newest):
    """Each id sorts behind the one before, and behind what was stored at the start."""
    ids = Ids(newest)
    made = [new_id("mo_", ids.at(now), b"\x00" * 10) for now in clock]

    assert made == sorted(set(made))
    assert made[0] > new_id("mo_", newest, b"\xff" * 10)
