"""`crypitor explain`: every alarm, loud event and reason has its explanation."""

import re
from pathlib import Path

import pytest

from crypitor.cli.explaining import docs_folder, explanations, names, reasons
from tests.events import loud_events
from tests.reasons import VALUE
from tests.reasons import reasons as all_reasons

RUNBOOK = (docs_folder() / "runbook.md").read_text()
TROUBLES = (docs_folder() / "what-can-stop-it.md").read_text()
ALERTS = (Path(__file__).parents[2] / "deploy" / "alerts.yml").read_text()


def test_every_alarm_and_loud_event_has_its_page():
    """And nothing else has one; each says what it means, what is at risk and what to do."""
    names = {*re.findall(r"- alert: (\S+)", ALERTS), *loud_events()}
    titles = re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE)

    assert sorted(titles) == sorted(names)
    for name in names:
        (text,) = explanations(name.upper(), RUNBOOK)
        assert re.findall(r"^(Means|At risk|Do): .{3,}", text, re.MULTILINE) == [
            "Means", "At risk", "Do",
        ]  # fmt: skip


@pytest.mark.parametrize("sentence", sorted(all_reasons()))
def test_a_reason_with_its_values_is_found(sentence):
    """As it stands in `trouble`, also with the name of the node before it."""
    said = sentence.replace(VALUE, "some value: 7")

    assert any(text.startswith(f"{sentence}\n") for text in reasons(said, TROUBLES))
    assert any(text.startswith(f"{sentence}\n") for text in reasons(f"node-1: {said}", TROUBLES))


def test_several_nodes_are_explained_one_by_one():
    """Their sentences are joined by a semicolon."""
    told = "a.example: timed out; b.example: connection lost"
    found = [text.partition("\n")[0] for text in reasons(told, TROUBLES)]

    assert {"timed out", "connection lost"} <= {*found}


def test_all_names_are_listed():
    """`explain` without a name tells which there are."""
    assert sorted(names(RUNBOOK)) == sorted(re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE))
