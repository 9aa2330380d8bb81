"""ABI types, and the events and functions that are made of them.

Source: Solidity documentation, "Contract ABI Specification".
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from crypitor.evm.keccak import keccak
from crypitor.evm.types import Hash


@dataclass(frozen=True, slots=True)
class IntegerType:
    """`uint8` to `uint256`, `int8` to `int256`; a value is an int."""

    bits: int
    signed: bool


@dataclass(frozen=True, slots=True)
class AddressType:
    """`address`; a value is 0x and 40 lower-case hex digits."""


@dataclass(frozen=True, slots=True)
class BoolType:
    """`bool`; a value is a bool."""


@dataclass(frozen=True, slots=True)
class FixedBytesType:
    """`bytes1` to `bytes32`; a value is 0x-hex text of that many bytes.

    callback: it was written `function`, which is an address and a selector in 24 bytes.
    """

    size: int
    callback: bool = False


@dataclass(frozen=True, slots=True)
class BytesType:
    """`bytes`; a value is 0x-hex text."""


@dataclass(frozen=True, slots=True)
class StringType:
    """`string`; a value is text, in which U+FFFD stands for what is not UTF-8."""


@dataclass(frozen=True, slots=True)
class ArrayType:
    """`T[]`, or `T[length]`; a value is a list."""

    item: "Type"
    length: int | None


@dataclass(frozen=True, slots=True)
class TupleType:
    """A struct; a value is a tuple in the order of its members."""

    members: "tuple[Argument, ...]"


@dataclass(frozen=True, slots=True)
class HashedType:
    """An indexed argument that does not fit a topic; a value is the 32-byte keccak hash of it.

    of: what was hashed, and cannot be had back from the log.
    """

    of: "Type"


Type: TypeAlias = (
    IntegerType
    | AddressType
    | BoolType
    | FixedBytesType
    | BytesType
    | StringType
    | ArrayType
    | TupleType
    | HashedType
)


@dataclass(frozen=True, slots=True)
class Argument:
    """One value of an event, a call or a tuple.

    name: "" where the signature gives none.
    type: as it is decoded; `HashedType` where an indexed value is only there as its hash.
    """

    name: str
    type: Type
    indexed: bool = False


@dataclass(frozen=True)
class Event:
    """What a log says.

    anonymous: its first topic is an argument, not the signature's hash.
    """

    name: str
    arguments: tuple[Argument, ...]
    anonymous: bool = False

    @cached_property
    def signature(self) -> str:
        """The canonical text, `Transfer(address,address,uint256)`."""
        return f"{self.name}({_types(self.arguments)})"

    @cached_property
    def topic(self) -> Hash | None:
        """The first topic of its logs; None when it is anonymous."""
        return None if self.anonymous else "0x" + keccak(self.signature.encode()).hex()


@dataclass(frozen=True)
class Function:
    """What a transaction calls."""

    name: str
    arguments: tuple[Argument, ...]

    @cached_property
    def signature(self) -> str:
        """The canonical text, `transfer(address,uint256)`."""
        return f"{self.name}({_types(self.arguments)})"

    @cached_property
    def selector(self) -> str:
        """The first four bytes of its calls' input: 0x and 8 hex digits."""
        return "0x" + keccak(self.signature.encode())[:4].hex()


def canonical(kind: Type) -> str:  # noqa: PLR0911 - a row for each type
    """Return a type as signatures are hashed with it: `(uint256,address)[3]`."""
    match kind:
        case IntegerType(bits, signed):
            return f"{'' if signed else 'u'}int{bits}"
        case AddressType():
            return "address"
        case BoolType():
            return "bool"
        case FixedBytesType(size, callback):
            return "function" if callback else f"bytes{size}"
        case BytesType():
            return "bytes"
        case StringType():
            return "string"
        case ArrayType(item, length):
            return f"{canonical(item)}[{'' if length is None else length}]"
        case TupleType(members):
            return f"({_types(members)})"
        case HashedType(of):
            return canonical(of)


def _types(arguments: tuple[Argument, ...]) -> str:
    return ",".join(canonical(argument.type) for argument in arguments)


def is_dynamic(kind: Type) -> bool:
    """Whether an encoding holds an offset in its place, and the value elsewhere."""
    match kind:
        case BytesType() | StringType():
            return True
        case ArrayType(item, length):
            return length is None or is_dynamic(item)
        case TupleType(members):
            return any(is_dynamic(member.type) for member in members)
        case _:
            return False


def head_words(kind: Type) -> int:
    """Return how many 32-byte words a value takes in its place; at least 1."""
    if is_dynamic(kind):
        return 1
    match kind:
        case ArrayType(item, length):
            return head_words(item) * (length or 1)
        case TupleType(members):
            return sum(head_words(member.type) for member in members)
        case _:
            return 1


def indexed_type(kind: Type) -> Type:
    """Return what a topic holds of a type: itself if it is one word by nature, else its hash."""
    if isinstance(kind, BytesType | StringType | ArrayType | TupleType):
        return HashedType(kind)
    return kind
