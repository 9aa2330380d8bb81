"""How one SQL text with `:name` parameters becomes what each driver takes. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

Order: TypeAlias = Literal["desc", "asc"]
"""Of a list by its index: the newest first, or the oldest."""

# First what may hold a colon that begins no parameter: literals, quoted names, comments, casts.
_TOKEN = re.compile(
    r"""
    '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?(?:\*/|\Z) | ::
    | :(?P<name>[a-z_][a-z0-9_]*)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def beyond(order: Order) -> str:
    """Return the sign by which a list goes on after a place in it."""
    return ">" if order == "asc" else "<"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement in both notations.

    names: the parameters in the order in which they first appear.
    question, question_order: with `?`, and for each `?` the index of its name.
    dollar: with `$1` … `$n` for names.
    """

    names: tuple[str, ...]
    question: str
    question_order: tuple[int, ...]
    dollar: str

    def values(self, values: Mapping[str, object]) -> list[object]:
        """Return the values for `dollar`. Raises KeyError for a name without a value."""
        return [values[name] for name in self.names]

    def question_values(self, values: Mapping[str, object]) -> list[object]:
        """Return the values for `question`. Raises KeyError for a name without a value."""
        names = self.names
        return [values[names[index]] for index in self.question_order]

    def question_rows(self, rows: Sequence[Sequence[object]]) -> Sequence[Sequence[object]]:
        """Return rows whose values are in the order of `names`, as `question` takes them."""
        if len(self.question_order) == len(self.names):
            return rows
        return [[row[index] for index in self.question_order] for row in rows]


@lru_cache(maxsize=1024)
def statement(sql: str) -> Statement:
    """Return the statement that a text with `:name` parameters stands for."""
    numbers: dict[str, int] = {}
    order: list[int] = []

    def question(token: re.Match[str]) -> str:
        name = token["name"]
        if name is None:
            return token[0]
        order.append(numbers.setdefault(name, len(numbers)))
        return "?"

    def dollar(token: re.Match[str]) -> str:
        name = token["name"]
        return token[0] if name is None else f"${numbers[name] + 1}"

    with_questions = _TOKEN.sub(question, sql)
    return Statement(tuple(numbers), with_questions, tuple(order), _TOKEN.sub(dollar, sql))


def skip_locked(dialect: str) -> str:
    """Return what a query ends with that takes its rows but for those that another one holds."""
    return "for update skip locked" if dialect == "postgresql" else ""
