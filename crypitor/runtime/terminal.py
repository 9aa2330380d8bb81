"""Makes text from outside harmless to whoever reads it on a terminal. Pure.

A terminal takes commands from what is printed: to hide lines, to change its title, to type for the
user. Nodes, receivers, databases and people of other projects write what we print.
"""

import re
from collections.abc import Callable

# What str.isprintable refuses: C0 and C1 controls (ECMA-48), DEL, what changes the text's direction
# or has no width (Unicode's Cf), separators of lines, and halves of characters.
_NOT_ASCII_LETTERS = re.compile(r"[^\x20-\x7e]")


def visible(text: str, keep: str = "") -> str:
    """Return a text in which what is no letter to a terminal is written out, as in Python's repr.

    keep: characters that stay: the line breaks and tabs of a text of ours.
    """
    if text.isprintable():
        return text
    return _NOT_ASCII_LETTERS.sub(
        lambda one: one[0] if one[0] in keep or one[0].isprintable() else _written(one[0]), text
    )


def json_escaped(text: str) -> str:
    """Return JSON whose texts stay the same and are visible."""
    return _escaped(text, _as_json)


def toml_escaped(text: str) -> str:
    """Return a TOML basic string that stays the same and is visible."""
    return _escaped(text, _as_toml)


def _escaped(text: str, escape: Callable[[str], str]) -> str:
    return _NOT_ASCII_LETTERS.sub(
        lambda one: one[0] if one[0] == "\n" or one[0].isprintable() else escape(one[0]), text
    )


def _written(one: str) -> str:
    return f"\\x{ord(one):02x}" if ord(one) < 0x100 else _as_toml(one)


def _as_toml(one: str) -> str:
    return f"\\u{ord(one):04x}" if ord(one) < 0x10000 else f"\\U{ord(one):08x}"


def _as_json(one: str) -> str:
    units = one.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{int.from_bytes(units[at : at + 2]):04x}" for at in range(0, len(units), 2))
