"""Every regular expression of the program takes time that grows no faster than its text."""

import ast
import importlib
import itertools
import pkgutil
import re
import time
from collections.abc import Iterator
from pathlib import Path
from re import _constants as constants  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]

import pytest

import crypitor

LENGTH = 64 * 1024
MOST_SECONDS = 0.75
"""Of the processor, for what linear patterns do in some milliseconds and quadratic ones in minutes."""

METHODS = {"search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
SAMPLES = "aA0 _.-:/@=&?#%\"'\\\n,;()[]{}<>|é"


def modules() -> Iterator[str]:
    for found in pkgutil.walk_packages(crypitor.__path__, "crypitor."):
        if found.name != "crypitor.__main__":
            yield found.name


def uses() -> dict[tuple[str, int, str], re.Pattern]:
    """Return each use: the file, the line and the method, and the pattern that is used."""
    found = {}
    for name in modules():
        module = importlib.import_module(name)
        if not (module.__file__ or "").endswith(".py"):
            continue
        for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            method, owner = node.func.attr, node.func.value
            if method not in METHODS or not isinstance(owner, ast.Name):
                continue
            pattern = inline(module, node) if owner.id == "re" else getattr(module, owner.id, None)
            if isinstance(pattern, re.Pattern):
                found[name, node.lineno, method] = pattern
    return found


def inline(module, call: ast.Call) -> re.Pattern:
    """Return what `re.sub("…", …)` compiles."""
    names = vars(module)
    text = eval(compile(ast.Expression(call.args[0]), "<pattern>", "eval"), names)
    flags = 0
    for given in [*call.args[1:], *(word.value for word in call.keywords)]:
        written = ast.unparse(given)
        if re.fullmatch(r"re\.[A-Z]+( \| re\.[A-Z]+)*", written):
            flags |= eval(written, names)
    return re.compile(text, flags)


USES = uses()


def pieces_of(pattern: re.Pattern) -> tuple[list[str], list[str]]:
    """Return literal runs and single characters that a pattern speaks of."""
    text = pattern.pattern
    source = text.decode("latin-1") if isinstance(text, bytes) else text
    runs, characters = [""], []

    def walk(items) -> None:
        for kind, value in items:
            if kind is constants.LITERAL:
                runs[-1] += chr(value)
                characters.append(chr(value))
                continue
            runs.append("")
            if kind is constants.IN:
                for inner, given in value:
                    if inner is constants.LITERAL:
                        characters.append(chr(given))
                    elif inner is constants.RANGE:
                        characters.append(chr(given[1]))
            elif kind in (constants.MAX_REPEAT, constants.MIN_REPEAT, constants.POSSESSIVE_REPEAT):
                walk(value[2])
            elif kind is constants.SUBPATTERN:
                walk(value[3])
            elif kind is constants.BRANCH:
                for branch in value[1]:
                    runs.append("")
                    walk(branch)
            runs.append("")

    walk(parser.parse(source, pattern.flags & ~re.UNICODE if isinstance(text, bytes) else 0))
    return [run for run in runs if run], characters


def worst_texts(pattern: re.Pattern) -> Iterator[str]:
    """Yield texts that keep a pattern hoping: what it speaks of, again and again, in all pairs."""
    runs, characters = pieces_of(pattern)
    begin = "".join(dict.fromkeys(runs))
    several = list(dict.fromkeys([*runs, *characters, *SAMPLES]))[:40]
    for piece in several:
        body = piece * (LENGTH // len(piece))
        yield body
        yield body + "\0"
        for run in list(dict.fromkeys([begin, *runs]))[:6]:
            yield run + body + "\0"
    for one, other in itertools.permutations(several[:14], 2):
        yield (one + other) * (LENGTH // (2 * len(one + other))) + "\0"


@pytest.mark.parametrize("use", USES, ids=lambda use: f"{use[0]}:{use[1]}:{use[2]}")
def test_a_pattern_is_linear(use):
    """No text of 64 KB takes a processor longer than one would wait for a request."""
    pattern, method = USES[use], use[2]
    for text in worst_texts(pattern):
        whole = text.encode("latin-1") if isinstance(pattern.pattern, bytes) else text
        began = time.process_time()
        match method:
            case "search" | "match" | "fullmatch":
                getattr(pattern, method)(whole)
            case _:
                sum(1 for _ in pattern.finditer(whole))
        took = time.process_time() - began
        assert took < MOST_SECONDS, f"{took:.1f} s for {text[:60]!r}…"


def test_the_patterns_are_found():
    """Those that read what strangers write are among them."""
    found = {name for name, _, _ in USES}

    assert {
        "crypitor.runtime.redaction",
        "crypitor.api.serving.errors",
        "crypitor.api.serving.entries",
    } <= found
    assert len(USES) > 50
