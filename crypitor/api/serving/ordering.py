"""Many addresses, into the order of the database's key, in steps of a few milliseconds.

A database writes neighbours together: 10,000 rows that follow each other touch a hundred pages,
10,000 rows from all over touch ten thousand.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from itertools import chain

from crypitor.api.serving.packed import Packed
from crypitor.evm.types import Address

PLACED_AT_ONCE = 2_000
SAMPLES = 10
"""Of each run. Evenly spaced ones of sorted runs tell where all lie, however they were sent."""


def in_order(packed: Packed, size: int) -> Iterator[dict[Address, str | None] | None]:
    """Yield all pairs once, in the order of their addresses, `size` at a time and a rest.

    Of one that came again the last label counts. Yields None between two steps, so that the caller
    can let others work; no order in which they come, and no repetition, makes a step long.
    """
    packed.settle()
    runs = []
    for first in range(0, len(packed), PLACED_AT_ONCE):
        runs.append(_run(packed, range(first, min(first + PLACED_AT_ONCE, len(packed)))))
        yield None
    chunk: dict[Address, str | None] = {}
    repeated = 0
    for place in _merged(packed, runs):
        address, label = packed.address(place), packed.label(place)
        if address in chunk:
            chunk[address] = label or chunk[address]
            packed.repeated += 1
            repeated += 1
            if repeated % PLACED_AT_ONCE == 0:
                yield None
            continue
        if len(chunk) == size:
            yield chunk
            chunk = {}
        chunk[address] = label
    if chunk:
        yield chunk


def _run(packed: Packed, places: range) -> "array[int]":
    """Return the places of some in the order of their addresses, without those that come again."""
    last: dict[bytes, int] = {}
    for place in places:
        raw = packed.raw(place)
        if raw not in last or packed.label(place):
            last[raw] = place
    packed.repeated += len(places) - len(last)
    return array("I", [last[raw] for raw in sorted(last)])


def _merged(packed: Packed, runs: "list[array[int]]") -> Iterator[int]:
    """Yield the places of all runs in order; of the same address, that which came first is first.

    That is a sort by regular sampling: no part has more than twice as many as they have on average.
    """
    samples = sorted(
        packed.raw(place) for run in runs for place in run[:: max(1, len(run) // SAMPLES)]
    )
    begun = [0] * len(runs)
    for limit in [*samples[SAMPLES::SAMPLES], b"\xff" * 20]:
        ends = [
            bisect_right(run, limit, first, key=packed.raw)
            for run, first in zip(runs, begun, strict=True)
        ]
        parts = (run[first:end] for run, first, end in zip(runs, begun, ends, strict=True))
        yield from sorted(chain.from_iterable(parts), key=packed.raw)
        begun = ends
