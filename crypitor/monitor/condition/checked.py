"""What the checks of a condition hand to each other."""

import ast
from dataclasses import dataclass

from crypitor.monitor.condition import types
from crypitor.monitor.condition.types import Type


@dataclass(frozen=True, slots=True)
class Checked:
    """A part of a condition that is known to be right.

    code: the Python of it, over `f`, the Facts.
    nanoseconds: a bound of what it costs.
    """

    type: Type
    code: ast.expr
    nanoseconds: int = 0

    @property
    def known(self) -> str | int | None:
        """Its value if that does not depend on the match; None where it does, and for null."""
        return self.code.value if isinstance(self.code, ast.Constant) else None  # type: ignore[return-value]

    @property
    def is_known(self) -> bool:
        """Whether its value does not depend on the match."""
        return isinstance(self.code, ast.Constant)

    @property
    def kind(self) -> Type:
        """Its type without null."""
        return types.present(self.type)


@dataclass(frozen=True, slots=True)
class Seen:
    """A part of a condition whose value explains an answer; `start` and `end` are offsets."""

    start: int
    end: int
    code: ast.expr


@dataclass(frozen=True, slots=True)
class Atom:
    """A part of a condition that is true or false and has no such part in it."""

    start: int
    end: int
    code: ast.expr
    values: tuple[Seen, ...]
