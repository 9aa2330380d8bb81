"""Filter expressions of OpenZeppelin Monitor and Defender as conditions. Pure.

Source: OpenZeppelin Monitor 1.6.0, docs/index.mdx "Filter expressions" and
src/services/filter/expression; Defender's documentation of monitors. Both compare text in whichever
case, as conditions here do.
"""

import re
from collections.abc import Callable, Sequence

Named = Callable[[str], str | None]
"""A name of the expression → the field of a condition; None where there is none."""

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'[^']*'|"[^"]*")
      | (?P<number>-?(?:0[xX][0-9a-fA-F]+|\d[\d_]*(?:\.\d+)?)(?![\w.\[]))
      | (?P<name>[A-Za-z0-9_][\w.]*(?:\[\d+\][\w.]*)*)
      | (?P<sign>==|!=|>=|<=|&&|\|\||[><()!,])
    )""",
    re.VERBOSE,
)
_COMPARISONS = ("==", "!=", ">", "<", ">=", "<=")
_CALLS = ("contains", "starts_with", "ends_with")
_DEEPEST = 50
_LONGEST = 10_000
_WORDS = {"&&": "and", "||": "or", "!": "not", "startswith": "starts_with"}


class Untranslated(Exception):
    """An expression, or a part of it, that has no counterpart; a sentence for people."""


def translated(expression: str, named: Named) -> str:
    """Return the condition that says the same. Raises Untranslated."""
    if len(expression) > _LONGEST:
        raise Untranslated(f"it is longer than {_LONGEST} characters")
    reader = _Reader(_tokens(expression), named)
    condition = reader.either(0)
    if reader.next is not None:
        raise Untranslated(f"what is {reader.next[1]!r} to say here?")
    return condition


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while text[at:].strip():
        token = _TOKEN.match(text, at)
        if token is None or token.lastgroup is None:
            raise Untranslated(f"{text[at:].strip()[:20]!r} cannot be read")
        found.append((token.lastgroup, token[token.lastgroup]))
        at = token.end()
    return found


class _Reader:
    """Reads tokens from left to right: `or` of `and` of comparisons and parentheses."""

    def __init__(self, tokens: Sequence[tuple[str, str]], named: Named) -> None:
        self._tokens = tokens
        self._at = 0
        self._named = named

    @property
    def next(self) -> tuple[str, str] | None:
        """The token that comes, None at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def either(self, depth: int) -> str:
        """Read alternatives."""
        if depth > _DEEPEST:
            raise Untranslated("it is nested too deeply")
        parts = [self._all(depth)]
        while self._word("or"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else " or ".join(parts)

    def _all(self, depth: int) -> str:
        parts = [self._one(depth)]
        while self._word("and"):
            parts.append(self._one(depth))
        return " and ".join(parts)

    def _one(self, depth: int) -> str:
        if self._word("not"):
            return f"not ({self._one(depth + 1) if depth < _DEEPEST else self.either(depth + 1)})"
        if self._sign("("):
            inner = self.either(depth + 1)
            if not self._sign(")"):
                raise Untranslated("a parenthesis is not closed")
            return f"({inner})"
        return self._comparison()

    def _comparison(self) -> str:
        kind, name = self._take()
        if kind != "name" or name.lower() in ("true", "false"):
            raise Untranslated(f"a name was expected where {name!r} stands")
        field = self._named(name)
        if field is None:
            raise Untranslated(f"there is no counterpart of {name!r}")
        kind, operator = self._take()
        word = _WORDS.get(operator.lower(), operator.lower())
        if word in _CALLS:
            return f"{word}({field}, {self._literal()})"
        if operator not in _COMPARISONS:
            raise Untranslated(f"a comparison was expected where {operator!r} stands")
        return f"{field} {operator} {self._literal()}"

    def _literal(self) -> str:
        kind, text = self._take()
        if kind == "text":
            return self._plain(text[1:-1])
        if kind == "number" and "." not in text:
            return text.lower()
        if kind == "name" and text.lower() in ("true", "false"):
            return text.lower()
        if kind == "name" and "." not in text and "[" not in text:  # text without its quotes
            return self._plain(text)
        raise Untranslated(f"there is no counterpart of the value {text!r}")

    @staticmethod
    def _plain(text: str) -> str:
        if re.fullmatch(r"0[xX][0-9a-fA-F]+", text):
            return text.lower()
        if "\\" in text or not text.isprintable():
            raise Untranslated(f"there is no counterpart of the text {text!r}")
        return f'"{text}"' if "'" in text else f"'{text}'"

    def _take(self) -> tuple[str, str]:
        if self.next is None:
            raise Untranslated("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _word(self, word: str) -> bool:
        return self._is(
            lambda kind, text: kind != "text" and _WORDS.get(text, text.lower()) == word
        )

    def _sign(self, sign: str) -> bool:
        return self._is(lambda kind, text: kind == "sign" and text == sign)

    def _is(self, wanted: Callable[[str, str], bool]) -> bool:
        found = self.next is not None and wanted(*self.next)
        self._at += found
        return found
