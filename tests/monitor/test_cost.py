"""What rules cost."""

import runpy
from pathlib import Path

import pytest

from crypitor.monitor.condition.check import MOST_NANOSECONDS
from crypitor.monitor.cost import cost_of
from crypitor.monitor.models import Kind, rule_of

MIGRATION = runpy.run_path(
    str(Path(__file__).parents[2] / "migrations" / "versions" / "0031_rules_cost.py")
)
SWAP = "Swap(address indexed sender, (uint256 amount, bytes32[4] path) trade)"


@pytest.mark.parametrize(
    ("rule", "points"),
    [
        (rule_of(Kind.NATIVE), 1),
        (rule_of(Kind.EVENT, signature="Paused()"), 1),
        (rule_of(Kind.EVENT, signature=SWAP), 1 + 5),
        (rule_of(Kind.CALL, signature="f(uint8[][])"), 1 + 3),
        (
            rule_of(Kind.VIEW, signature="g(address) view returns (uint256, bool)", args=(None,)),
            1 + 3,
        ),
    ],
)
def test_types_of_a_signature_are_points(rule, points):
    """A rule costs one, and each type of its signature one, at all levels."""
    assert cost_of(rule) == points


def test_longer_conditions_cost_more_up_to_what_one_may():
    """A condition costs what its parts do, so that none costs more than is accepted of it."""
    costs = [
        cost_of(rule_of(Kind.ERC20, where=" and ".join(["amount % 7 == 3"] * count)))
        for count in (1, 10, 40)
    ]

    assert costs == sorted(set(costs))
    assert costs[0] > 1
    assert costs[-1] <= 1 + MOST_NANOSECONDS // 1_000


@pytest.mark.parametrize(
    "stored",
    [
        {"kind": "native"},
        {"kind": "event", "signature": "Paused()"},
        {"kind": "event", "signature": "Sent(address indexed a, address indexed b, uint256 c)"},
        {"kind": "call", "signature": "f((bool,bool),uint8)"},
    ],
)
def test_what_was_stored_before_is_counted_by_its_texts(stored):
    """Without conditions and arrays the migration counts just what saving it would."""
    rule = rule_of(Kind(stored["kind"]), signature=stored.get("signature"))

    assert MIGRATION["cost_of"](stored) == cost_of(rule)
