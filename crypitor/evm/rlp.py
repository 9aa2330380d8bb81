"""Recursive Length Prefix, encoding only. Source: Ethereum yellow paper, appendix B."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

Item: TypeAlias = "bytes | Sequence[Item]"
"""A byte string, or a list of items."""

_BYTES = 0x80
_LIST = 0xC0
_SHORT = 55
_PREFIXES = {
    offset: [bytes([offset + size]) for size in range(_SHORT + 1)] for offset in (_BYTES, _LIST)
}


def encode(item: Item) -> bytes:
    """Return the encoding of a byte string or of a nested list of them."""
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < _BYTES:
            return item
        return _prefix(_BYTES, len(item)) + item
    return sequence([encode(part) for part in item])


def sequence(encoded: Iterable[bytes]) -> bytes:
    """Return the list of items that are encoded already."""
    payload = b"".join(encoded)
    return _prefix(_LIST, len(payload)) + payload


def list_prefix(size: int) -> bytes:
    """Return what stands before a list whose encoded items take so many bytes."""
    return _prefix(_LIST, size)


def integer(number: int) -> bytes:
    """Return the byte string that stands for a non-negative number: big-endian, no leading zero."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _prefix(offset: int, size: int) -> bytes:
    if size <= _SHORT:
        return _PREFIXES[offset][size]
    length = integer(size)
    return bytes([offset + _SHORT + len(length)]) + length
