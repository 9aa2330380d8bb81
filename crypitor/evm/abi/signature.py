"""Signatures as people write them: `event Transfer(address indexed from, address to, uint256)`.

What Solidity prints, ethers' human-readable ABI, and the bare `transfer(address,uint256)` are
understood; everything that does not change the encoding (`memory`, `view`, `returns (…)`) is read
and left out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from crypitor.evm.abi.types import (
    AddressType,
    Argument,
    ArrayType,
    BoolType,
    BytesType,
    Event,
    FixedBytesType,
    Function,
    IntegerType,
    StringType,
    TupleType,
    Type,
    indexed_type,
    types_in,
)

LONGEST_SIGNATURE = 10_000
"""Characters."""

MOST_TYPES = 1_000
"""Of one signature, at all levels: a decoder is made of each, which takes some 20 us."""

DEEPEST_TYPE = 16
"""Tuples within tuples, and arrays of arrays."""

_ACCEPTED_TYPES = (
    "accepted are address, bool, string, bytes, bytes1 to bytes32, int8 to int256, uint8 to"
    " uint256, tuples and arrays of them"
)
_LOCATIONS = frozenset(("memory", "calldata", "storage"))
_MODIFIERS = frozenset(
    (
        "external",
        "public",
        "view",
        "pure",
        "payable",
        "nonpayable",
        "constant",
        "virtual",
        "override",
    )
)
_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_$][\w$]*)|(?P<number>\d+)|(?P<sign>[()\[\],;]))", re.ASCII
)
_NAME = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
_NUMBERED = re.compile(r"(uint|int|bytes)([1-9]\d{0,2})", re.ASCII)
_PLAIN: dict[str, Type] = {
    "address": AddressType(),
    "bool": BoolType(),
    "string": StringType(),
    "bytes": BytesType(),
    "byte": FixedBytesType(1),
    "function": FixedBytesType(24, callback=True),
    "uint": IntegerType(256, signed=False),
    "int": IntegerType(256, signed=True),
}


class SignatureError(ValueError):
    """A signature that cannot be used; the text is a sentence for the person who wrote it.

    position: offset of the first wrong character; None for a JSON fragment, whose sentence begins
    with the place (`inputs/0/type: …`).
    """

    def __init__(self, sentence: str, position: int | None = None) -> None:
        where = "" if position is None else f" (at character {position})"
        super().__init__(sentence + where)
        self.position = position


def event_from_text(text: str) -> Event:
    """Parse the signature of an event. Raises SignatureError."""
    tokens = _Tokens(text)
    tokens.skip_keyword("event", "function")
    name, arguments = tokens.name_and_arguments(indexable=True)
    anonymous = tokens.take("anonymous")
    tokens.finish("`anonymous`, or nothing")
    return event_of(name, arguments, anonymous=anonymous)


def function_from_text(text: str) -> Function:
    """Parse the signature of a function. Raises SignatureError."""
    tokens = _Tokens(text)
    tokens.skip_keyword("function", "event")
    name, arguments = tokens.name_and_arguments(indexable=False)
    while tokens.text in _MODIFIERS:
        tokens.advance()
    outputs: Sequence[Argument] = ()
    if tokens.take("returns"):
        outputs = tokens.arguments(indexable=False, depth=0)
    tokens.finish(f"`returns (…)`, or one of {', '.join(sorted(_MODIFIERS))}")
    return function_of(name, arguments, outputs)


def function_of(
    name: str, arguments: Sequence[Argument], outputs: Sequence[Argument] = ()
) -> Function:
    """Return a function of its arguments. Raises SignatureError where they are too many."""
    return Function(name, _few(tuple(arguments)), _few(tuple(outputs)))


def event_of(name: str, arguments: Sequence[Argument], *, anonymous: bool) -> Event:
    """Return an event of arguments as they are declared.

    Raises SignatureError when a log, which holds four topics, cannot index them all.
    """
    most = 4 if anonymous else 3
    if sum(argument.indexed for argument in arguments) > most:
        kind = "an anonymous event" if anonymous else "an event"
        raise SignatureError(f"{kind} has at most {most} indexed arguments")
    decoded = (
        Argument(each.name, indexed_type(each.type), indexed=True) if each.indexed else each
        for each in arguments
    )
    return Event(name, _few(tuple(decoded)), anonymous)


def _few(arguments: tuple[Argument, ...]) -> tuple[Argument, ...]:
    types = types_in(arguments)
    if types > MOST_TYPES:
        raise SignatureError(f"the arguments are made of {types} types; the limit is {MOST_TYPES}")
    return arguments


def elementary_type(name: str) -> Type | None:
    """Return the type of a name like `uint256`; None if there is none, `tuple` among them."""
    if name in _PLAIN:
        return _PLAIN[name]
    found = _NUMBERED.fullmatch(name)
    if not found:
        return None
    size = int(found[2])
    if found[1] == "bytes":
        return FixedBytesType(size) if size <= 32 else None
    return IntegerType(size, found[1] == "int") if size <= 256 and size % 8 == 0 else None


def is_name(text: str) -> bool:
    """Whether a name can be one in Solidity or Vyper."""
    return _NAME.fullmatch(text) is not None


def array_of(item: Type, length: str) -> ArrayType:
    """Return an array of `length` items, "" for any number. Raises SignatureError."""
    if length and (len(length) > 10 or int(length) == 0):
        raise SignatureError("the length of an array is 1 to 9999999999")
    return ArrayType(item, int(length) if length else None)


def unknown_type(name: str) -> str:
    """Return the sentence that refuses a type."""
    return f"{name!r} is no ABI type; {_ACCEPTED_TYPES}"


def repeated_name(arguments: Sequence[Argument]) -> str | None:
    """Return a name that two of the arguments have, None when there is none."""
    seen: set[str] = set()
    for argument in arguments:
        if argument.name and argument.name in seen:
            return argument.name
        seen.add(argument.name)
    return None


@dataclass(slots=True, init=False)
class _Tokens:
    """A signature read from left to right; `text` is the token that comes next, "" at the end."""

    source: str
    kind: str
    text: str
    position: int
    end: int

    def __init__(self, source: str) -> None:
        if len(source) > LONGEST_SIGNATURE:
            raise SignatureError(f"a signature has at most {LONGEST_SIGNATURE} characters", 0)
        self.source = source
        self.end = 0
        self.advance()

    def advance(self) -> str:
        """Step over the token, and return it."""
        passed = self.text if self.end else ""
        found = _TOKEN.match(self.source, self.end)
        if found is None:
            rest = self.source[self.end :].lstrip()
            self.position = len(self.source) - len(rest)
            if rest:
                raise SignatureError(f"{rest[0]!r} has no place in a signature", self.position)
            self.kind = self.text = ""
            return passed
        self.kind = str(found.lastgroup)
        self.text = found[self.kind]
        self.position, self.end = found.span(self.kind)
        return passed

    def take(self, text: str) -> bool:
        """Step over the token if it is this one."""
        if self.text != text:
            return False
        self.advance()
        return True

    def refuse(self, accepted: str) -> SignatureError:
        """Return the error that names what could have stood here."""
        found = repr(self.text) if self.text else "the end"
        return SignatureError(f"{accepted} expected, {found} found", self.position)

    def require(self, text: str) -> None:
        """Step over the token, which must be this one."""
        if not self.take(text):
            raise self.refuse(repr(text))

    def skip_keyword(self, wanted: str, other: str) -> None:
        """Step over `event` or `function`, which may be left out."""
        if self.text == other:
            raise SignatureError(f"this is a {other}'s signature; needed is one of a {wanted}", 0)
        self.take(wanted)

    def name_and_arguments(self, *, indexable: bool) -> tuple[str, list[Argument]]:
        if self.kind != "word":
            raise self.refuse("a name")
        return self.advance(), self.arguments(indexable=indexable, depth=0)

    def finish(self, accepted: str) -> None:
        self.take(";")
        if self.kind:
            raise self.refuse(f"{accepted},")

    def arguments(self, *, indexable: bool, depth: int) -> list[Argument]:
        """Read `(address to, uint256)`; a list of a tuple's members is one level deeper."""
        start = self.position
        self.require("(")
        arguments: list[Argument] = []
        if self.take(")"):
            return arguments
        while True:
            arguments.append(self.argument(indexable=indexable, depth=depth))
            if self.take(")"):
                break
            if not self.take(","):
                raise self.refuse("',' or ')'")
        repeated = repeated_name(arguments)
        if repeated is not None:
            raise SignatureError(f"two arguments are called {repeated!r}", start)
        return arguments

    def argument(self, *, indexable: bool, depth: int) -> Argument:
        payable = self.text == "address"
        kind = self.type(depth)
        if payable and isinstance(kind, AddressType):
            self.take("payable")
        indexed = False
        while self.text in _LOCATIONS or self.text == "indexed":
            if self.text == "indexed":
                if not indexable:
                    raise SignatureError(
                        "only an argument of an event itself can be indexed", self.position
                    )
                indexed = True
            self.advance()
        return Argument(self.advance() if self.kind == "word" else "", kind, indexed)

    def type(self, depth: int) -> Type:
        start = self.position
        if depth >= DEEPEST_TYPE:
            raise SignatureError(f"types nest at most {DEEPEST_TYPE} deep", start)
        kind = self.tuple(depth) if self.text in ("(", "tuple") else self.elementary()
        while self.take("["):
            depth += 1
            if depth >= DEEPEST_TYPE:
                raise SignatureError(f"types nest at most {DEEPEST_TYPE} deep", start)
            at = self.position
            try:
                kind = array_of(kind, self.advance() if self.kind == "number" else "")
            except SignatureError as error:
                raise SignatureError(str(error), at) from None
            self.require("]")
        return kind

    def tuple(self, depth: int) -> TupleType:
        self.take("tuple")
        start = self.position
        members = self.arguments(indexable=False, depth=depth + 1)
        if not members:
            raise SignatureError("a tuple has at least one member", start)
        return TupleType(tuple(members))

    def elementary(self) -> Type:
        if self.kind != "word":
            raise self.refuse("a type")
        kind = elementary_type(self.text)
        if kind is None:
            raise SignatureError(unknown_type(self.text), self.position)
        self.advance()
        return kind
