"""The types of conditions: what a field can hold, and what an ABI type becomes."""

from dataclasses import dataclass
from typing import TypeAlias

from crypitor.evm.abi.types import (
    AddressType,
    ArrayType,
    BoolType,
    BytesType,
    FixedBytesType,
    HashedType,
    IntegerType,
    StringType,
    TupleType,
    canonical,
)
from crypitor.evm.abi.types import Type as AbiType


@dataclass(frozen=True, slots=True)
class Int:
    """An integer from `low` to `high`, both included: no expression exceeds a known size."""

    low: int
    high: int

    @property
    def bits(self) -> int:
        """How many bits the largest one takes."""
        return max(self.low.bit_length(), self.high.bit_length())


@dataclass(frozen=True, slots=True)
class Bool:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address, in lower case."""


@dataclass(frozen=True, slots=True)
class Bytes:
    """A byte string as 0x-hex in lower case.

    size: in bytes; None for any.
    hash_of: the ABI type of an indexed argument, of which only this hash is known.
    """

    size: int | None = None
    hash_of: str | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """Text, compared without regard to case.

    folded: it is in lower case already.
    choices: everything it can be.
    """

    folded: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of any length."""

    item: "Type"


@dataclass(frozen=True, slots=True)
class Record:
    """Values of different types, by position and, but for "", by name."""

    members: "tuple[tuple[str, Type], ...]"


@dataclass(frozen=True, slots=True)
class Nothing:
    """`null`."""


@dataclass(frozen=True, slots=True)
class Nullable:
    """A value or `null`."""

    of: "Type"


Type: TypeAlias = Int | Bool | Address | Bytes | Text | ListOf | Record | Nothing | Nullable

UINT256 = Int(0, 2**256 - 1)
UINT64 = Int(0, 2**64 - 1)


def of_abi(kind: AbiType) -> Type:  # noqa: C901, PLR0911 - a row for each type
    """Return what a decoded value of an ABI type is in a condition."""
    match kind:
        case IntegerType(bits, signed=False):
            return Int(0, (1 << bits) - 1)
        case IntegerType(bits):
            return Int(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        case AddressType():
            return Address()
        case BoolType():
            return Bool()
        case FixedBytesType(size):
            return Bytes(size)
        case BytesType():
            return Bytes()
        case StringType():
            return Text()
        case ArrayType(item):
            return ListOf(of_abi(item))
        case TupleType(members):
            return Record(tuple((member.name, of_abi(member.type)) for member in members))
        case HashedType(of):
            return Bytes(32, hash_of=canonical(of))


def described(kind: Type) -> str:  # noqa: C901, PLR0911 - a row for each type
    """Return the words for a type in a sentence."""
    match kind:
        case Int():
            return "an integer"
        case Bool():
            return "true or false"
        case Address():
            return "an address"
        case Bytes(_, str(hash_of)):
            return f"the hash of an indexed {hash_of} (0x and 64 hex digits)"
        case Bytes(None):
            return "bytes (0x and hex digits)"
        case Bytes(size):
            return f"{size} bytes (0x and {2 * (size or 0)} hex digits)"
        case Text(choices=choices):
            return " or ".join(map(repr, choices)) if choices else "text"
        case ListOf(item):
            return f"a list of which each is {described(item)}"
        case Record():
            return "a tuple"
        case Nothing():
            return "null"
        case Nullable(of):
            return f"{described(of)} or null"


def present(kind: Type) -> Type:
    """Return a type without its null."""
    return kind.of if isinstance(kind, Nullable) else kind
