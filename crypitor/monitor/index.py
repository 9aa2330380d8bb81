"""Who watches what, in memory: one hash look-up for each party of a block. Pure.

The index holds every enabled monitor of all projects and networks, and all their addresses. Its
owner keeps it in step with every change before the API answers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from crypitor.evm.types import Address
from crypitor.monitor.models import Monitor
from crypitor.monitor.prepared import Asked, Prepared, prepare_all

Labelled: TypeAlias = tuple[Address, str | None]
"""An address and the user's label for it."""

_STALE_SHARE = 0.25
_STALE_FLOOR = 10_000
_SWEPT_AT_ONCE = 2_000

Numbers: TypeAlias = int | tuple[int, ...]
"""One monitor or several, as an index knows them."""


@dataclass(slots=True)
class Watching:
    """One monitor, prepared for look-ups.

    number: by which the index knows it.  watchers: the index's addresses.
    labels: only of the addresses that have one.
    """

    number: int
    watchers: Mapping[object, Numbers]
    monitor: Monitor
    rules: Prepared
    labels: dict[Address, str] = field(default_factory=dict)
    addresses: int = 0

    def watches(self, address: Address) -> bool:
        """Whether an address is one of the monitor's."""
        numbers = self.watchers.get(address)
        return self.monitor.any_address or (
            self.number in numbers if isinstance(numbers, tuple) else numbers == self.number
        )


class Index:
    """All monitors, found by address or by what their rules name (`asked`).

    A monitor is known by a small number here, and an address maps to one number or to a tuple of
    them: a million addresses cost about 165 bytes each.
    """

    def __init__(self) -> None:
        # A key that is no text makes the dictionary store each hash beside its entry, which makes
        # a probe among a million addresses about four times as fast (CPython 3.11, dictobject.c).
        self._watchers: dict[object, Numbers] = {None: ()}
        self.asked = Asked()
        self._watchings: dict[int, Watching] = {}
        self._coming: dict[int, Watching] = {}
        self._numbers: dict[str, int] = {}
        self._next_number = 1
        self._stale = 0
        self._by_tag: set[int] = set()
        self.version = 0
        """Another one with every change that a block's matches may depend on."""
        self.look_up = self._watchers.get
        """Address → a number, a tuple of numbers, or None."""

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
        return len(self._watchers) > 1  # one key is none

    def watched_among(self, addresses: AbstractSet[Address]) -> dict[Address, Numbers]:
        """Return who watches those of many addresses that are watched.

        Among a million addresses each look-up waits several times for memory that no cache holds.
        In one pass of compiled code over addresses that are hashed already, as those of a set are,
        the waits overlap: all look-ups of a block are this one.
        """
        watchers = self._watchers
        return {str(address): watchers[address] for address in watchers.keys() & addresses}

    def watching(self, numbers: Numbers | None) -> Iterator[Watching]:
        """Yield what stands behind the answer of a look-up; monitors that are gone are left out."""
        if numbers is None:
            return
        for number in (numbers,) if isinstance(numbers, int) else numbers:
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
            self._stale += self._coming.pop(number).addresses
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
            self._stale += watching.addresses

    def sweep(self) -> Iterator[None]:
        """Free what is left of removed monitors, once it is much.

        Addresses of a removed monitor lead to a number that is gone, which costs memory and nothing
        else. Between two steps of a few milliseconds, where anything may change, it yields; a
        million addresses are about a second's work.
        """
        if self._stale <= max(_STALE_FLOOR, _STALE_SHARE * len(self._watchers)):
            return
        unswept, self._stale = list(self._watchers), 0
        while unswept:
            self._sweep_some(unswept[-_SWEPT_AT_ONCE:])
            del unswept[-_SWEPT_AT_ONCE:]
            yield

    def add_addresses(self, monitor_id: str, pairs: Iterable[Labelled]) -> None:
        """Watch more addresses; a label replaces the one the address had."""
        number = self._numbers[monitor_id]
        self.version += 1
        self._add(number, self._watchings[number], pairs)

    def remove_addresses(self, monitor_id: str, addresses: Iterable[Address]) -> None:
        """Watch these no longer; one that is not watched is no mistake."""
        number = self._numbers[monitor_id]
        watching, watchers = self._watchings[number], self._watchers
        self.version += 1
        for address in addresses:
            present = watchers.get(address)
            if present == number:
                del watchers[address]
            elif isinstance(present, tuple) and number in present:
                rest = tuple(other for other in present if other != number)
                watchers[address] = rest[0] if len(rest) == 1 else rest
            else:
                continue
            watching.addresses -= 1
            watching.labels.pop(address, None)

    def _new_watching(self, monitor: Monitor) -> Watching:
        watching = Watching(self._next_number, self._watchers, monitor, prepare_all(monitor.rules))
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

    def _add(self, number: int, watching: Watching, pairs: Iterable[Labelled]) -> None:
        watchers, labels, added = self._watchers, watching.labels, 0
        for address, label in pairs:
            present = watchers.get(address)
            if present is None:
                watchers[address] = number
                added += 1
            elif present != number and (isinstance(present, int) or number not in present):
                before = (present,) if isinstance(present, int) else present
                watchers[address] = (*before, number)
                added += 1
            if label is not None:
                labels[address] = label
            elif labels:
                labels.pop(address, None)
        watching.addresses += added

    def _sweep_some(self, addresses: Iterable[object]) -> None:
        watchers, alive, coming = self._watchers, self._watchings, self._coming
        for address in addresses:
            present = watchers.get(address, ())
            numbers = (present,) if isinstance(present, int) else present
            rest = tuple(number for number in numbers if number in alive or number in coming)
            if rest == numbers:
                continue
            if rest:
                watchers[address] = rest[0] if len(rest) == 1 else rest
            else:
                del watchers[address]
