"""Ids that sort by time."""

import pytest

from crypitor.database.ids import is_id, new_id


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
