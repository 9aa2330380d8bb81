"""What a condition says, before anything is known of its fields."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class _Place:
    """start, end: 0-based offsets in the condition."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Number(_Place):
    """`1_000`, `1e18`, `1.5 ether`: an exact integer."""

    value: int


@dataclass(frozen=True, slots=True)
class Percent(_Place):
    """`10%`, `2.5%`: a share, as an exact fraction of 100."""

    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Hex(_Place):
    """`0x…`: an address, bytes or an integer, as its place asks; digits as they were written."""

    text: str


@dataclass(frozen=True, slots=True)
class Quoted(_Place):
    """`'…'`: a text, or an address or bytes where its place asks for one."""

    text: str


@dataclass(frozen=True, slots=True)
class Truth(_Place):
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True)
class Null(_Place):
    """`null`."""


@dataclass(frozen=True, slots=True)
class Field(_Place):
    """`amount`."""

    name: str


@dataclass(frozen=True, slots=True)
class Member(_Place):
    """`args.amount`."""

    of: "Node"
    name: str
    name_start: int


@dataclass(frozen=True, slots=True)
class Item(_Place):
    """`args[0]`."""

    of: "Node"
    index: "Node"


@dataclass(frozen=True, slots=True)
class Call(_Place):
    """`watched(args.to)`."""

    name: str
    arguments: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Negative(_Place):
    """`-amount`."""

    of: "Node"


@dataclass(frozen=True, slots=True)
class Arithmetic(_Place):
    """`amount * 2`; sign is one of + - * / % **."""

    sign: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Comparison(_Place):
    """`amount > 2`; sign is one of == != < <= > >=."""

    sign: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Membership(_Place):
    """`contract in [0x…, 0x…]`, and with `not`."""

    left: "Node"
    right: "Node"
    negated: bool


@dataclass(frozen=True, slots=True)
class Listing(_Place):
    """`[0x…, 0x…]`."""

    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Not(_Place):
    """`not watched(contract)`."""

    of: "Node"


@dataclass(frozen=True, slots=True)
class Junction(_Place):
    """`a and b and c`; sign is `and` or `or`."""

    sign: str
    parts: "tuple[Node, ...]"


Literal: TypeAlias = Number | Hex | Quoted | Truth | Null
Node: TypeAlias = (
    Literal
    | Percent
    | Field
    | Member
    | Item
    | Call
    | Negative
    | Arithmetic
    | Comparison
    | Membership
    | Listing
    | Not
    | Junction
)
