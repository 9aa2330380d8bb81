"""What is logged, and in which form. Each in a process of its own, as logging is global."""

import ast
import json
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import logging, sys, warnings
import structlog
from crypitor.runtime.log import setup
log = structlog.get_logger("test")
setup("{level}", "{form}")
{body}
"""


def run(body: str, level: str = "info", form: str = "json") -> str:
    """Return what a program with our logging writes to standard error."""
    program = PROGRAM.format(body=body, level=level, form=form)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "")
    return done.stderr


def test_without_a_terminal_each_event_is_one_line_of_json():
    """A pipe is no terminal, so auto is JSON."""
    line = json.loads(run('log.info("block matched", network="dev", number=5)', form="auto"))

    assert line.pop("time").endswith("Z")
    assert line == {"event": "block matched", "level": "info", "network": "dev", "number": 5}


def test_the_console_form_is_for_people():
    """Event first, fields behind it, no braces."""
    line = run('log.info("block matched", network="dev")', form="console")

    assert "block matched" in line
    assert "network=dev" in line
    assert "{" not in line


def test_the_level_holds_back_what_is_below_it():
    """Debug lines cost nothing unless they are asked for."""
    body = 'log.debug("one"); log.info("two"); log.warning("three")'

    assert [json.loads(line)["event"] for line in run(body, "warning").splitlines()] == ["three"]
    assert len(run(body, "debug").splitlines()) == 3


def test_libraries_are_heard_from_warning_on_in_the_same_form():
    """Their debug lines would drown ours, and may hold secrets."""
    body = """
logging.getLogger("aiokafka").info("no")
logging.getLogger("aiokafka").warning("broker %s is gone", "https://user:sesame@host/")
"""
    line = json.loads(run(body, "debug"))

    assert (line["event"], line["level"], line["logger"]) == (
        "broker https://host/ is gone",
        "warning",
        "aiokafka",
    )


def test_no_secret_is_logged_wherever_it_stands():
    """In the event, in fields, deep in them, in errors and in tracebacks with their variables."""
    body = """
secret = "whsec_sesameMfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
log.info("made " + secret, one=secret, deep={"list": [secret, (secret,)]}, error=ValueError(secret))
def fails(local):
    raise ValueError("cannot use https://node.example/v3/sesame95b3bc440fa88ea12eaa4456161")
try:
    fails(secret)
except ValueError:
    log.exception("failed")
    logging.getLogger("library").exception("failed")
"""
    for form in ("json", "console"):
        said = run(body, form=form)

        assert "Traceback" in said
        assert "cannot use https://node.example/v3/" in said
        assert "sesame" not in said


def test_what_is_logged_is_cut_however_deep_and_however_much():
    """A stranger's text, list or object cannot fill a disk; the end of a traceback stays."""
    body = """
log.info("x" * 10**6, text="y " * 10**6, list=["z" * 10**5] * 10**5, deep={"a": [["b" * 10**6]]})
nested = []
for _ in range(900):
    nested = [nested]
log.info("nested", nested=nested)
try:
    raise ValueError("long " * 10**6 + "\\n" + "line\\n" * 10**5 + "the end")
except ValueError:
    log.exception("failed")
"""
    for form in ("json", "console"):
        said = run(body, form=form)

        assert len(said) < 1_000_000
        assert "characters)" in said
        assert "the end" in said


ODD = """
import enum, pathlib
class Way(enum.StrEnum):
    IN = "in"
class Bare:
    pass
log.info(
    "odd", way=Way.IN, path=pathlib.Path("/a"), body=b"\\x01", names={"b", "a"}, bare=Bare(),
    nothing=None, yes=True, inner={"of": [Bare(), Way.IN]}, wrong=ValueError("bad"),
)
"""


def test_no_object_of_the_program_is_printed():
    """As JSON: what has a text has that, anything else its type's name and no place in memory."""
    line = json.loads(run(ODD))

    assert {name: line[name] for name in line if name not in ("time", "level", "event")} == {
        "way": "in", "path": "/a", "body": "0x01", "names": ["a", "b"], "bare": "Bare",
        "nothing": None, "yes": True, "inner": {"of": ["Bare", "in"]}, "wrong": "bad",
    }  # fmt: skip


def test_people_see_no_python_either():
    """On a terminal values stand as in JSON."""
    line = run(ODD, form="console")

    assert "None" not in line
    assert "True" not in line
    assert "object at" not in line
    assert "Way" not in line
    assert '{"of": ["Bare", "in"]}' in line


def test_no_field_has_a_name_of_the_logs_own():
    """`level=` of an event would be lost: the log writes its own there."""
    taken = {"level", "time", "event", "timestamp"}
    wrong = [
        (path.name, call.lineno)
        for path in Path("crypitor").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "log"
        and taken & {word.arg for word in call.keywords}
    ]

    assert wrong == []
