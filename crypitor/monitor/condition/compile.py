"""A condition made ready: checked once, compiled to a Python function when it is first asked."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from crypitor.monitor.condition import emit, runtime
from crypitor.monitor.condition.check import MOST_NANOSECONDS, Checker
from crypitor.monitor.condition.checked import Atom
from crypitor.monitor.condition.conjunct import Conjunct, conjuncts
from crypitor.monitor.condition.errors import ConditionError, EvaluationError
from crypitor.monitor.condition.parser import parse
from crypitor.monitor.condition.scope import LABEL, OF_PARTY, OF_RECEIPT, Facts, Scope

_TEMPLATE = """
def evaluate(f):
    try:
        return None
    except ZeroDivisionError:
        raise EvaluationError('division by zero') from None
    except IndexError:
        raise EvaluationError('an index is outside its list') from None
    except ValueError as error:
        raise EvaluationError(f'a field cannot be read: {error}') from error
"""

_NAMES: dict[str, Any] = {
    "__builtins__": {},
    **{builtin.__name__: builtin for builtin in (abs, int, len, max, min)},
    **{error.__name__: error for error in (ZeroDivisionError, IndexError, ValueError)},
    "EvaluationError": EvaluationError,
    **{
        function.__name__: function
        for function in (
            runtime.bytes_end_with,
            runtime.bytes_in_list,
            runtime.ends_with,
            runtime.fold,
            runtime.in_list,
            runtime.is_one_of_texts,
            runtime.is_text,
            runtime.need,
            runtime.parts,
            runtime.same_as_one,
            runtime.same_bytes,
            runtime.same_parts,
            runtime.same_text,
            runtime.share_of,
            runtime.short,
            runtime.starts_with,
            runtime.text_in_list,
            runtime.watches,
        )
    },
}
"""Everything that compiled code can reach, besides the Facts it is given."""


@dataclass(frozen=True)
class Part:
    """A comparison, or another part that is true or false, of a condition; see `explain`."""

    text: str
    position: int
    evaluate: Callable[[Facts], bool]
    values: tuple[tuple[str, Callable[[Facts], Any]], ...]


@dataclass(frozen=True)
class Condition:
    """A condition that was accepted.

    code: the Python that it became, compiled when it is first asked.
    nanoseconds: a bound of what one evaluation costs, by our own figures.
    """

    text: str
    scope: Scope
    code: ast.expr
    atoms: tuple[Atom, ...]
    nanoseconds: int

    @cached_property
    def evaluate(self) -> Callable[[Facts], bool]:
        """Whether the facts satisfy it.

        Raises EvaluationError, and nothing else, when that has no answer; facts must be of the
        kind for which it was checked.
        """
        return _function(self.code)

    @cached_property
    def is_personal(self) -> bool:
        """Whether it asks who is watched or labelled, which monitors may answer differently."""
        return LABEL in self._read or self.asks_watched

    @property
    def asks_watched(self) -> bool:
        """Whether it asks who is watched."""
        return any(
            isinstance(node, ast.Name) and node.id == runtime.watches.__name__
            for node in ast.walk(self.code)
        )

    @cached_property
    def asks_party(self) -> bool:
        """Whether it asks which of its parties a transfer is looked at for."""
        return not self._read.isdisjoint(OF_PARTY)

    @property
    def asks_receipt(self) -> bool:
        """Whether it asks what only the receipt of its transaction says."""
        return not self._read.isdisjoint(OF_RECEIPT)

    @property
    def _read(self) -> set[str]:
        """The fields of the Facts that it reads."""
        return {
            f"f.{node.attr}"
            for node in ast.walk(self.code)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        }

    @property
    def conjuncts(self) -> list[Conjunct]:
        """What it requires of single fields, what tells most conditions apart first."""
        return conjuncts(self.code)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """What it is made of, each compiled by itself; only explanations need them."""
        return tuple(
            Part(
                self.text[atom.start : atom.end],
                atom.start,
                _function(atom.code),
                tuple(
                    (self.text[seen.start : seen.end], _function(seen.code)) for seen in atom.values
                ),
            )
            for atom in self.atoms
        )


def compile_condition(text: str, scope: Scope) -> Condition:
    """Check a condition against what its rule knows. Raises ConditionError."""
    checker = Checker(scope)
    checked = checker.truth(parse(text))
    if checked.nanoseconds > MOST_NANOSECONDS:
        raise ConditionError(
            "this takes too long for some matches: search fewer texts and lists, or smaller ones",
            0,
        )
    return Condition(text, scope, checked.code, tuple(checker.atoms), checked.nanoseconds)


@lru_cache(maxsize=1024)
def reader(source: str) -> Callable[[Facts], Any]:
    """Return what reads a field of the Facts, as a conjunct names it. Raises EvaluationError."""
    return _function(emit.field(source))


def _function(code: ast.expr) -> Callable[[Facts], Any]:
    """Return the function of the Facts that a checked expression is."""
    module = ast.parse(_TEMPLATE)
    for node in ast.walk(module):
        if isinstance(node, ast.Return):
            node.value = code
    namespace = dict(_NAMES)
    # the tree holds nothing but the forms of `emit`, over our own names
    exec(compile(ast.fix_missing_locations(module), "<condition>", "exec"), namespace)  # noqa: S102
    evaluate: Callable[[Facts], Any] = namespace["evaluate"]
    return evaluate
