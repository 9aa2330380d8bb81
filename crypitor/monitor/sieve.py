"""Of many conditions those that can be true, found by what they require of one field. Pure."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from crypitor.monitor.condition import Conjunct, EvaluationError, Facts, Sign, reader
from crypitor.monitor.condition.conjunct import Constant

Item = TypeVar("Item")
"""What has a condition; it is told from others by its identity."""

CROWD = 16
"""Items that require the same, from which on a newcomer is kept by something else it requires."""


class Sieve(Generic[Item]):
    """Items, each kept by one conjunct of its condition; those without any are always let through.

    An item that is let through still has to be asked: the rest of its condition is not known.
    """

    def __init__(self) -> None:
        self._placed: dict[Item, Conjunct | None] = {}
        self._always: dict[Item, None] = {}
        self._fields: dict[str, _Field[Item]] = {}

    def add(self, item: Item, conjuncts: Sequence[Conjunct]) -> None:
        """Take in an item that is not there. conjuncts: of its condition, the best first."""
        chosen = next(
            (conjunct for conjunct in conjuncts if not self._is_crowded(conjunct)),
            conjuncts[0] if conjuncts else None,
        )
        self._placed[item] = chosen
        if chosen is None:
            self._always[item] = None
            return
        field = self._fields.get(chosen.source)
        if field is None:
            field = self._fields[chosen.source] = _Field(chosen.source)
        field.add(item, chosen)

    def remove(self, item: Item) -> None:
        """Forget an item that was added."""
        placed = self._placed.pop(item)
        if placed is None:
            del self._always[item]
            return
        field = self._fields[placed.source]
        field.remove(item, placed)
        if field.is_empty:
            del self._fields[placed.source]

    def passed(self, facts: Facts) -> Iterator[Item]:
        """Yield every item whose condition can be true, each once.

        Where a field cannot be read all are yielded that require something of it.
        """
        yield from self._always
        for field in self._fields.values():
            yield from field.passed(facts)

    def _is_crowded(self, conjunct: Conjunct) -> bool:
        field = self._fields.get(conjunct.source)
        return field is not None and field.most(conjunct) >= CROWD


class _Field(Generic[Item]):
    """The items that are kept by one field: by sign and constant.

    ordered: the constants of the signs that are of an order, the least first.
    longest: text that was ever required; a longer one is another one.
    """

    def __init__(self, source: str) -> None:
        self._read: Callable[[Facts], Any] = reader(source)
        self._kept: dict[Sign, dict[Constant, list[Item]]] = {}
        self._ordered: dict[Sign, list[int]] = {}
        self._longest = 0

    @property
    def is_empty(self) -> bool:
        return not self._kept

    def most(self, conjunct: Conjunct) -> int:
        """Return how many items require the same of it as others do, at most."""
        kept = self._kept.get(conjunct.sign, {})
        return max(len(kept.get(constant, ())) for constant in conjunct.constants)

    def add(self, item: Item, conjunct: Conjunct) -> None:
        kept = self._kept.setdefault(conjunct.sign, {})
        for constant in conjunct.constants:
            if constant in kept:
                kept[constant].append(item)
                continue
            kept[constant] = [item]
            if conjunct.sign is Sign.TEXT:
                self._longest = max(self._longest, len(str(constant)))
            elif conjunct.sign is not Sign.IS:
                insort(self._ordered.setdefault(conjunct.sign, []), _integer(constant))

    def remove(self, item: Item, conjunct: Conjunct) -> None:
        kept, ordered = self._kept[conjunct.sign], self._ordered.get(conjunct.sign, [])
        for constant in conjunct.constants:
            kept[constant].remove(item)
            if kept[constant]:
                continue
            del kept[constant]
            if ordered:
                del ordered[bisect_left(ordered, _integer(constant))]
        if not kept:
            del self._kept[conjunct.sign]
            self._ordered.pop(conjunct.sign, None)

    def passed(self, facts: Facts) -> Iterable[Item]:
        """Return the items whose requirement is met."""
        try:
            value = self._read(facts)
        except EvaluationError:
            lists = [items for kept in self._kept.values() for items in kept.values()]
            return dict.fromkeys(item for items in lists for item in items)
        found: list[Item] = []
        for sign, kept in self._kept.items():
            for constant in self._met(sign, value):
                found += kept.get(constant, ())
        return found

    def _met(self, sign: Sign, value: Any) -> Sequence[Constant]:
        """Return the constants of which the value is what a sign says."""
        match sign:
            case Sign.IS:
                return (value,)
            case Sign.TEXT:
                fits = value is not None and len(value) <= self._longest
                return (value.lower(),) if fits else ()
            case Sign.LEAST:
                ordered = self._ordered[sign]
                return ordered[: bisect_right(ordered, value)]
            case Sign.BELOW:
                ordered = self._ordered[sign]
                return ordered[bisect_right(ordered, value) :]


def _integer(constant: Constant) -> int:
    assert isinstance(constant, int)
    return constant
