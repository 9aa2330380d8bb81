"""What a match was about, in one cell of a list."""

import re

import pytest

from crypitor.dashboard.page import _environment
from crypitor.dashboard.words import NOTHING

COIN = {"value": "1500000000000000000", "formatted": "1.500000000000000000"}
TOKEN = {"symbol": "USDC", "decimals": 6}
SYMBOLS = {"ethereum": "ETH"}


@pytest.mark.parametrize(
    "match, shown",
    [
        ({"kind": "balance", "balance": COIN, "contract": None}, "1.5 ETH"),
        (
            {
                "kind": "balance",
                "balance": {"value": "7", "formatted": "0.000007"},
                "contract": TOKEN,
            },
            "0.000007 USDC",
        ),
        (
            {"kind": "balance", "balance": {"value": "7", "formatted": None}, "contract": TOKEN},
            "7 units",
        ),
        ({"kind": "view", "view": {"result": {"answer": "2000"}}}, "2000"),
        ({"kind": "view", "view": {"result": {"paused": True}}}, "True"),
        ({"kind": "view", "view": {"result": {"0": "x" * 40}}}, "x" * 23 + "…"),
        ({"kind": "view", "view": {"result": None}}, NOTHING),
        ({"kind": "event"}, NOTHING),
        ({"kind": "native", "amount": "5", "amount_formatted": "0.5"}, "0.5 ETH"),
    ],
)
def test_a_cell_says_what_was_seen_or_moved(match, shown):
    """Of a balance what it was, of a view what it returned."""
    page = _environment("").from_string(
        '{% import "frame/parts.html" as ui %}{{ ui.amount(match, symbols) }}'
    )
    whole = {"network": "ethereum", "amount": None, "token_id": None, **match}
    text = page.render(match=whole, symbols=SYMBOLS)

    assert " ".join(re.sub("<[^>]+>", "", text).split()) == shown
