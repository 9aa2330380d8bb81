"""What was made of texts that users choose, remembered within a bound of memory. Pure."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LONG = 16
"""Of long ones so many are remembered, whatever they are."""


def length(text: str | None) -> int:
    """Return the characters of a text, of which there may be none."""
    return 0 if text is None else len(text)


def remembered(
    size: Callable[..., int] = length, *, most: int = 1024, longest: int = 2048
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Remember what a function returned, as `lru_cache` does, without growing by what is long.

    A number of entries alone is no bound of memory where whoever may save something chooses how
    large each is: a thousand certificates of 64 KB, each read once, would stay for good.

    size: of what the function was given, in characters; up to `longest` it counts as short.
    most: of the short ones.
    """

    def decorate(make: Callable[P, T]) -> Callable[P, T]:
        short, long = lru_cache(maxsize=most)(make), lru_cache(maxsize=LONG)(make)

        @wraps(make)
        def found(*args: P.args, **kwargs: P.kwargs) -> T:
            kept: Callable[..., T] = short if size(*args, **kwargs) <= longest else long
            return kept(*args, **kwargs)

        return found

    return decorate
