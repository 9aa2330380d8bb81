"""On which line of a TOML or JSON text each key and each element stands. Pure.

The parsers that say what a text means do not say where. This one goes over a text that they have
accepted and only notes places, so that it need not check anything.
Source: TOML 1.0; RFC 8259. A JSON object is an inline table with other punctuation.
"""

import json
import re
import tomllib
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the root."""

_SPACE = re.compile(r"(?:[ \t\r\n,]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\]|\\.)*"|\'[^\']*\'', re.DOTALL
)
_BARE = re.compile(r"[^\s,\]}#]+(?: [0-9][^\s,\]}#]*)?")
_KEY = re.compile(r'[ \t]*("(?:[^"\\]|\\.)*"|\'[^\']*\'|[A-Za-z0-9_-]+)[ \t]*')
_HEADER = re.compile(r"\[(\[)?")


def lines_of(text: str, *, toml: bool) -> dict[Path, int]:
    """Return the line, from 1, of every key and element of a text that parses."""
    reader = _Reader(text, toml=toml)
    if toml:
        reader.statements()
    else:
        reader.value((), reader.skip(0))
    return reader.lines


def line_of(lines: dict[Path, int], path: Path) -> int:
    """Return the line of a place, or of the nearest one above it that is there."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


class _Reader:
    """Where it is in a text is handed from method to method; what it sees goes to `lines`."""

    def __init__(self, text: str, *, toml: bool) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._toml = toml
        self._counts: dict[Path, int] = {}
        self._counted = (0, 1)

    def skip(self, at: int) -> int:
        """Return the place behind spaces, commas, line ends and comments."""
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def statements(self) -> None:
        """Read a whole TOML document."""
        table: Path = ()
        at = self.skip(0)
        while at < len(self._text):
            header = _HEADER.match(self._text, at)
            if header:
                keys, end = self._keys(header.end())
                table = self._table(keys, again=header[1] is not None)
                self._note(table, at)
                at = self._text.index("]", end) + len(header[0])
            else:
                at = self._entry(table, at)
            at = self.skip(at)

    def value(self, path: Path, at: int) -> int:
        """Read one value and return the place behind it."""
        first = self._text[at]
        if first == "{":
            at = self.skip(at + 1)
            while self._text[at] != "}":
                at = self.skip(self._entry(path, at))
            return at + 1
        if first == "[":
            at, index = self.skip(at + 1), 0
            while self._text[at] != "]":
                self._note((*path, index), at)
                at, index = self.skip(self.value((*path, index), at)), index + 1
            return at + 1
        found = (_STRING if first in "\"'" else _BARE).match(self._text, at)
        assert found is not None
        return found.end()

    def _entry(self, table: Path, at: int) -> int:
        keys, end = self._keys(at)
        for depth in range(1, len(keys) + 1):
            self._note((*table, *keys[:depth]), at)
        return self.value((*table, *keys), self.skip(end + 1))

    def _keys(self, at: int) -> tuple[list[str], int]:
        """Read a dotted key; return its parts and the place behind it."""
        keys = []
        while True:
            found = _KEY.match(self._text, at)
            assert found is not None
            keys.append(self._key(found[1]))
            at = found.end()
            if self._text[at : at + 1] != ".":
                return keys, at
            at += 1

    def _key(self, word: str) -> str:
        if word[0] not in "\"'":
            return word
        (key,) = tomllib.loads(f"{word} = 0") if self._toml else [json.loads(word, strict=False)]
        return str(key)

    def _table(self, keys: list[str], *, again: bool) -> Path:
        """Return the path of a header, with the index of the newest element of each array."""
        path: Path = ()
        for depth, key in enumerate(keys, start=1):
            path = (*path, key)
            if again and depth == len(keys):
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path = (*path, self._counts[path])
        return path

    def _note(self, path: Path, at: int) -> None:
        if path not in self.lines:
            place, line = self._counted
            if at < place:
                place, line = 0, 1
            line += self._text.count("\n", place, at)
            self._counted = (at, line)
            self.lines[path] = line
