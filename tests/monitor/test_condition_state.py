"""`where` of balances and views: percentages of what was before, results by place and by name."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.evm.abi import parse_function
from crypitor.monitor.condition import (
    ConditionError,
    EvaluationError,
    Facts,
    compile_condition,
    scope_for,
)
from crypitor.monitor.condition.scope import NoResult

FEED = parse_function("function f() view returns (uint80 id, int256 answer, (bool up, int8 n) s)")
ONE = parse_function("function paused() view returns (bool yes)")
LIST = parse_function("function all() view returns (uint8[])")


def answer(text, scope, **fields):
    facts = Facts("dev", 1, None, None, None, lambda _: False, **fields)
    return compile_condition(text, scope).evaluate(facts)


@given(st.integers(0, 10**30), st.integers(1, 10**30), st.integers(-10_000, 10_000))
def test_a_percentage_is_exact(balance, previous, hundredths):
    """Whatever the size, no rounding: as fractions have it."""
    share = f"{'-' if hundredths < 0 else ''}{abs(hundredths) // 100}.{abs(hundredths) % 100:02d}%"
    wanted = Fraction(balance - previous, previous) * 100 <= Fraction(hundredths, 100)
    scope = scope_for("balance")
    fields = {"balance": balance, "previous": previous}
    assert answer(f"change <= {share}", scope, **fields) is wanted
    assert answer(f"{share} >= change", scope, **fields) is wanted


@pytest.mark.parametrize("previous", [None, 0])
def test_a_percentage_of_nothing_has_no_answer(previous):
    """Of no look before, and of zero, there is no share."""
    with pytest.raises(EvaluationError):
        answer("change <= -10%", scope_for("balance"), balance=0, previous=previous)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("balance % 7 == 3", True),
        ("(change < -50%) or balance == 10", True),
        ("not change >= -89.5%", True),
        ("change == -90% and balance % (7) == 3", True),
        ("previous != null", True),
        ("contract == null and token_id == null", True),
    ],
)
def test_a_percentage_and_a_remainder_are_told_apart(text, expected):
    """What a value follows is a remainder, all else a percentage."""
    assert answer(text, scope_for("balance"), balance=10, previous=100) is expected


@pytest.mark.parametrize(
    ("text", "function", "result", "expected"),
    [
        ("result.answer < result[1] + 1", FEED, (1, -5, (True, 2)), True),
        ("result.s.up and result[2].n == 2", FEED, (1, -5, (True, 2)), True),
        ("result and result[0] and result.yes", ONE, (True,), True),
        ("result[1] == 7 and len(result) == 2 and 7 in result", LIST, ([3, 7],), True),
    ],
)
def test_results_are_named_by_place_and_by_name(text, function, result, expected):
    """A single value is the result itself; of several each has its place and its name."""
    assert answer(text, scope_for("view", function.outputs), result=result) is expected


@pytest.mark.parametrize(
    ("text", "kind", "outputs", "sentence"),
    [
        ("balance < 10%", "balance", (), "a percentage is compared with `change`"),
        ("10% < 5", "balance", (), "a percentage is compared with `change`"),
        ("change + 10% > 5", "balance", (), "a percentage is compared with `change`"),
        ("change < 1e3%", "balance", (), "a plain number"),
        ("change < 1%", "view", ONE.outputs, "has no change"),
        ("result.other == 1", "view", FEED.outputs, "unknown field 'other'"),
        ("result[3] == 1", "view", FEED.outputs, "a number from 0 to 2"),
        ("result == 1", "view", ONE.outputs, "true or false cannot be compared"),
        ("transaction.value > 1", "balance", (), "unknown field"),
        ("amount > 1", "view", ONE.outputs, "has no amount"),
    ],
)
def test_what_has_no_place_is_refused(text, kind, outputs, sentence):
    """The sentence says what is wrong."""
    with pytest.raises(ConditionError, match=sentence):
        compile_condition(text, scope_for(kind, outputs))


@pytest.mark.parametrize("text", ["result.answer > 1", "previous[0] == 1", "result.s.up"])
def test_a_result_that_is_not_there_has_no_answer(text):
    """Neither true nor false, and no crash."""
    with pytest.raises(EvaluationError):
        answer(text, scope_for("view", FEED.outputs), result=NoResult(), previous=NoResult())
