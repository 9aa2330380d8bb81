"""Who watches what, in memory: one hash look-up for each party of a block. Pure.

The index holds every enabled monitor of all projects and networks, and all their addresses. Its
owner keeps it in step with every change before the API answers.
"""

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from crypitor.evm.types import Address, Digits
from crypitor.monitor.models import Monitor
from crypitor.monitor.prepared import Asked, Prepared, prepare_all
from crypitor.monitor.watchers import Labels, Numbers, Watchers, each_of

Labelled: TypeAlias = tuple[Address, str | None]
"""An address and the user's label for it."""

_STALE_SHARE = 0.25
_STALE_FLOOR = 10_000


@dataclass(slots=True)
class Watching:
    """One monitor, prepared for look-ups.

    number: by which the index knows it.  look_up: among the index's addresses.
    labels: only of the addresses that have one.
    """

    number: int
    look_up: Callable[[Address], Numbers | None]
    monitor: Monitor
    rules: Prepared
    labels: Labels = field(default_factory=Labels)
    addresses: int = 0

    def watches(self, address: Address) -> bool:
        """Whether an address is one of the monitor's."""
        numbers = self.look_up(address)
        return self.monitor.any_address or (numbers is not None and self.number in each_of(numbers))


class Index:
    """All monitors, found by address or by what their rules name (`asked`).

    A monitor is known by a small number here, and an address maps to one number or to several
    of them: of a million addresses each costs some 50 bytes.
    """

    def __init__(self) -> None:
        self._watchers = Watchers()
        self.asked = Asked()
        self._watchings: dict[int, Watching] = {}
        self._coming: dict[int, Watching] = {}
        self._numbers: dict[str, int] = {}
        self._next_number = 1
        self._stale = 0
        self._left_labels: list[dict[object, str]] = []
        self._by_tag: set[int] = set()
        self.version = 0
        """Another one with every change that a block's matches may depend on."""
        self.look_up = self._watchers.get
        """Address → one number, several, or None."""

    def __len__(self) -> int:
        """How many monitors there are."""
        return len(self._numbers)

    def __contains__(self, monitor_id: str) -> bool:
        """Whether the monitor is watched now."""
        return monitor_id in self._numbers

    @property
    def asks_tags(self) -> bool:
        """Whether any monitor's confirmations are the node's `safe` or `finalized`."""
        return bool(self._by_tag)

    @property
    def addresses(self) -> int:
        """How many addresses are watched, each once for every monitor that watches it."""
        return sum(watching.addresses for watching in self._watchings.values())

    @property
    def watches_addresses(self) -> bool:
        """Whether anybody watches single addresses."""
        return bool(self._watchers)

    def watched_among(self, asked: AbstractSet[Digits]) -> dict[Digits, Numbers]:
        """Return who watches those of many addresses that are watched: all look-ups of a block."""
        return self._watchers.among(asked)

    def watching(self, numbers: Numbers | tuple[int, ...] | None) -> Iterator[Watching]:
        """Yield what stands behind the answer of a look-up; monitors that are gone are left out."""
        if numbers is None:
            return
        for number in numbers if isinstance(numbers, tuple) else each_of(numbers):
            watching = self._watchings.get(number)
            if watching is not None:
                yield watching

    def put(self, monitor: Monitor) -> None:
        """Add a monitor, or replace what it asks; its addresses stay as they are."""
        number = self._numbers.get(monitor.id)
        if number is None:
            self._install(self._new_watching(monitor))
            return
        watching, rules = self._watchings[number], prepare_all(monitor.rules)
        self._forget_asked(watching)
        watching.monitor, watching.rules = monitor, rules
        self._note_asked(watching)

    @contextmanager
    def replacing(self, monitor: Monitor) -> Iterator[Callable[[Iterable[Labelled]], None]]:
        """Add or replace a monitor together with all its addresses.

        Yields what takes the addresses, in as many calls as its owner likes. Until the block ends
        nothing of them can be seen, so that no match is made with a part; if it ends with an
        exception, they never were.
        """
        watching = self._new_watching(monitor)
        number = watching.number
        self._coming[number] = watching
        try:
            yield lambda pairs: self._add(number, watching, pairs)
        except BaseException:
            self._leave(self._coming.pop(number))
            raise
        self.remove(monitor.id)
        self._install(self._coming.pop(number))

    def remove(self, monitor_id: str) -> None:
        """Forget a monitor and its addresses; one that is not known is no mistake.

        What its addresses took of the memory is given back by `sweep`.
        """
        number = self._numbers.pop(monitor_id, None)
        if number is not None:
            watching = self._watchings.pop(number)
            self._forget_asked(watching)
            self._leave(watching)

    def sweep(self) -> Iterator[None]:
        """Free what is left of removed monitors, and of many changes, once it is much.

        Addresses of a removed monitor lead to a number that is gone, which costs memory and nothing
        else. Between two steps of a few milliseconds, where anything may change, it yields; a
        million addresses are about a second's work.
        """
        while self._left_labels:
            self._left_labels.pop()
            yield
        if self._stale > max(_STALE_FLOOR, _STALE_SHARE * len(self._watchers)):
            self._stale = 0
            yield from self._watchers.keep(self._is_known)
        yield from self._watchers.settle()

    def add_addresses(self, monitor_id: str, pairs: Iterable[Labelled]) -> None:
        """Watch more addresses; a label replaces the one the address had."""
        number = self._numbers[monitor_id]
        self.version += 1
        self._add(number, self._watchings[number], pairs)

    def remove_addresses(self, monitor_id: str, addresses: Iterable[Address]) -> None:
        """Watch these no longer; one that is not watched is no mistake."""
        number = self._numbers[monitor_id]
        watching = self._watchings[number]
        self.version += 1
        for address in addresses:
            if self._watchers.remove(number, address):
                watching.addresses -= 1
                watching.labels.drop(address)

    def _leave(self, watching: Watching) -> None:
        self._stale += watching.addresses
        self._left_labels.extend(watching.labels.parts.values())

    def _new_watching(self, monitor: Monitor) -> Watching:
        watching = Watching(self._next_number, self.look_up, monitor, prepare_all(monitor.rules))
        self._next_number += 1
        return watching

    def _install(self, watching: Watching) -> None:
        monitor, number = watching.monitor, watching.number
        self._numbers[monitor.id] = number
        self._watchings[number] = watching
        self._note_asked(watching)

    def _note_asked(self, watching: Watching) -> None:
        monitor, number = watching.monitor, watching.number
        self.asked.add(number, monitor.networks, watching.rules, any_address=monitor.any_address)
        if isinstance(monitor.confirmations, str):
            self._by_tag.add(number)
        self.version += 1

    def _forget_asked(self, watching: Watching) -> None:
        monitor, number = watching.monitor, watching.number
        self.asked.remove(number, monitor.networks, watching.rules, any_address=monitor.any_address)
        self._by_tag.discard(number)
        self.version += 1

    def _is_known(self, number: int) -> bool:
        return number in self._watchings or number in self._coming

    def _add(self, number: int, watching: Watching, pairs: Iterable[Labelled]) -> None:
        several = [*pairs]
        watching.addresses += self._watchers.add(number, [address for address, _ in several])
        labels = watching.labels
        if not labels and all(label is None for _, label in several):
            return
        for address, label in several:
            if label is not None:
                labels.put(address, label)
            elif labels:
                labels.drop(address)
