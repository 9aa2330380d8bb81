"""Signatures as compilers write them: an entry of a JSON ABI."""

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from crypitor.evm.abi.signature import (
    DEEPEST_TYPE,
    SignatureError,
    array_of,
    elementary_type,
    event_of,
    function_of,
    is_name,
    repeated_name,
    unknown_type,
)
from crypitor.evm.abi.types import Argument, Event, Function, TupleType, Type

LONGEST_FRAGMENT = 100_000
"""Characters of JSON text."""

_TYPE = re.compile(r"(\w+)((?:\[\d*\])*)", re.ASCII)
_LENGTH = re.compile(r"\[(\d*)\]", re.ASCII)


def event_from_fragment(fragment: Mapping[str, Any]) -> Event:
    """Return the event that an entry of a JSON ABI describes. Raises SignatureError."""
    _require_type(fragment, "event")
    anonymous = fragment.get("anonymous", False)
    if not isinstance(anonymous, bool):
        raise SignatureError("anonymous: true or false expected")
    arguments = _arguments(fragment.get("inputs", []), "inputs", depth=0, indexable=True)
    return event_of(_name(fragment, "name", required=True), arguments, anonymous=anonymous)


def function_from_fragment(fragment: Mapping[str, Any]) -> Function:
    """Return the function that an entry of a JSON ABI describes. Raises SignatureError."""
    _require_type(fragment, "function")
    arguments = _arguments(fragment.get("inputs", []), "inputs", depth=0, indexable=False)
    outputs = _arguments(fragment.get("outputs", []), "outputs", depth=0, indexable=False)
    return function_of(_name(fragment, "name", required=True), arguments, outputs)


def read_fragment(text: str) -> Mapping[str, Any]:
    """Return the entry that a JSON text holds, alone or as a list of one. Raises SignatureError."""
    if len(text) > LONGEST_FRAGMENT:
        raise SignatureError(f"a JSON ABI fragment has at most {LONGEST_FRAGMENT} characters", 0)
    try:
        fragment = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise SignatureError(f"this is no JSON: {error}") from error
    if isinstance(fragment, list) and len(fragment) == 1:
        fragment = fragment[0]
    if not isinstance(fragment, dict):
        raise SignatureError("one entry of a JSON ABI expected: an object with type and inputs")
    return fragment


def _require_type(fragment: Mapping[str, Any], wanted: Literal["event", "function"]) -> None:
    if fragment.get("type", "function") != wanted:
        raise SignatureError(f"type: {wanted!r} expected, {fragment.get('type')!r} found")


def _arguments(inputs: object, place: str, *, depth: int, indexable: bool) -> tuple[Argument, ...]:
    if not isinstance(inputs, list | tuple):
        raise SignatureError(f"{place}: a list of arguments expected")
    arguments = tuple(
        _argument(entry, f"{place}/{number}", depth=depth, indexable=indexable)
        for number, entry in enumerate(inputs)
    )
    repeated = repeated_name(arguments)
    if repeated is not None:
        raise SignatureError(f"{place}: two arguments are called {repeated!r}")
    return arguments


def _argument(entry: object, place: str, *, depth: int, indexable: bool) -> Argument:
    if not isinstance(entry, Mapping):
        raise SignatureError(f"{place}: an object with name and type expected")
    indexed = entry.get("indexed", False)
    if not isinstance(indexed, bool):
        raise SignatureError(f"{place}/indexed: true or false expected")
    if indexed and not indexable:
        raise SignatureError(f"{place}: only an argument of an event itself can be indexed")
    return Argument(_name(entry, f"{place}/name"), _type(entry, place, depth), indexed)


def _name(entry: Mapping[str, Any], place: str, *, required: bool = False) -> str:
    name = entry.get("name", "")
    if not isinstance(name, str) or not (is_name(name) or (name == "" and not required)):
        raise SignatureError(f"{place}: a name expected, {name!r} found")
    return name


def _type(entry: Mapping[str, Any], place: str, depth: int) -> Type:
    text = entry.get("type")
    found = _TYPE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise SignatureError(f"{place}/type: {unknown_type(str(text))}")
    lengths = _LENGTH.findall(found[2])
    if depth + len(lengths) >= DEEPEST_TYPE:
        raise SignatureError(f"{place}/type: types nest at most {DEEPEST_TYPE} deep")
    kind = _tuple(entry, place, depth) if found[1] == "tuple" else elementary_type(found[1])
    if kind is None:
        raise SignatureError(f"{place}/type: {unknown_type(found[1])}")
    try:
        for length in lengths:
            kind = array_of(kind, length)
    except SignatureError as error:
        raise SignatureError(f"{place}/type: {error}") from None
    return kind


def _tuple(entry: Mapping[str, Any], place: str, depth: int) -> TupleType:
    members = _arguments(
        entry.get("components"), f"{place}/components", depth=depth + 1, indexable=False
    )
    if not members:
        raise SignatureError(f"{place}/components: a tuple has at least one member")
    return TupleType(members)
