"""Why a condition came out as it did."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crypitor.monitor.condition.compile import Condition, Part
from crypitor.monitor.condition.errors import EvaluationError
from crypitor.monitor.condition.scope import Facts


@dataclass(frozen=True, slots=True)
class Answer:
    """What a part came to.

    outcome: None when there is no answer, and `error` says why.
    values: of what is compared in it, by its text, None for null; ints of any size. Left out is
    what is written out, and what could not be computed.
    """

    text: str
    position: int
    outcome: bool | None
    error: str | None
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a condition came to, and each comparison in it, in the order in which they stand.

    Parts are evaluated even where the whole did not need them.
    """

    outcome: bool | None
    error: str | None
    parts: tuple[Answer, ...]


def explain(condition: Condition, facts: Facts) -> Explanation:
    """Return what a condition and each of its parts come to. It does not raise."""
    outcome, error = _outcome(condition.evaluate, facts)
    return Explanation(
        outcome,
        error,
        tuple(
            Answer(part.text, part.position, *_outcome(part.evaluate, facts), _values(part, facts))
            for part in condition.parts
        ),
    )


def _outcome(evaluate: Callable[[Facts], bool], facts: Facts) -> tuple[bool | None, str | None]:
    try:
        return evaluate(facts), None
    except EvaluationError as error:
        return None, str(error)


def _values(part: Part, facts: Facts) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for text, evaluate in part.values:
        try:
            values[text] = evaluate(facts)
        except EvaluationError:
            continue  # the part's own outcome says so
    return values
