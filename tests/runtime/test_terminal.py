"""What is printed is no more to a terminal than letters, wherever it came from."""

import io
import json
import tomllib

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from crypitor.cli.declared.write import _string
from crypitor.cli.saying import say
from crypitor.development.listen import Received, line
from crypitor.process.check.finding import Finding, trouble
from crypitor.runtime.log import setup
from crypitor.runtime.terminal import json_escaped, visible

# ECMA-48 sequences (colour, title, clipboard, cursor), C1 forms of them, a bell, a forged line,
# text that runs backwards, and half a character.
EVIL = [
    "\x1b[31mred", "\x1b]0;title\x07", "\x1b]52;c;cm0gLXJmIC8=\x07", "\x1b[2J\x1b[H", "\x9b31mred",
    "\x9d0;title\x9c", "a\x08\x08b", "a\rb", "a\nTROUBLE  forged", "\u202egnp.exe", "\u2066x\u2069",
    "a\u200bb", "\x7f", "\x00", "\ud800", "\u2028x",
]  # fmt: skip


def harmless(text, keep="\n"):
    return all(one.isprintable() or one in keep for one in text)


@given(st.text())
def test_whatever_it_is_only_letters_are_left(text):
    """Printable text stays as it is, and other text is told."""
    told = visible(text)

    assert told.isprintable()
    assert (told == text) is text.isprintable()


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_json_stays_the_same_text(text):
    """What is escaped in JSON and TOML is read as it was, but for half characters in TOML."""
    told = json_escaped(json.dumps(text, ensure_ascii=False))

    assert told.isprintable()
    assert json.loads(told) == text
    if not any(0xD800 <= ord(one) < 0xE000 for one in text):
        assert tomllib.loads(f"a = {_string(text)}")["a"] == text


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("form", ["console", "json"])
def test_the_log_is_letters(evil, form):
    """Events, names, values, what is within them, and tracebacks; a value is on its line."""
    stream = io.StringIO()
    setup("info", form, stream)
    try:
        log = structlog.get_logger("test")
        log.info("event", value=evil, inner={"a": [evil, {evil: 1}]}, error=ValueError(evil))
        log.error("failed", exc_info=ValueError(evil))
    finally:
        structlog.reset_defaults()

    assert harmless(stream.getvalue())
    assert not any(
        one.startswith("TROUBLE") for one in stream.getvalue().split("failed")[0].splitlines()
    )


@pytest.mark.parametrize("evil", EVIL)
def test_what_check_finds_is_letters_on_its_own_line(evil):
    """A node's answer forges no other finding."""
    told = str(trouble("node", f"it says {evil}", f"ask {evil}"))

    assert harmless(told)
    assert len(told.splitlines()) == 2
    assert harmless(str(Finding(evil, True, evil)))


@pytest.mark.parametrize("evil", EVIL)
def test_commands_print_letters(evil):
    """Line breaks and tabs are the command's own."""
    import typer

    app = typer.Typer()
    app.command()(lambda: say(f"a\t{evil}\n"))
    told = CliRunner().invoke(app).output

    assert harmless(told, keep="\n\t")


BODIES = [
    lambda evil: json.dumps({"type": "match.detected", "data": {
        "monitor": {"name": evil}, "label": evil, "network": evil, "kind": evil, "amount": evil,
        "contract": {"symbol": evil, "address": evil}, "token_id": evil, "from_address": evil,
        "block": {"number": evil}, "direction": "in",
    }}).encode(),
    lambda evil: json.dumps({"type": evil}).encode(),
    lambda evil: json.dumps({"eventId": evil, "type": "x", "name": evil}, ensure_ascii=False).encode(errors="replace"),
    lambda evil: b"no JSON " + evil.encode(errors="replace"),
]  # fmt: skip


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("body", BODIES)
def test_a_webhook_is_told_in_letters(evil, body):
    """By `listen` and `demo`, whoever sent it, and what is wrong with its signature."""
    received = Received("/", {}, body(evil), False, evil, 400, 0.0)
    stream = io.StringIO()
    Console(file=stream, highlight=False, soft_wrap=True, color_system=None).print(line(received))

    assert harmless(stream.getvalue())
