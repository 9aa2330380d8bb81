"""The functions that a condition can call."""

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crypitor.monitor.condition import emit, types
from crypitor.monitor.condition.checked import Checked
from crypitor.monitor.condition.equality import TEXT_NANOSECONDS
from crypitor.monitor.condition.errors import ConditionError
from crypitor.monitor.condition.types import (
    UINT256,
    Address,
    Bool,
    Bytes,
    Int,
    ListOf,
    Text,
    Type,
    described,
)

_MOST_ARGUMENTS = 16
_LENGTH = Int(0, 2**32)


@dataclass(frozen=True, slots=True)
class Function:
    """What a function takes.

    least, most: how many arguments.
    wanted: what a literal argument is taken for; None for what the first argument is.
    check: of the arguments and their positions. Raises ConditionError.
    """

    usage: str
    least: int
    most: int
    wanted: Type | None
    check: Callable[[Sequence[Checked], Sequence[int]], Checked]


def as_integer(checked: Checked, position: int) -> Checked:
    """Return a part that must be an integer; null is an error of evaluation."""
    if not isinstance(checked.kind, Int):
        raise ConditionError(f"an integer expected, {described(checked.type)} found", position)
    return _present(checked)


def _present(checked: Checked) -> Checked:
    if not isinstance(checked.type, types.Nullable):
        return checked
    return Checked(checked.kind, emit.call("need", checked.code), checked.nanoseconds + 80)


def _watched(arguments: Sequence[Checked], positions: Sequence[int]) -> Checked:
    [party] = arguments
    if not isinstance(party.kind, Address):
        raise ConditionError(f"an address expected, {described(party.type)} found", positions[0])
    code = emit.call("watches", emit.field("f.watched"), party.code)
    return Checked(Bool(), code, party.nanoseconds + 1000)


def _extreme(name: str, choose: Callable[[Sequence[int]], int]) -> Function:
    def check(arguments: Sequence[Checked], positions: Sequence[int]) -> Checked:
        integers = [as_integer(*pair) for pair in zip(arguments, positions, strict=True)]
        kinds = [integer.type for integer in integers if isinstance(integer.type, Int)]
        kind = Int(choose([each.low for each in kinds]), choose([each.high for each in kinds]))
        code = emit.call(name, *(integer.code for integer in integers))
        return Checked(kind, code, sum(integer.nanoseconds + 60 for integer in integers) + 150)

    usage = f"{name}(a, b, …) with 2 to {_MOST_ARGUMENTS} integers"
    return Function(usage, 2, _MOST_ARGUMENTS, UINT256, check)


def _abs(arguments: Sequence[Checked], positions: Sequence[int]) -> Checked:
    integer = as_integer(arguments[0], positions[0])
    assert isinstance(integer.type, Int)
    low, high = integer.type.low, integer.type.high
    least = 0 if low <= 0 <= high else min(abs(low), abs(high))
    kind = Int(least, max(abs(low), abs(high)))
    return Checked(kind, emit.call("abs", integer.code), integer.nanoseconds + 80)


def _len(arguments: Sequence[Checked], positions: Sequence[int]) -> Checked:
    of = _present(arguments[0])
    match of.type:
        case Text() | ListOf():
            return Checked(_LENGTH, emit.call("len", of.code), of.nanoseconds + 80)
        case Bytes(hash_of=None):
            digits = emit.arithmetic("/", emit.call("len", of.code), emit.constant(2))
            code = emit.arithmetic("-", digits, emit.constant(1))
            return Checked(_LENGTH, code, of.nanoseconds + 150)
        case _:
            raise ConditionError(
                f"text, bytes or a list expected, {described(of.type)} found", positions[0]
            )


def _folded(text: Checked, position: int) -> Checked:
    """Return a part that must be text, in lower case."""
    if not isinstance(text.kind, Text):
        raise ConditionError(f"text expected, {described(text.type)} found", position)
    if text.kind.folded:
        return text
    code = emit.call("fold", text.code)
    return Checked(Text(folded=True), code, text.nanoseconds + TEXT_NANOSECONDS)


def _lower(arguments: Sequence[Checked], positions: Sequence[int]) -> Checked:
    [of] = arguments
    if isinstance(of.kind, Address | Bytes):
        return of
    return _folded(of, positions[0])


def _contains(arguments: Sequence[Checked], positions: Sequence[int]) -> Checked:
    text, part = (_folded(*pair) for pair in zip(arguments, positions, strict=True))
    code = emit.compare("in", part.code, text.code)
    return Checked(Bool(), code, text.nanoseconds + part.nanoseconds + 10_000)


def _affix(name: str, bytes_name: str) -> Function:
    def check(arguments: Sequence[Checked], positions: Sequence[int]) -> Checked:
        of, part = arguments
        if isinstance(of.kind, Bytes):
            if not isinstance(part.kind, Bytes):
                raise ConditionError(f"bytes expected, {described(part.type)} found", positions[1])
            code: ast.expr = emit.call(bytes_name, of.code, _short(part))
        else:
            of, part = _folded(of, positions[0]), _folded(part, positions[1])
            code = emit.call(name, of.code, part.code)
        return Checked(Bool(), code, of.nanoseconds + part.nanoseconds + 1000)

    return Function(f"{name}(text or bytes, part)", 2, 2, None, check)


def _short(part: Checked) -> ast.expr:
    return part.code if part.is_known else emit.call("short", part.code)


FUNCTIONS = {
    "watched": Function("watched(address)", 1, 1, Address(), _watched),
    "min": _extreme("min", min),
    "max": _extreme("max", max),
    "abs": Function("abs(integer)", 1, 1, UINT256, _abs),
    "len": Function("len(text, bytes or list)", 1, 1, None, _len),
    "lower": Function("lower(text)", 1, 1, None, _lower),
    "contains": Function("contains(text, list or tuple, part)", 2, 2, Text(), _contains),
    "starts_with": _affix("starts_with", "starts_with"),
    "ends_with": _affix("ends_with", "bytes_end_with"),
}
