"""The words of a condition."""

import re
from dataclasses import dataclass
from enum import Enum, auto

from crypitor.monitor.condition.errors import ConditionError

LONGEST_CONDITION = 2000
"""Characters."""


class Kind(Enum):
    """What a word is."""

    NUMBER = auto()
    HEX = auto()
    TEXT = auto()
    NAME = auto()
    SIGN = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One word; `text` of a TEXT has no quotes, of a keyword is lower case.

    start, end: 0-based offsets in the condition.
    """

    kind: Kind
    text: str
    start: int
    end: int


KEYWORDS = frozenset(("and", "or", "not", "in", "true", "false", "null"))

_SPACE = re.compile(r"\s*", re.ASCII)
_WORD = re.compile(
    r"""(?P<HEX>0[xX][0-9a-fA-F]*)
    |(?P<NUMBER>\d+(?:_\d+)*(?:\.\d+(?:_\d+)*)?(?:[eE][+-]?\d+)?)
    |(?P<TEXT>"[^"]*"|'[^']*')
    |(?P<NAME>[A-Za-z_$][\w$]*)
    |(?P<SIGN>&&|\|\||==|!=|<=|>=|\*\*|//|[-+*/%<>()\[\],.!])""",
    re.ASCII | re.VERBOSE,
)
_WORD_CHARACTER = re.compile(r"[\w$]", re.ASCII)
_SAME = {"&&": "and", "||": "or", "!": "not", "//": "/"}
_INSTEAD = {
    "=": "== compares",
    "&": "`and` joins conditions",
    "|": "`or` joins conditions",
    "^": "** is the power",
    "'": "this quote is never closed",
    '"': "this quote is never closed",
}


def tokens_of(text: str) -> list[Token]:
    """Return the words of a condition, an END after them. Raises ConditionError."""
    if len(text) > LONGEST_CONDITION:
        raise ConditionError(
            f"a condition has at most {LONGEST_CONDITION} characters", LONGEST_CONDITION
        )
    tokens: list[Token] = []
    at = _skip_space(text, 0)
    while at < len(text):
        tokens.append(_token(text, at))
        at = _skip_space(text, tokens[-1].end)
    tokens.append(Token(Kind.END, "", len(text), len(text)))
    return tokens


def _skip_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _token(text: str, at: int) -> Token:
    found = _WORD.match(text, at)
    if found is None:
        why = _INSTEAD.get(text[at], "it has no place in a condition")
        raise ConditionError(f"unexpected {text[at]!r}: {why}", at)
    kind, word, end = Kind[str(found.lastgroup)], found[0], found.end()
    if kind is Kind.HEX and _WORD_CHARACTER.match(text, end):
        raise ConditionError(f"{text[end]!r} is no hex digit", end)
    if kind is Kind.NUMBER and text[end : end + 1] == "_":
        raise ConditionError("_ stands between two digits", end)
    if kind is Kind.TEXT:
        word = word[1:-1]
    elif kind is Kind.NAME and word.lower() in KEYWORDS and not _follows_dot(text, at):
        kind, word = Kind.SIGN, word.lower()
    elif kind is Kind.SIGN:
        word = _SAME.get(word, word)
    return Token(kind, word, at, end)


def _follows_dot(text: str, at: int) -> bool:
    """Whether a word is the name of an argument, which may be `in` or `not`."""
    return text[:at].rstrip().endswith(".")
