"""The few forms of Python that a compiled condition is made of."""

import ast
from collections.abc import Sequence

_COMPARISONS: dict[str, type[ast.cmpop]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
    "in": ast.In,
    "not in": ast.NotIn,
}
_ARITHMETIC: dict[str, type[ast.operator]] = {
    "+": ast.Add,
    "-": ast.Sub,
    "*": ast.Mult,
    "/": ast.FloorDiv,
    "%": ast.Mod,
    "**": ast.Pow,
}


def constant(
    value: str | int | frozenset[str | int | None] | tuple[object, ...] | None,
) -> ast.expr:
    """A value that is known; a bool is an int here."""
    return ast.Constant(value)  # type: ignore[arg-type]  # a frozenset is one, and a tuple


def field(source: str) -> ast.expr:
    """Return the reading of a field; `source` is ours."""
    return ast.parse(source, mode="eval").body


def member(of: ast.expr, index: ast.expr) -> ast.expr:
    """`of[index]`."""
    return ast.Subscript(of, index, ast.Load())


def call(name: str, *arguments: ast.expr) -> ast.expr:
    """`name(…)`; what names there are, `compile` says."""
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def compare(sign: str, left: ast.expr, right: ast.expr) -> ast.expr:
    """`left sign right`."""
    return ast.Compare(left, [_COMPARISONS[sign]()], [right])


def arithmetic(sign: str, left: ast.expr, right: ast.expr) -> ast.expr:
    """`left sign right`."""
    return ast.BinOp(left, _ARITHMETIC[sign](), right)


def negative(of: ast.expr) -> ast.expr:
    """`-of`."""
    return ast.UnaryOp(ast.USub(), of)


def opposite(of: ast.expr) -> ast.expr:
    """`not of`."""
    return ast.UnaryOp(ast.Not(), of)


def junction(sign: str, parts: Sequence[ast.expr]) -> ast.expr:
    """`a and b and c`, of one part or more."""
    if len(parts) == 1:
        return parts[0]
    return ast.BoolOp(ast.And() if sign == "and" else ast.Or(), list(parts))


def sequence(items: Sequence[ast.expr]) -> ast.expr:
    """`(a, b, c)`."""
    return ast.Tuple(list(items), ast.Load())
