"""The page on what can stop the service has a row for every sentence that the code can say."""

import re
from pathlib import Path

from tests.reasons import reasons

PAGE = Path(__file__).parents[1] / "docs" / "what-can-stop-it.md"


def rows() -> list[tuple[str, str, str]]:
    """Return the rows of the page's tables: sentence, meaning, cure."""
    found = re.findall(r"^\| `(.+?)` \| (.+?) \| (.+?) \|$", PAGE.read_text(), re.MULTILINE)
    return [(sentence, meaning, cure) for sentence, meaning, cure in found]


def test_every_reason_has_its_row():
    """And every row has its reason: what is said no more is taken out."""
    said, told = reasons(), [sentence for sentence, _, _ in rows()]

    assert {text: said[text] for text in said.keys() - {*told}} == {}
    assert {*told} - said.keys() == set()
    assert len(told) == len({*told})


def test_sentences_are_found_where_they_are_written():
    """The look at the code finds what is raised, chosen, put together and returned."""
    assert reasons().keys() >= {
        "its chain id is …, not …",
        "no worker leads this network",
        "no node shows its head: …",
        "every node asked to be left alone",
        "no broker took a block in … s",
        "no broker of … can be used…",
        "the lead could not be kept: …",
        "this machine: …",
        "whether this process still owns the database is not known: …",
        "no answer in time; a pooler says nothing while all its sessions are in use",
    }
    assert len(reasons()) > 60
