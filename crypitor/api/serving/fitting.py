"""Pages that end before they are too large: what a thousand items hold may be hundreds of MB."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

Item = TypeVar("Item")
Cursor = TypeVar("Cursor")

MOST_PAGE_BYTES = 4 * 1024 * 1024
FIRST_ROWS = 20


async def fitting(
    read: Callable[[int, Cursor | None], Awaitable[list[Item]]],
    limit: int,
    cursor: Cursor | None,
    *,
    cursor_of: Callable[[Item], Cursor],
    size_of: Callable[[Item], int],
    most_bytes: int = MOST_PAGE_BYTES,
) -> tuple[list[Item], bool]:
    """Return the items of a page, at least one if there is any, and whether there are more.

    read: so many items from a cursor on. Few are read at first, and twice as many each time, so
    that at most about twice `most_bytes` is held where items are of about one size.
    """
    shown: list[Item] = []
    size, rows = 0, FIRST_ROWS
    while True:
        wanted = min(rows, limit - len(shown))
        items = await read(wanted + 1, cursor)
        for item in items[:wanted]:
            size += size_of(item)
            if shown and size > most_bytes:
                return shown, True
            shown.append(item)
        if len(items) <= wanted:
            return shown, False
        if len(shown) == limit:
            return shown, True
        cursor, rows = cursor_of(shown[-1]), 2 * rows
