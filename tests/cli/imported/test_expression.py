"""Expressions of OpenZeppelin's as conditions: what they say, and what is not taken for something else."""

import pytest

from crypitor.cli.imported.expression import Untranslated, translated
from crypitor.cli.imported.monitors import TRANSACTION

ARGS = {"value": "args.value", "to": "args.to", "path[0]": "args.path[0]", "name": "args.name"}


@pytest.mark.parametrize(
    ("expression", "condition"),
    [
        ("value > 10000000000", "args.value > 10000000000"),
        ("value>=1 AND value<5", "args.value >= 1 and args.value < 5"),
        ("value > 1 or value < 5 and to == 0xAB", "args.value > 1 or args.value < 5 and args.to == 0xab"),
        ("(value > 1 OR value < 5) and to != '0xAB'", "(args.value > 1 or args.value < 5) and args.to != 0xab"),
        ("name contains 'error'", "contains(args.name, 'error')"),
        ("name STARTS_WITH \"it's\"", 'starts_with(args.name, "it\'s")'),
        ("name ends_with '.txt'", "ends_with(args.name, '.txt')"),
        ("name == true", "args.name == true"),
        ("name == plain", "args.name == 'plain'"),
        ("path[0] == 0xAB", "args.path[0] == 0xab"),
        ("value == -5", "args.value == -5"),
        ("not (value == 1)", "not ((args.value == 1))"),
        ("value > 1 && to == 0xAB || value == 2", "args.value > 1 and args.to == 0xab or args.value == 2"),
    ],
)  # fmt: skip
def test_an_expression_says_the_same(expression, condition):
    """Words in whichever case, names by what they stand for."""
    assert translated(expression, ARGS.get) == condition


@pytest.mark.parametrize(
    "expression",
    [
        "", "value", "value >", "> 5", "(value > 5", "value > 5)", "value > 1.5", "other > 5",
        "value == (1, 2)", "value > 5 value < 6", "5 > value", "value = 5", "value > 5; drop",
        "name == 'a\\b'", "value in [1]", "(" * 500 + "value > 5" + ")" * 500, "value > 5 and",
        "not " * 500 + "value > 5", "x" * 20_000,
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_said(expression):
    """In a sentence, and never as another condition."""
    with pytest.raises(Untranslated, match=r"\w"):
        translated(expression, ARGS.get)


def test_what_they_call_fields_of_a_transaction():
    """Those that a condition has; a limit of gas is none of them."""
    assert translated("from == 0xAB and gas_used > 21000", TRANSACTION.get) == (
        "transaction.from_address == 0xab and transaction.gas_used > 21000"
    )
    with pytest.raises(Untranslated, match="gas_limit"):
        translated("gas_limit > 21000", TRANSACTION.get)
