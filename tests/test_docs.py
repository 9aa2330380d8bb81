"""The documentation, held against what is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def test_every_decision_stands_in_the_index_once():
    """
    Who looks for a decision by its subject finds it.
    """
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[^)]+\.md)\)", (folder / "README.md").read_text())

    assert sorted(listed) == sorted(path.name for path in folder.glob("[0-9]*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    """
    A link to a file of this repository names a file that is there.
    """
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    files = [link for link in links if not re.match(r"[a-z]+:", link)]

    assert [link for link in files if not (page.parent / link).exists()] == []


def test_the_places_that_the_architecture_names_are_there():
    """
    "You want to change …" leads to files and folders of the package.
    """
    text = (ROOT / "docs" / "architecture.md").read_text()
    table = text[text.index("## You want to change") :]
    table = table[: table.index("\n\n", table.index("|---"))]
    places = re.findall(r"`([a-z_/]+(?:\.py|/))`", table)

    assert len(places) > 20
    assert [place for place in places if not (ROOT / "crypitor" / place).exists()] == []
