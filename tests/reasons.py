"""The sentences that `trouble` can give, read from the code: values in them are an ellipsis."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import crypitor

ROOT = Path(crypitor.__file__).parent

ELSEWHERE = ("cli", "development", "process/check", "webhook")
"""What is raised there ends a command, or is told of an attempt or an endpoint."""

OF_THE_MACHINE = {"Exhausted": 0}
"""But what is short on this machine, whoever finds out."""

RAISED = {
    "Unavailable": 0, "NodeUnavailable": 0, "BrokerUnavailable": 0, "DatabaseUnavailable": 0,
    "DeepReorg": 0, "Unproven": 1, "BrokenLink": 1, "LeftChain": 0, "Refused": 0, "NoState": 0, **OF_THE_MACHINE,
}  # fmt: skip
"""Exception → the place of its sentence among its arguments."""

SAYS_ITSELF = {"NodeUnavailable", "DeepReorg", "Unavailable", "DatabaseUnavailable"}
"""Kinds of which others are made that bring their own sentence."""

TOLD = {"begin": 1, "accuse": 1, "silent": 0, "note_trouble": 2, "_doubt": 0}
"""The same of functions that are given a sentence."""

RETURNING = (
    "reason",
    "_trouble",
    "trouble_of",
    "_what_keeps_us_out",
    "reset_reason",
    "lack_of",
    "_words",
    "_waiting",
)
NAMES = ("trouble", "reason", "reasons", "late", "doubt")
VALUE = "…"


@cache
def reasons() -> dict[str, str]:
    """Return each sentence → a file that has it; one that is nothing but values is left out."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        place = path.relative_to(ROOT)
        tree = ast.parse(path.read_text())
        elsewhere = str(place).startswith(ELSEWHERE)
        for text in _raised(tree, OF_THE_MACHINE) if elsewhere else _of(tree):
            if text.replace(VALUE, "").strip(" :;,.()"):
                found[text] = str(place)
    return found


def _of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and SAYS_ITSELF & {
            getattr(base, "id", "") for base in node.bases
        }:
            yield from _of_class(node)
        if isinstance(node, ast.Assign):
            names = {getattr(one, "id", getattr(one, "attr", "")) for one in node.targets}
            if names & {*NAMES}:
                yield from _texts(node.value)
            for target in node.targets:
                if isinstance(target, ast.Subscript) and "troubles" in ast.dump(target):
                    yield from _texts(node.value)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "trouble":
                    yield from _texts(value)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in RETURNING:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and inner.value is not None:
                    yield from _texts(_constant(inner.value, tree))
    yield from _raised(tree, {**RAISED, **TOLD})


def _raised(tree: ast.AST, of: Mapping[str, int]) -> Iterator[str]:
    """Yield what calls of these names are given."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            place = of.get(getattr(node.func, "id", getattr(node.func, "attr", "")))
            if place is not None and len(node.args) > place:
                yield from _texts(node.args[place])


def _constant(node: ast.expr, tree: ast.AST) -> ast.expr:
    """Return the text of a module's constant for its name; anything else as it is."""
    for one in getattr(tree, "body", ()):
        if isinstance(one, ast.Assign) and getattr(node, "id", "") in {
            getattr(target, "id", None) for target in one.targets
        }:
            return one.value
    return node


def _of_class(tree: ast.ClassDef) -> Iterator[str]:
    """Yield what an exception says in its `__init__`, and what it is called wrong for."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "attr", "") == "__init__"
            and node.args
        ):
            yield from _texts(node.args[0])
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "attr", "") == "wrong":
            yield from _texts(node.value)


def _texts(node: ast.expr) -> Iterator[str]:
    """Yield what an expression can be, if it is text or a choice between texts."""
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.BoolOp | ast.List):
        for value in node.values if isinstance(node, ast.BoolOp) else node.elts:
            yield from _texts(value)
    elif isinstance(node, ast.BinOp | ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    ):
        yield " ".join(_text(node).replace("`", "").split())


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    if isinstance(node, ast.BinOp):
        return _text(node.left) + _text(node.right)
    return VALUE
