"""Arguments of a call, as a user wrote them in JSON, as the ABI encodes them.

Source: Solidity documentation, "Contract ABI Specification", "Formal Specification".
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from crypitor.evm.abi.types import (
    AddressType,
    Argument,
    ArrayType,
    BoolType,
    BytesType,
    FixedBytesType,
    IntegerType,
    StringType,
    TupleType,
    Type,
    canonical,
    head_words,
    is_dynamic,
)

WORD = 32
MOST_BYTES = 20_000
"""Of all arguments together."""


_T = TypeVar("_T")
_HEX = re.compile(r"0[xX]([0-9a-fA-F]{2})*")


class EncodingError(ValueError):
    """An argument that its type cannot hold; the text is a sentence for who wrote it.

    place: of the argument, as a JSON pointer below the arguments: `/0/amount`.
    """

    def __init__(self, sentence: str, place: str = "") -> None:
        super().__init__(sentence)
        self.place = place


def encode(arguments: Sequence[Argument], given: object) -> str:
    """Return the arguments as hex digits, without 0x.

    given: a list in their order, or an object by their names; integers as numbers or decimal text,
    byte strings and addresses as 0x-hex, arrays as lists, tuples as either. Raises EncodingError.
    """
    encoded = _several(arguments, given, "")
    if len(encoded) > MOST_BYTES:
        raise EncodingError(f"arguments have at most {MOST_BYTES} bytes, as they are encoded")
    return encoded.hex()


def _several(arguments: Sequence[Argument], given: object, place: str) -> bytes:
    names = [argument.name or str(at) for at, argument in enumerate(arguments)]
    if isinstance(given, Mapping):
        unknown = [name for name in given if name not in names]
        missing = [name for name in names if name not in given]
        if unknown or missing:
            raise EncodingError(
                f"there is no argument {unknown[0]!r}" if unknown else f"{missing[0]!r} is missing",
                f"{place}/{unknown[0]}" if unknown else place,
            )
        values: Sequence[object] = [given[name] for name in names]
    elif isinstance(given, list | tuple):
        values, names = given, [str(at) for at in range(len(given))]
    else:
        raise EncodingError("a list of the arguments expected, or an object by their names", place)
    if len(values) != len(arguments):
        raise EncodingError(f"{len(arguments)} arguments expected, {len(values)} found", place)
    kinds = [argument.type for argument in arguments]
    places = [f"{place}/{name}" for name in names]
    return _joined(kinds, values, places)


def _joined(kinds: Sequence[Type], values: Sequence[object], places: Sequence[str]) -> bytes:
    """Return heads and tails: what is dynamic has its offset in its place."""
    offset = sum(head_words(kind) for kind in kinds) * WORD
    heads, tails = [], []
    for kind, value, place in zip(kinds, values, places, strict=True):
        encoded = _value(kind, value, place)
        if is_dynamic(kind):
            heads.append(offset.to_bytes(WORD))
            tails.append(encoded)
            offset += len(encoded)
        else:
            heads.append(encoded)
        if offset > MOST_BYTES:
            raise EncodingError(f"arguments have at most {MOST_BYTES} bytes, as they are encoded")
    return b"".join(heads + tails)


def _value(kind: Type, value: Any, place: str) -> bytes:  # noqa: PLR0911 - a row for each type
    match kind:
        case IntegerType(bits, signed):
            return _integer(value, bits, place, signed=signed)
        case AddressType():
            return _bytes(value, place, 20).rjust(WORD, b"\0")
        case BoolType():
            return _require(bool, value, "true or false", place).to_bytes(WORD)
        case FixedBytesType(size):
            return _bytes(value, place, size).ljust(WORD, b"\0")
        case BytesType():
            return _counted(_bytes(value, place, None))
        case StringType():
            return _counted(_require(str, value, "text", place).encode("utf-8", "replace"))
        case ArrayType(item, length):
            return _array(item, length, value, place)
        case TupleType(members):
            return _several(members, value, place)
        case _:
            raise EncodingError(f"{canonical(kind)} cannot be given", place)


def _require(kind: type[_T], value: object, words: str, place: str) -> _T:
    if not isinstance(value, kind):
        raise EncodingError(f"{words} expected", place)
    return value


def _array(item: Type, length: int | None, value: object, place: str) -> bytes:
    if not isinstance(value, list | tuple):
        raise EncodingError("a list expected", place)
    if length is not None and len(value) != length:
        raise EncodingError(f"{length} items expected, {len(value)} found", place)
    if len(value) * WORD > MOST_BYTES:
        raise EncodingError(f"a list has at most {MOST_BYTES // WORD} items here", place)
    items = _joined([item] * len(value), value, [f"{place}/{at}" for at in range(len(value))])
    return items if length is not None else len(value).to_bytes(WORD) + items


def _integer(value: Any, bits: int, place: str, *, signed: bool) -> bytes:
    low, high = (-(1 << (bits - 1)), 1 << (bits - 1)) if signed else (0, 1 << bits)
    number: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and len(value) <= 90:
        digits = value.removeprefix("-")
        if digits.isascii() and digits.isdigit():
            number = int(value)
        elif digits[:2] in ("0x", "0X") and value[0] != "-":
            try:
                number = int(value, 16)
            except ValueError:
                number = None
    if number is None:
        raise EncodingError("an integer expected, as a number or as decimal text", place)
    if not low <= number < high:
        name = f"{'' if signed else 'u'}int{bits}"
        raise EncodingError(f"this does not fit into {name}", place)
    return number.to_bytes(WORD, signed=signed)


def _bytes(value: Any, place: str, size: int | None) -> bytes:
    raw = bytes.fromhex(value[2:]) if isinstance(value, str) and _HEX.fullmatch(value) else None
    if raw is None or (size is not None and len(raw) != size):
        wanted = "0x and pairs of hex digits" if size is None else f"0x and {2 * size} hex digits"
        raise EncodingError(f"{wanted} expected", place)
    return raw


def _counted(raw: bytes) -> bytes:
    return len(raw).to_bytes(WORD) + raw + b"\0" * (-len(raw) % WORD)
