"""What a condition requires of one field: a comparison without which it is not true.

By such a comparison rules can be looked up, so that only those are asked whose field is right.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from crypitor.monitor.condition import runtime
from crypitor.monitor.condition.scope import LABEL

Constant: TypeAlias = str | int | None


class Sign(StrEnum):
    """How a field compares with the constants of a conjunct.

    IS: it is one of them.  TEXT: it is, but for case.
    LEAST: it is not below the one.  BELOW: it is.
    """

    IS = "is"
    TEXT = "text"
    LEAST = "least"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class Conjunct:
    """A field compared with what is written out.

    source: the Python that reads the field from `f`, the Facts.
    constants: one where the sign is of an order, there always an integer.
    """

    source: str
    sign: Sign
    constants: tuple[Constant, ...]


_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
}
_ORDERS: dict[type[ast.cmpop], tuple[Sign, int]] = {
    ast.GtE: (Sign.LEAST, 0),
    ast.Gt: (Sign.LEAST, 1),
    ast.Lt: (Sign.BELOW, 0),
    ast.LtE: (Sign.BELOW, 1),
}
"""Of integers: > 4 is >= 5."""


def conjuncts(code: ast.expr) -> list[Conjunct]:
    """Return what a checked condition requires, what tells most rules apart first.

    Equalities come before orders, and fields that are the same for a whole block come last.
    """
    return sorted(_required(code), key=_rank)


def _rank(conjunct: Conjunct) -> tuple[bool, bool]:
    of_block = conjunct.source.startswith(("f.header.", "f.chain_id", "f.network"))
    return of_block, conjunct.sign in (Sign.LEAST, Sign.BELOW)


def _required(code: ast.expr) -> Iterator[Conjunct]:
    match code:
        case ast.BoolOp(op=ast.And(), values=parts):
            for part in parts:
                yield from _required(part)
        case ast.Compare(left=left, ops=[sign], comparators=[right]):
            yield from _compared(left, sign, right)
        case ast.Call(func=ast.Name(id=name), args=[of, ast.Constant(value=among), *_]):
            if name in (runtime.is_text.__name__, runtime.is_one_of_texts.__name__):
                yield from _one(of, Sign.TEXT, among)
        case ast.UnaryOp(op=ast.Not(), operand=of):
            yield from _one(of, Sign.IS, False)
        case _:
            yield from _one(code, Sign.IS, True)


def _compared(left: ast.expr, sign: ast.cmpop, right: ast.expr) -> Iterator[Conjunct]:
    name = type(sign)
    if isinstance(left, ast.Constant):
        left, name, right = right, _TURNED.get(name, name), left
    known: object = right.value if isinstance(right, ast.Constant) else None
    is_known = isinstance(right, ast.Constant)
    if (name is ast.Eq and is_known) or (name is ast.In and isinstance(known, frozenset)):
        yield from _one(left, Sign.IS, known)
    elif name in _ORDERS and isinstance(known, int):
        order, step = _ORDERS[name]
        yield from _one(left, order, known + step)


def _one(of: ast.expr, sign: Sign, value: Any) -> Iterator[Conjunct]:
    source = _source(of)
    if source is not None and source != LABEL:  # each monitor has its own
        yield Conjunct(source, sign, tuple(value) if isinstance(value, frozenset) else (value,))


def _source(code: ast.expr) -> str | None:
    """Return the Python of a field or a part of one, None for what is computed."""
    match code:
        case ast.Name(id="f"):
            return "f"
        case ast.Attribute(value=of, attr=name):
            inner = _source(of)
            return inner and f"{inner}.{name}"
        case ast.Subscript(value=of, slice=ast.Constant(value=int(place))):
            inner = _source(of)
            return inner and f"{inner}[{place}]"
        case ast.Call(func=ast.Name(id="int"), args=[of, ast.Constant(value=16)]):
            inner = _source(of)
            return inner and f"int({inner}, 16)"
        case _:
            return None
