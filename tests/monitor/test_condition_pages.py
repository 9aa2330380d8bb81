"""What docs/monitors.md says of conditions is all that there is, and nothing else."""

import pathlib
import re

from crypitor.monitor.condition.functions import FUNCTIONS
from crypitor.monitor.condition.scope import scope_for
from crypitor.monitor.models import Kind

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "monitors.md").read_text()
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
