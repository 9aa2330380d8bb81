"""ABI types, and the events and functions that are made of them.

Source: Solidity documentation, "Contract ABI Specification".
"""

from dataclasses import dataclass, field
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
    measure: "Measure" = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Measure it, of what its item was measured to be."""
        dynamic, words, types = measure_of(self.item)
        if self.length is None or dynamic:
            object.__setattr__(self, "measure", (True, 1, types + 1))
        else:
            object.__setattr__(self, "measure", (False, words * self.length, types + 1))


@dataclass(frozen=True, slots=True)
class TupleType:
    """A struct; a value is a tuple in the order of its members."""

    members: "tuple[Argument, ...]"
    measure: "Measure" = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Measure it, of what its members were measured to be."""
        measures = [measure_of(member.type) for member in self.members]
        dynamic = any(dynamic for dynamic, _, _ in measures)
        words = 1 if dynamic else sum(words for _, words, _ in measures)
        types = 1 + sum(types for _, _, types in measures)
        object.__setattr__(self, "measure", (dynamic, words, types))


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
    """What a transaction calls.

    outputs: what it returns, as far as its signature says; calls are the same whatever they are.
    """

    name: str
    arguments: tuple[Argument, ...]
    outputs: tuple[Argument, ...] = field(default=(), compare=False)

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


Measure: TypeAlias = tuple[bool, int, int]
"""Of a type: whether it is dynamic, the words of its head, and how many types it is made of.

Made once for each type, when it is: to ask a type of many levels at each of them would take long.
"""


def measure_of(kind: Type) -> Measure:
    """Return what a type was measured to be."""
    match kind:
        case ArrayType() | TupleType():
            return kind.measure
        case BytesType() | StringType():
            return True, 1, 1
        case HashedType(of):
            return False, 1, 1 + measure_of(of)[2]
        case _:
            return False, 1, 1


def is_dynamic(kind: Type) -> bool:
    """Whether an encoding holds an offset in its place, and the value elsewhere."""
    return measure_of(kind)[0]


def head_words(kind: Type) -> int:
    """Return how many 32-byte words a value takes in its place; at least 1."""
    return measure_of(kind)[1]


def types_in(arguments: tuple[Argument, ...]) -> int:
    """Return how many types arguments are made of, at all levels."""
    return sum(measure_of(argument.type)[2] for argument in arguments)


def indexed_type(kind: Type) -> Type:
    """Return what a topic holds of a type: itself if it is one word by nature, else its hash."""
    if isinstance(kind, BytesType | StringType | ArrayType | TupleType):
        return HashedType(kind)
    return kind
