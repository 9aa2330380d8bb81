"""Calldata and log data for the few shapes that the simulated contracts use.

Written apart from the product's decoder on purpose: the two check each other. Source: Solidity's
contract ABI specification.
"""

from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

from crypitor.evm.keccak import keccak
from crypitor.evm.types import Address

Value: TypeAlias = int | Address | bytes | str | Sequence[int] | Sequence[Address]
"""A number, an address (0x-hex of 20 bytes), dynamic bytes, or an array of numbers or addresses."""

_WORD = 32


@cache
def topic(signature: str) -> bytes:
    """Return the hash of an event's signature."""
    return keccak(signature.encode())


@cache
def selector(signature: str) -> bytes:
    """Return the four bytes by which a function is called."""
    return keccak(signature.encode())[:4]


def call(signature: str, *values: Value) -> bytes:
    """Return calldata."""
    return selector(signature) + encode(*values)


def word(value: int | Address) -> bytes:
    """Return a number or an address as 32 bytes."""
    number = int(value, 16) if isinstance(value, str) else value
    return number.to_bytes(_WORD, "big")


def encode(*values: Value) -> bytes:
    """Return the values as a tuple: heads, then the tails of bytes and arrays."""
    heads: list[bytes] = []
    tails: list[bytes] = []
    offset = _WORD * len(values)
    for value in values:
        if isinstance(value, int | str):
            heads.append(word(value))
            continue
        tail = _tail(value)
        heads.append(word(offset))
        tails.append(tail)
        offset += len(tail)
    return b"".join(heads + tails)


def text(value: str) -> bytes:
    """Return a `string` as a function returns it."""
    return encode(value.encode())


def bytes32(value: str) -> bytes:
    """Return a short text as a `bytes32`, the way some early tokens name themselves."""
    return value.encode().ljust(_WORD, b"\x00")


def _tail(value: bytes | Sequence[int] | Sequence[Address]) -> bytes:
    if isinstance(value, bytes):
        return word(len(value)) + value + bytes(-len(value) % _WORD)
    return word(len(value)) + b"".join(word(item) for item in value)
