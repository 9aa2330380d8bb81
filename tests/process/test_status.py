"""What is shown of a network beside what its worker tells."""

import pytest

from crypitor.process.status import confirmed_at


@pytest.mark.parametrize(
    "tip, required, tags, expected",
    [
        (10, 3, {}, 8),
        (1, 3, {}, None),
        (2, 3, {}, 0),
        (10, "finalized", {"safe": 9, "finalized": 4}, 4),
        (10, "safe", {"safe": 9, "finalized": 4}, 9),
        (10, "safe", {"safe": 12}, 10),
        (10, "finalized", {"safe": 9, "finalized": None}, None),
        (10, "finalized", {}, None),
    ],
)
def test_the_newest_confirmed_block(tip, required, tags, expected):
    """Counted down from the tip, or what the tag names, but no higher than what was matched."""
    assert confirmed_at(tip, required, tags) == expected
