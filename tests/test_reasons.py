"""The page on what can stop the service has a row for every sentence that the code can say."""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import crypitor
from crypitor.errors import DeepReorg, Unavailable
from tests.reasons import RAISED, reasons

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


def kinds(of):
    """Yield an error and all that are made of it."""
    yield of
    for one in of.__subclasses__():
        yield from kinds(one)


def test_no_kind_of_outage_is_left_out():
    """Each error that is waited for is read where it is raised, or says its sentence itself."""
    for module in walk_packages(crypitor.__path__, "crypitor."):
        if module.name != "crypitor.__main__":
            import_module(module.name)
    waited_for = {*kinds(Unavailable), *kinds(DeepReorg)}

    assert {
        one.__name__ for one in waited_for if "__init__" not in vars(one)
    } - RAISED.keys() == set()
    assert len(waited_for) > 8


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
