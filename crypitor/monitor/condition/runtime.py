"""What compiled conditions call: the operations that need a bound, or an answer for null.

Text and lists come from the chain and may be megabytes; each function here looks at a bounded
part of them, so that no match takes longer than the cost for which its condition was accepted.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from crypitor.monitor.condition.errors import EvaluationError

LONGEST_TEXT = 2000
"""Characters that are compared, other than with a text that is written in the condition."""

LONGEST_SEARCHED_LIST = 2000
"""Items of a decoded list that `in` looks at."""

LONGEST_SEARCHED_TEXTS = 500
"""Items of a decoded list of texts that `in` looks at."""

MOST_PARTS = 500
"""Parts of nested lists and tuples that are looked at, and all lists and tuples among them."""

HERE = "here"
EACH = "each"
"""Shapes say where in nested lists and tuples to look. HERE: at this; (EACH, shape): at each item
of a list; ((place, shape), …): at these members of a tuple."""

_Value = TypeVar("_Value")


def need(value: _Value | None) -> _Value:
    """Return a value that must not be null."""
    if value is None:
        raise EvaluationError("a value is null where one is needed")
    return value


def share_of(value: int | None) -> int:
    """Return what a percentage is of; of nothing there is none."""
    value = need(value)
    if not value:
        raise EvaluationError("a percentage of zero")
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


def parts(nested: Any, way: Any) -> list[Any]:
    """Return the parts of nested lists and tuples to which a shape leads, in no order."""
    found: list[Any] = []
    waiting = [(nested, way)]
    looked_at = 0
    while waiting:
        value, way = waiting.pop()
        if way == HERE:
            found.append(value)
        elif way[0] == EACH:
            _require_few(looked_at + len(value))
            inner = way[1]
            waiting += [(item, inner) for item in value]
        else:
            waiting += [(value[place], inner) for place, inner in way]
        looked_at += 1
        _require_few(looked_at)
    return found


def same_parts(left: Any, right: Any, shape: Any) -> bool:
    """Whether nested lists and tuples hold the same; texts but for case.

    shape: of both; where it ends it says "value", "text" or "bytes". ("items", shape, …): of lists
    with so many items.
    """
    waiting = [(left, right, shape)]
    looked_at = characters = 0
    while waiting:
        one, other, of = waiting.pop()
        looked_at += 1
        _require_few(looked_at)
        if of == "value":
            if one != other:
                return False
        elif of in {"text", "bytes"}:
            if of == "bytes" and len(one) != len(other):
                return False
            characters += len(one) + len(other)
            if characters > 2 * LONGEST_TEXT:
                raise EvaluationError(
                    f"lists hold more than the {LONGEST_TEXT} characters compared"
                )
            if one != other and (of == "bytes" or one.lower() != other.lower()):
                return False
        elif of[0] == EACH or of[0] == "items":
            inner = of[1:] if of[0] == "items" else of[1:] * min(len(one), MOST_PARTS + 1)
            if len(one) != len(other) or (of[0] == "items" and len(inner) != len(one)):
                return False
            _require_few(looked_at + len(one))
            waiting += zip(one, other, inner, strict=True)
        else:
            waiting += [(one[place], other[place], inner) for place, inner in of]
    return True


def same_as_one(value: Any, items: list[Any], shape: Any) -> bool:
    """Whether one of some lists or tuples is the same as a value."""
    looked_at = 0
    for item in items:
        looked_at += len(item)
        _require_few(looked_at)
        if same_parts(value, item, shape):
            return True
    return False


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


def _require_few(looked_at: int) -> None:
    if looked_at > MOST_PARTS:
        raise EvaluationError(f"nested lists have more than the {MOST_PARTS} parts looked at")


def _require_searchable(items: list[_Value], longest: int = LONGEST_SEARCHED_LIST) -> None:
    if len(items) > longest:
        raise EvaluationError(f"a list of {len(items)} items is longer than the {longest} searched")
