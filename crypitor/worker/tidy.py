"""What nodes write in a form of their own, brought into the one form that is compared. Pure.

Numbers with leading zeros or as JSON numbers, upper case and checksums, null for a field that may
be left out, nothing in place of an address, timestamps finer than seconds. It is done by what the
annotations of a type say (`evm/types.py`), and only where a block is not in that form already:
whoever reads one that is pays nothing for it.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias, TypeVar, get_args, get_type_hints

import msgspec

T = TypeVar("T", bound=msgspec.Struct)

Value: TypeAlias = Any
"""What JSON can be, decoded."""

_NUMBER = re.compile(r"0x[0-9a-f]{1,256}")
_NO_ADDRESS = ("", "0x", "0x0")

_FINER = ((10**12, 10**3), (10**15, 10**6), (10**18, 10**9))
"""The least that is milli-, micro- or nanoseconds, and how many of them a second has."""


def tidied(document: Value, kind: type[T]) -> T:
    """Return what a decoded JSON object says, as this type.

    Raises msgspec.ValidationError for what it cannot be. Whether texts are hex at all is not
    looked at.
    """
    return msgspec.convert(_of(document, kind), kind)


def seconds(timestamp: int) -> int:
    """Return unix seconds, of a timestamp that may be finer: 13, 16 or 19 digits tell so.

    Seconds have 10 of them until the year 2286. Other sizes are left as they are.
    """
    for least, parts in _FINER:
        if least <= timestamp < 10 * least:
            return timestamp // parts
    return timestamp


class _Field(NamedTuple):
    """name: in JSON.  tidy: of its value.  inner: what its list consists of, if it is one."""

    name: str
    optional: bool
    tidy: Callable[[Value], Value]
    inner: type[msgspec.Struct] | None


def _of(document: Value, kind: type[msgspec.Struct]) -> Value:
    if not isinstance(document, dict):
        return document
    found = {}
    for name, optional, tidy, inner in _fields(kind):
        if name not in document:
            continue
        value = document[name]
        if inner is not None and isinstance(value, list):
            value = [_of(one, inner) for one in value]
        else:
            value = tidy(value)
        if value is not None or not optional:
            found[name] = value
    return found


@lru_cache(maxsize=32)
def _fields(kind: type[msgspec.Struct]) -> tuple[_Field, ...]:
    hints = get_type_hints(kind, include_extras=True)
    return tuple(
        _Field(
            field.encode_name,
            not field.required,
            next(filter(None, map(_TIDIES.get, _parts(hints[field.name]))), _lower),
            next(filter(_is_struct, _parts(hints[field.name])), None),
        )
        for field in msgspec.structs.fields(kind)
    )


def _parts(hint: Value) -> list[Value]:
    """Return what a type is put together of, annotations among it."""
    inner = [part for one in get_args(hint) for part in _parts(one)]
    return inner or [hint]


def _is_struct(part: Value) -> bool:
    return isinstance(part, type) and issubclass(part, msgspec.Struct)


def _lower(value: Value) -> Value:
    if isinstance(value, list):
        return [_lower(one) for one in value]
    return value.lower() if isinstance(value, str) else value


def _quantity(value: Value) -> Value:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return hex(value)
    text = _lower(value)
    return hex(int(text, 16)) if isinstance(text, str) and _NUMBER.fullmatch(text) else text


def _timestamp(value: Value) -> Value:
    text = _quantity(value)
    return hex(seconds(int(text, 16))) if isinstance(text, str) and _NUMBER.match(text) else text


def _address(value: Value) -> Value:
    return None if value in _NO_ADDRESS else _lower(value)


def _bytes(value: Value) -> Value:
    return _lower(value) or "0x" if isinstance(value, str) else value


_TIDIES: dict[Value, Callable[[Value], Value]] = {
    "quantity": _quantity,
    "timestamp": _timestamp,
    "address": _address,
    "bytes": _bytes,
}
"""Annotation → what is done to a value."""
