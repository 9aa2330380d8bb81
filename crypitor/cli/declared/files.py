"""Reads what the files say, and says of every mistake in which file, at which key and line."""

import json
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from crypitor.api.serving.entries import entry_of
from crypitor.cli.declared.places import Path, line_of, lines_of
from crypitor.errors import ConfigError
from crypitor.evm.types import Address

STDIN = "-"
Table: TypeAlias = Literal["endpoints", "monitors"]
_TABLES: dict[str, Table] = {"endpoints": "endpoints", "monitors": "monitors"}

Addresses: TypeAlias = dict[Address, str | None] | Literal["any"]
"""Address → label, or everybody's."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file: its name, and the line of everything in it."""

    name: str
    lines: dict[Path, int] = field(repr=False)

    def mistake(self, path: Path, problem: str) -> str:
        """Return a line for people: `monitors.toml:12: monitors.Treasury.rules[0].kind: …`."""
        return f"{self.name}:{line_of(self.lines, path)}: {spelled(path)}: {problem}"


@dataclass(frozen=True, slots=True)
class Declaration:
    """One monitor or endpoint of a file. fields: as they stand there, but for the addresses."""

    table: Table
    key: str
    fields: dict[str, Any]
    source: Source
    addresses: Addresses = field(default_factory=dict, repr=False)

    def mistake(self, path: Path, problem: str) -> str:
        """Return a line for people about a place within this table."""
        return self.source.mistake((self.table, self.key, *path), problem)


def read_files(names: Sequence[str], read: Callable[[str], str]) -> list[Declaration]:
    """Return what all files declare together.

    read: name → text; raises OSError. Raises ConfigError with all mistakes at once.
    """
    mistakes: list[str] = []
    found: dict[tuple[str, str], Declaration] = {}
    for name in names:
        for declaration in _declarations(name, read, mistakes):
            place = (declaration.table, declaration.key)
            if place in found:
                first = found[place].source
                line = line_of(first.lines, place)
                mistakes.append(declaration.mistake((), f"stands in {first.name}:{line} already"))
            found.setdefault(place, declaration)
    if mistakes:
        raise ConfigError("nothing was applied", mistakes)
    return list(found.values())


def spelled(path: Iterable[str | int]) -> str:
    """Return a path as TOML writes it: `monitors."Hot wallets".rules[0].kind`."""
    words = ""
    for part in path:
        if isinstance(part, int):
            words += f"[{part}]"
        else:
            plain = part.replace("_", "").replace("-", "").isalnum() and part.isascii()
            words += f".{part if plain else json.dumps(part, ensure_ascii=False)}"
    return words.removeprefix(".") or "the file"


def _declarations(
    name: str, read: Callable[[str], str], mistakes: list[str]
) -> Iterable[Declaration]:
    shown = "standard input" if name == STDIN else name
    try:
        text = read(name)
        is_toml = not (name.endswith(".json") or text.lstrip().startswith("{"))
        document = tomllib.loads(text) if is_toml else json.loads(text)
    except OSError as error:
        mistakes.append(f"{shown}: cannot be read: {error.strerror}")
        return
    except json.JSONDecodeError as error:
        mistakes.append(f"{shown}:{error.lineno}: is not JSON: {error.msg}")
        return
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        mistakes.append(f"{shown}: is not TOML: {error}")
        return
    if not isinstance(document, dict):
        mistakes.append(f"{shown}:1: the file has to be an object")
        return
    source = Source(shown, lines_of(text, toml=is_toml))
    for word, entries in document.items():
        table = _TABLES.get(word)
        if table is None:
            known = " and ".join(f"[{known}.KEY]" for known in _TABLES)
            mistakes.append(source.mistake((word,), f"unknown table; there are {known}"))
        elif not isinstance(entries, dict):
            mistakes.append(source.mistake((table,), f"this is a table: [{table}.KEY]"))
        else:
            for key, fields in entries.items():
                declaration = _declaration(table, key, fields, source, mistakes)
                if declaration is not None:
                    yield declaration


def _declaration(
    table: Table, key: str, fields: object, source: Source, mistakes: list[str]
) -> Declaration | None:
    if not isinstance(fields, Mapping):
        mistakes.append(source.mistake((table, key), f"this is a table: [{table}.KEY]"))
        return None
    if not key.strip():
        mistakes.append(source.mistake((table, key), "the key must not be empty"))
    rest = dict(fields)
    bare = Declaration(table, key, rest, source)
    if table == "endpoints":
        return bare
    return Declaration(table, key, rest, source, _addresses(bare, rest, mistakes))


def _addresses(bare: Declaration, fields: dict[str, Any], mistakes: list[str]) -> Addresses:
    entries = fields.pop("addresses", [])
    if entries == "any":
        return "any"
    if not isinstance(entries, list):
        mistakes.append(bare.mistake(("addresses",), 'this has to be a list, or "any"'))
        return {}
    addresses: dict[Address, str | None] = {}
    for place, entry in enumerate(entries):
        try:
            address, label = entry_of(entry)
        except ValueError as error:
            mistakes.append(bare.mistake(("addresses", place), str(error)))
        else:
            addresses[address] = label if label is not None else addresses.get(address)
    return addresses
