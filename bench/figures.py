"""Figures: a median with its spread and its unit, and what two of them are to each other."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

Figure: TypeAlias = dict[str, Any]
"""median, low and high (tenth and ninetieth percentile), unit, of (how many values); some have a
tail: p99, worst."""


def figure(values: Sequence[float], unit: str) -> Figure:
    """Return the middle of some measured values and how far they spread."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return {
        "median": _rounded(statistics.median(ordered)),
        "low": _rounded(ordered[round(0.1 * last)]),
        "high": _rounded(ordered[round(0.9 * last)]),
        "unit": unit,
        "of": len(ordered),
    }


def ratio(over: Sequence[float], under: Sequence[float]) -> Figure:
    """Return how many times as much the first is, pair by pair: noise that lasts meets both."""
    return figure([a / b for a, b in zip(over, under, strict=True) if b], "times")


@contextmanager
def processor_ms() -> Iterator[list[float]]:
    """Append to the list what the block took of the processor, all threads together."""
    taken: list[float] = []
    began = time.process_time()
    yield taken
    taken.append(1000 * (time.process_time() - began))


def in_rounds(
    works: Mapping[str, Callable[[int], object]], rounds: int, *, per: int = 1
) -> dict[str, list[float]]:
    """Return the processor's ms of each work in each round, divided by `per`; they take turns."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds):
        for name, work in works.items():
            with processor_ms() as ms:
                work(number)
            taken[name].append(ms[0] / per)
    return taken


def leaves(document: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield every figure and every plain value of a document with its place in it."""
    if isinstance(document, dict) and "median" not in document:
        for name, part in document.items():
            yield from leaves(part, (*path, str(name)))
    elif isinstance(document, list):
        for place, part in enumerate(document):
            yield from leaves(part, (*path, str(place)))
    else:
        yield " · ".join(path), document


def shown(leaf: Any) -> str:
    """Return a figure or a plain value as text."""
    if not isinstance(leaf, dict):
        return str(leaf)
    text = f"{leaf['median']:g} {leaf['unit']}  [{leaf['low']:g} … {leaf['high']:g}]"
    return text + (f"  p99 {leaf['p99']:g}, worst {leaf['worst']:g}" if "worst" in leaf else "")


def _rounded(value: float) -> float:
    """Keep four digits, and all before the point."""
    return float(f"{value:.4g}") if abs(value) < 10_000 else round(value)
