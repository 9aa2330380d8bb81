"""Lists and tuples, of any nesting: what is in them, and whether they are the same."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from crypitor.monitor.condition import emit, types
from crypitor.monitor.condition.checked import Checked
from crypitor.monitor.condition.equality import comparable, member_of_field
from crypitor.monitor.condition.errors import ConditionError
from crypitor.monitor.condition.runtime import EACH, HERE
from crypitor.monitor.condition.syntax import Listing, Node
from crypitor.monitor.condition.types import (
    UINT256,
    Bool,
    Int,
    ListOf,
    Record,
    Text,
    Type,
    described,
)

Shape: TypeAlias = str | tuple[object, ...]
"""What `runtime` goes by; see there."""

Take: TypeAlias = Callable[[Node, Type | None], Checked]
"""Reads a part of a condition, a literal as the type that is wanted."""

_NANOSECONDS = 150_000
"""To look at as many parts of nested lists as are looked at at most."""


def is_nested(kind: Type) -> bool:
    """Whether it is a list or a tuple."""
    return isinstance(kind, ListOf | Record)


def found_in(take: Take, left: Node, right: Checked, right_start: int) -> Checked:
    """Return whether a part is anywhere in a list or a tuple. Raises ConditionError.

    left: is taken for each type that there is in it, and looked for among those parts alone.
    """
    if isinstance(right.type, ListOf) and not is_nested(right.type.item):
        item = right.type.item
        of = take(left, item)
        comparable(Checked(item, right.code), of, right_start, left.start)
        return member_of_field(of, right, item)
    found: list[Checked] = []
    refused: ConditionError | None = None
    for kind in dict.fromkeys(_kinds(right.type)):
        try:
            found.append(_among(take, left, right, kind, right_start))
        except ConditionError as error:
            refused = refused or error
    if not found:
        raise refused or ConditionError("nothing is ever in this", right_start)
    code = emit.junction("or", [each.code for each in found])
    return Checked(Bool(), code, sum(each.nanoseconds for each in found))


def _among(take: Take, left: Node, right: Checked, kind: Type, right_start: int) -> Checked:
    way = _way(right.type, kind, top=True)
    parts = emit.call("parts", right.code, emit.constant(way))
    if is_nested(kind):
        of = listed(take, left, kind) if isinstance(left, Listing) else take(left, kind)
        shape = _same_shape(of.type, kind, left.start)
        code = emit.call("same_as_one", of.code, parts, emit.constant(shape))
        return Checked(Bool(), code, of.nanoseconds + right.nanoseconds + 2 * _NANOSECONDS)
    if isinstance(left, Listing):
        raise ConditionError(f"{described(kind)} is never a list", left.start)
    of = take(left, kind)
    comparable(Checked(kind, right.code), of, right_start, left.start)
    within = Checked(ListOf(kind), parts, right.nanoseconds + _NANOSECONDS)
    return member_of_field(of, within, kind)


def same(left: Checked, right: Checked, right_start: int) -> Checked:
    """Return whether two lists or tuples hold the same, in the same order.

    Raises ConditionError where they never can.
    """
    shape = _same_shape(left.type, right.type, right_start)
    code = emit.call("same_parts", left.code, right.code, emit.constant(shape))
    return Checked(Bool(), code, left.nanoseconds + right.nanoseconds + _NANOSECONDS)


def listed(take: Take, node: Listing, kind: Type) -> Checked:
    """Return a list that is written out as the list or tuple that is wanted."""
    wanted: Sequence[Type]
    if isinstance(kind, ListOf):
        wanted = [kind.item] * len(node.items)
    elif isinstance(kind, Record):
        wanted = [member for _, member in kind.members]
        if len(wanted) != len(node.items):
            raise ConditionError(f"a tuple of {len(wanted)} expected", node.start)
    else:
        raise ConditionError(f"{described(kind)} cannot be compared with a list", node.start)
    items = [
        listed(take, item, each) if isinstance(item, Listing) else take(item, each)
        for item, each in zip(node.items, wanted, strict=True)
    ]
    for item, each, at in zip(items, wanted, node.items, strict=True):
        if is_nested(each):
            _same_shape(item.type, each, at.start)
        else:
            comparable(Checked(each, item.code), item, node.start, at.start)
    members = tuple(("", item.type) for item in items)
    code = emit.sequence([item.code for item in items])
    return Checked(Record(members), code, sum(item.nanoseconds for item in items))


def _kinds(kind: Type) -> Iterator[Type]:
    """Yield the types of everything within a list or a tuple; integers are all of one."""
    inner = [kind.item] if isinstance(kind, ListOf) else []
    if isinstance(kind, Record):
        inner = [member for _, member in kind.members]
    for each in inner:
        yield UINT256 if isinstance(each, Int) else each
        yield from _kinds(each)


def _way(kind: Type, wanted: Type, *, top: bool = False) -> Shape:
    """Return the way to all parts of a type; empty where there are none."""
    if not top and (kind == wanted or (isinstance(kind, Int) and isinstance(wanted, Int))):
        return HERE
    if isinstance(kind, ListOf):
        way = _way(kind.item, wanted)
        return (EACH, way) if way else ()
    if isinstance(kind, Record):
        ways = [(place, _way(member, wanted)) for place, (_, member) in enumerate(kind.members)]
        return tuple((place, way) for place, way in ways if way)
    return ()


def _same_shape(left: Type, right: Type, start: int) -> Shape:
    """Return how two types are compared, part by part. Raises ConditionError if they never are."""
    if isinstance(left, ListOf) and isinstance(right, ListOf):
        return (EACH, _same_shape(left.item, right.item, start))
    if isinstance(left, Record) and isinstance(right, Record):
        if len(left.members) != len(right.members):
            raise ConditionError("tuples of different lengths are never the same", start)
        pairs = zip(left.members, right.members, strict=True)
        return tuple(
            (place, _same_shape(one, other, start))
            for place, ((_, one), (_, other)) in enumerate(pairs)
        )
    for listing, of in ((left, right), (right, left)):
        if isinstance(listing, Record) and isinstance(of, ListOf) and _is_written(listing):
            return _written_shape(listing, of, start)
    if is_nested(left) or is_nested(right):
        raise ConditionError(f"{described(left)} cannot be compared with {described(right)}", start)
    comparable(Checked(left, emit.constant(0)), Checked(right, emit.constant(0)), start, start)
    if isinstance(left, Text):
        return "text"
    return "bytes" if types.Bytes() in (left, right) else "value"


def _is_written(record: Record) -> bool:
    return all(not name for name, _ in record.members)


def _written_shape(listing: Record, of: ListOf, start: int) -> Shape:
    """Return how a list that is written out is compared: all its items are of one type."""
    shapes = [_same_shape(item, of.item, start) for _, item in listing.members]
    if not shapes:
        return (EACH, "value")
    return ("items", *shapes)
