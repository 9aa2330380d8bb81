"""Many addresses, into the order of the database's key, in steps of a few milliseconds.

A database writes neighbours together: 10,000 rows that follow each other touch a hundred pages,
10,000 rows from all over touch ten thousand.
"""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice

from crypitor.evm.types import Address

PLACED_AT_ONCE = 2_000


def in_order(
    pairs: dict[Address, str | None], size: int
) -> Iterator[dict[Address, str | None] | None]:
    """Take all pairs out, in the order of their addresses, `size` at a time and a rest.

    Yields None between two steps, so that the caller can let others work. Pairs are freed step by
    step, because freeing many at once would take long too.
    """
    # A sample tells where the addresses lie, however they are spread: real ones are random, those
    # of a test begin with many zeros.
    limits = sorted(islice(pairs, 0, None, max(1, size // 4)))
    parts: list[list[Address]] = [[] for _ in range(len(limits) + 1)]
    for place, address in enumerate(pairs, 1):
        parts[bisect_right(limits, address)].append(address)
        if place % PLACED_AT_ONCE == 0:
            yield None
    waiting: list[Address] = []
    for place, part in enumerate(parts):
        waiting += sorted(part)
        parts[place] = []
        while len(waiting) >= size:
            yield {address: pairs.pop(address) for address in waiting[:size]}
            del waiting[:size]
    if waiting:
        yield {address: pairs.pop(address) for address in waiting}
