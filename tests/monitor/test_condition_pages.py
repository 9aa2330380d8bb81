"""What docs/conditions.md says of conditions is all that there is, and nothing else."""

import pathlib
import re

import pytest

from crypitor.monitor.condition.functions import FUNCTIONS
from crypitor.monitor.condition.scope import scope_for
from crypitor.monitor.models import Kind, rule_of
from crypitor.monitor.prepared import prepare

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "conditions.md").read_text()
WRITTEN = re.findall(r"`([^`\n]+)`", PAGE)


def test_every_function_is_named_and_no_other():
    """Each is in the table of functions as it is called."""
    table = PAGE.split("| function |")[1].split("\n\n")[0]
    named = re.findall(r"`(\w+)\(", table)

    assert set(named) == FUNCTIONS.keys()


def test_every_field_is_named():
    """Of all kinds; and what stands there as a transaction's field is one."""
    fields = {
        name
        for kind in Kind
        for name in scope_for(kind).names()
        if not name.startswith("contract.")
    }

    assert fields - set(WRITTEN) == set()
    assert {one for one in WRITTEN if re.fullmatch(r"transaction\.\w+", one)} <= fields


EXAMPLES = [
    (of, line)
    for of, lines in re.findall(
        r"<!-- conditions: ([^\n]+) -->\n```text\n(.*?)```", PAGE, re.DOTALL
    )
    for line in lines.splitlines()
]


@pytest.mark.parametrize(("of", "where"), EXAMPLES)
def test_examples_are_conditions(of, where):
    """Each could be saved."""
    event = of if of.startswith("event ") else None

    prepare(rule_of(Kind.EVENT if event else Kind(of), signature=event, where=where)).compile()


def test_there_are_examples():
    """So that the test above looks at something."""
    assert len(EXAMPLES) > 5
