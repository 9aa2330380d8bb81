"""Only the first few wrong items of a body are explained: wording each of them takes time."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import ValidationInfo

from crypitor.errors import MOST_MISTAKES


@dataclass(slots=True)
class Wrong:
    """How many items of a body have been refused so far; the context of its validation."""

    items: int = 0


def few(check: Callable[[object], object]) -> Callable[[object, ValidationInfo], object]:
    """Return what checks an item as `check` does, until enough of its body are wrong.

    From then on it takes what comes, as the body is refused anyway.
    """

    def checked(value: object, info: ValidationInfo) -> object:
        wrong = info.context
        if not isinstance(wrong, Wrong):
            return check(value)
        if wrong.items > MOST_MISTAKES:
            return value
        try:
            return check(value)
        except ValueError:
            wrong.items += 1
            raise

    return checked
