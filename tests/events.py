"""The events that the log can have at warning or above, read from the code."""

import ast
from pathlib import Path

import crypitor

ROOT = Path(crypitor.__file__).parent
LOUD = ("warning", "error", "exception", "critical")


def loud_events() -> dict[str, str]:
    """Return each event → a file that has it. Those of `development` are of no service."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        place = path.relative_to(ROOT)
        if place.parts[0] == "development":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "told"  # by Seldom, which logs warnings and errors
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                found[str(node.args[0].value)] = str(place)
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in LOUD
                and getattr(node.func.value, "id", "") == "log"
            ):
                (event, *_) = node.args
                assert isinstance(event, ast.Constant), f"{place}:{node.lineno}: name it"
                found[str(event.value)] = str(place)
    return found
