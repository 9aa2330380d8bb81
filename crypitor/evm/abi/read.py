"""Readers of ABI values that are too many, or of no fixed place, to be sliced at once."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from crypitor.evm.abi.types import (
    AddressType,
    Argument,
    ArrayType,
    BoolType,
    BytesType,
    FixedBytesType,
    HashedType,
    IntegerType,
    StringType,
    TupleType,
    Type,
    head_words,
    is_dynamic,
)

Reader: TypeAlias = Callable[[str, int, list[int]], Any]
"""Of a hex text, the value's place in it, and the words that may still be read (a list of one).

Raises ValueError when no value of the type stands there.
"""

WORD = 64
"""Hex digits of one ABI word."""

_NO_ADDRESS_PADDING = "0" * 24


def budget_of(length: int) -> list[int]:
    """Return how many words may be read of a text of so many digits.

    An honest encoding has every word read once. Offsets that lead to the same place, which some
    contracts use to save gas, have it read again; nested, they would make a list of any size.
    """
    return [4 * (length // WORD) + WORD]


def pointed_from(reader: Reader, start: int) -> Reader:
    """Return a reader of the offset, counted from `start`, at which the value stands."""

    def read(text: str, at: int, budget: list[int]) -> Any:
        return reader(text, start + 2 * int(text[at : at + WORD], 16), budget)

    return read


def reader_of(kind: Type) -> Reader:  # noqa: PLR0911 - a row for each type
    """Return the reader of a type.

    Of a static type its words are known to be there; of a dynamic one nothing is.
    """
    match kind:
        case IntegerType(bits, signed):
            return _integer(bits, signed=signed)
        case AddressType():
            return _address
        case BoolType():
            return _bool
        case FixedBytesType(size):
            return _fixed_bytes(size)
        case HashedType():
            return _fixed_bytes(32)
        case BytesType():
            return _bytes
        case StringType():
            return _string
        case ArrayType(item, length):
            return _array(item, length)
        case TupleType(members):
            return _tuple(members)


def _integer(bits: int, *, signed: bool) -> Reader:
    def unsigned_word(text: str, at: int, _budget: list[int]) -> int:
        return int(text[at : at + WORD], 16)

    def unsigned(text: str, at: int, _budget: list[int]) -> int:
        value = int(text[at : at + WORD], 16)
        if value >> bits:
            raise ValueError(value)
        return value

    def negative(text: str, at: int, _budget: list[int]) -> int:
        value = int(text[at : at + WORD], 16)
        if value >> 255:
            value -= 1 << 256
        if not -limit <= value < limit:
            raise ValueError(value)
        return value

    limit = 1 << (bits - 1)
    if signed:
        return negative
    return unsigned_word if bits == 256 else unsigned


def _address(text: str, at: int, _budget: list[int]) -> str:
    if text[at : at + 24] != _NO_ADDRESS_PADDING:
        raise ValueError(text)
    return "0x" + text[at + 24 : at + WORD]


def _bool(text: str, at: int, _budget: list[int]) -> bool:
    value = int(text[at : at + WORD], 16)
    if value > 1:
        raise ValueError(value)
    return value == 1


def _fixed_bytes(size: int) -> Reader:
    digits, padding = 2 * size, "0" * (WORD - 2 * size)

    def read(text: str, at: int, _budget: list[int]) -> str:
        if text[at + digits : at + WORD] != padding:
            raise ValueError(text)
        return "0x" + text[at : at + digits]

    return read


def _span(text: str, at: int, budget: list[int]) -> tuple[int, int]:
    """Return where the content of a `bytes` or `string` begins and ends."""
    start = at + WORD
    end = start + 2 * _count(text, at)
    if end > len(text):
        raise ValueError(end)
    _spend(budget, 2 + (end - start) // WORD)
    return start, end


def _bytes(text: str, at: int, budget: list[int]) -> str:
    start, end = _span(text, at, budget)
    return "0x" + text[start:end]


def _string(text: str, at: int, budget: list[int]) -> str:
    start, end = _span(text, at, budget)
    return bytes.fromhex(text[start:end]).decode("utf-8", "replace")


def _array(item: Type, length: int | None) -> Reader:
    reader, size = reader_of(item), head_words(item) * WORD
    item_is_dynamic = is_dynamic(item)

    def any_length(text: str, at: int, budget: list[int]) -> list[Any]:
        count = _count(text, at)
        return pointed(text, at + WORD, count, budget)

    def fixed_length(text: str, at: int, budget: list[int]) -> list[Any]:
        return pointed(text, at, length or 0, budget)

    def pointed(text: str, start: int, count: int, budget: list[int]) -> list[Any]:
        end = start + count * size
        if end > len(text):
            raise ValueError(end)
        _spend(budget, 1 + (end - start) // WORD)
        if not item_is_dynamic:
            return [reader(text, at, budget) for at in range(start, end, size)]
        return [
            reader(text, start + 2 * int(text[at : at + WORD], 16), budget)
            for at in range(start, end, size)
        ]

    def in_place(text: str, at: int, budget: list[int]) -> list[Any]:
        end = at + (length or 0) * size
        return [reader(text, place, budget) for place in range(at, end, size)]

    if length is None:
        return any_length
    return fixed_length if item_is_dynamic else in_place


def _tuple(members: Sequence[Argument]) -> Reader:
    plan: list[tuple[Reader, int, bool]] = []
    size = 0
    for member in members:
        plan.append((reader_of(member.type), size, is_dynamic(member.type)))
        size += head_words(member.type) * WORD

    def pointed(text: str, start: int, budget: list[int]) -> tuple[Any, ...]:
        if start + size > len(text):
            raise ValueError(start)
        _spend(budget, size // WORD)
        return tuple(
            [
                reader(
                    text,
                    start + (2 * int(text[start + at : start + at + WORD], 16) if dynamic else at),
                    budget,
                )
                for reader, at, dynamic in plan
            ]
        )

    def in_place(text: str, start: int, budget: list[int]) -> tuple[Any, ...]:
        return tuple([reader(text, start + at, budget) for reader, at, _ in plan])

    return pointed if any(dynamic for _, _, dynamic in plan) else in_place


def _count(text: str, at: int) -> int:
    """Return the length that stands before a dynamic value."""
    word = text[at : at + WORD]
    if len(word) < WORD:
        raise ValueError(at)
    return int(word, 16)


def _spend(budget: list[int], words: int) -> None:
    budget[0] -= words
    if budget[0] < 0:
        raise ValueError(words)
