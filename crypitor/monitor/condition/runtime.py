"""What compiled conditions call: the operations that need a bound, or an answer for null.

Text and lists come from the chain and may be megabytes; each function here looks at a bounded
part of them, so that no match takes longer than the cost for which its condition was accepted.
"""

from collections.abc import Callable
from typing import TypeVar

from crypitor.monitor.condition.errors import EvaluationError

LONGEST_TEXT = 2000
"""Characters that are compared, other than with a text that is written in the condition."""

LONGEST_SEARCHED_LIST = 2000
"""Items of a decoded list that `in` looks at."""

LONGEST_SEARCHED_TEXTS = 500
"""Items of a decoded list of texts that `in` looks at."""

_Value = TypeVar("_Value")


def need(value: _Value | None) -> _Value:
    """Return a value that must not be null."""
    if value is None:
        raise EvaluationError("a value is null where one is needed")
    return value


def fold(text: str | None) -> str:
    """Return a text in lower case."""
    text = short(text)
    return text.lower()


def short(text: str | None) -> str:
    """Return a text, or bytes, that is short enough to be searched."""
    text = need(text)
    if len(text) > LONGEST_TEXT:
        raise EvaluationError(f"a text is longer than the {LONGEST_TEXT} characters searched")
    return text


def is_text(text: str | None, folded: str) -> bool:
    """Whether a text is the given one, which is in lower case."""
    # lower() never makes a text shorter: a longer one is another one
    return text is not None and len(text) <= len(folded) and text.lower() == folded


def is_one_of_texts(text: str | None, folded: frozenset[str], longest: int) -> bool:
    """Whether a text is one of those, which are in lower case and not longer than `longest`."""
    return text is not None and len(text) <= longest and text.lower() in folded


def same_text(left: str | None, right: str | None) -> bool:
    """Whether two texts are the same but for case."""
    if left is None or right is None:
        return left is right
    return fold(left) == fold(right)


def same_bytes(left: str, right: str) -> bool:
    """Whether two byte strings of any length are the same."""
    return len(left) == len(right) and short(left) == right


def in_list(value: object, items: list[object]) -> bool:
    """Whether a value of fixed size is in a decoded list."""
    _require_searchable(items)
    return value in items


def bytes_in_list(value: str, items: list[str]) -> bool:
    """Whether a byte string of any length is in a decoded list."""
    _require_searchable(items)
    return short(value) in items


def text_in_list(text: str | None, items: list[str]) -> bool:
    """Whether a text is in a decoded list, but for case."""
    _require_searchable(items, LONGEST_SEARCHED_TEXTS)
    if text is None:
        return False
    folded = fold(text)
    candidates = [item for item in items if len(item) <= len(folded)]
    if sum(map(len, candidates)) > LONGEST_TEXT:
        raise EvaluationError(f"a list holds more than the {LONGEST_TEXT} characters searched")
    return any(item.lower() == folded for item in candidates)


def watches(watched: Callable[[str], bool], address: str | None) -> bool:
    """Whether an address is watched; nobody watches null."""
    return address is not None and watched(address)


def starts_with(text: str, part: str) -> bool:
    """Whether a text, or bytes, begin with a part."""
    return text.startswith(part)


def ends_with(text: str, part: str) -> bool:
    """Whether a text ends with a part."""
    return text.endswith(part)


def bytes_end_with(value: str, part: str) -> bool:
    """Whether a byte string ends with a part; both are 0x-hex."""
    return len(value) >= len(part) and value.endswith(part[2:])


def _require_searchable(items: list[_Value], longest: int = LONGEST_SEARCHED_LIST) -> None:
    if len(items) > longest:
        raise EvaluationError(f"a list of {len(items)} items is longer than the {longest} searched")
