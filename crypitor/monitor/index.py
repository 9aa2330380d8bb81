"""Who watches what, in memory: one hash look-up for each party of each transfer. Pure.

The index holds every enabled monitor of all projects and networks, and all their addresses. Its
owner keeps it in step with every change before the API answers.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from crypitor.evm.types import Address
from crypitor.monitor.models import Direction, Kind, Monitor, Rule

_STALE_SHARE = 0.25
_STALE_FLOOR = 10_000


@dataclass(slots=True)
class Watching:
    """One monitor, prepared for look-ups.

    labels: only of the addresses that have one.
    """

    monitor: Monitor
    rules: dict[Kind, tuple[Rule, ...]]
    labels: dict[Address, str] = field(default_factory=dict)
    addresses: int = 0


class Index:
    """All monitors, found by address or, where every party is watched, by contract.

    A monitor is known by a small number here, and an address maps to one number or to a tuple of
    them: a million addresses cost about 165 bytes each.
    """

    def __init__(self) -> None:
        # A key that is no text makes the dictionary store each hash beside its entry, which makes
        # a probe among a million addresses about four times as fast (CPython 3.11, dictobject.c).
        self._watchers: dict[object, int | tuple[int, ...]] = {None: ()}
        self._by_contract: dict[Address, tuple[int, ...]] = {}
        self._watchings: dict[int, Watching] = {}
        self._numbers: dict[str, int] = {}
        self._next_number = 1
        self._stale = 0
        self._by_tag: set[int] = set()
        self.look_up = self._watchers.get
        """Address → a number, a tuple of numbers, or None: the one probe of the block's path."""

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

    def any_party(self, contract: Address) -> tuple[int, ...]:
        """Return the monitors that watch every party of this contract's transfers."""
        return self._by_contract.get(contract, ())

    def watching(self, numbers: int | tuple[int, ...] | None) -> Iterator[Watching]:
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
            number = self._numbers[monitor.id] = self._next_number
            self._next_number += 1
            self._watchings[number] = Watching(monitor, _by_kind(monitor.rules))
        else:
            self._drop_contracts(number)
            watching = self._watchings[number]
            watching.monitor, watching.rules = monitor, _by_kind(monitor.rules)
        if isinstance(monitor.confirmations, str):
            self._by_tag.add(number)
        else:
            self._by_tag.discard(number)
        if monitor.any_address:
            for contract in {c for rule in monitor.rules for c in rule.contracts or ()}:
                self._by_contract[contract] = (*self._by_contract.get(contract, ()), number)

    def remove(self, monitor_id: str) -> None:
        """Forget a monitor and its addresses; one that is not known is no mistake."""
        number = self._numbers.pop(monitor_id, None)
        if number is None:
            return
        self._drop_contracts(number)
        self._by_tag.discard(number)
        # Its addresses lead to a number that is gone, which costs memory and nothing else; they
        # are swept out together once there are many.
        self._stale += self._watchings.pop(number).addresses
        if self._stale > max(_STALE_FLOOR, _STALE_SHARE * len(self._watchers)):
            self._sweep()

    def add_addresses(self, monitor_id: str, pairs: Iterable[tuple[Address, str | None]]) -> None:
        """Watch more addresses; a label replaces the one the address had."""
        number = self._numbers[monitor_id]
        watching, watchers = self._watchings[number], self._watchers
        for address, label in pairs:
            present = watchers.get(address)
            if present is None:
                watchers[address] = number
                watching.addresses += 1
            elif present != number and (isinstance(present, int) or number not in present):
                before = (present,) if isinstance(present, int) else present
                watchers[address] = (*before, number)
                watching.addresses += 1
            if label is None:
                watching.labels.pop(address, None)
            else:
                watching.labels[address] = label

    def remove_addresses(self, monitor_id: str, addresses: Iterable[Address]) -> None:
        """Watch these no longer; one that is not watched is no mistake."""
        number = self._numbers[monitor_id]
        watching, watchers = self._watchings[number], self._watchers
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

    def _drop_contracts(self, number: int) -> None:
        monitor = self._watchings[number].monitor
        for contract in {c for rule in monitor.rules for c in rule.contracts or ()}:
            rest = tuple(other for other in self.any_party(contract) if other != number)
            if rest:
                self._by_contract[contract] = rest
            else:
                self._by_contract.pop(contract, None)

    def _sweep(self) -> None:
        alive = self._watchings.keys()
        swept: dict[object, int | tuple[int, ...]] = {None: ()}
        for address, present in self._watchers.items():
            numbers = (present,) if isinstance(present, int) else present
            rest = tuple(number for number in numbers if number in alive)
            if rest:
                swept[address] = rest[0] if len(rest) == 1 else rest
        self._watchers = swept
        self.look_up = swept.get
        self._stale = 0


def directions_of(rule: Rule) -> tuple[Direction, ...]:
    """Return the directions of the matches that a rule can give."""
    if rule.direction is Direction.ALL:
        return (Direction.IN, Direction.OUT)
    return (rule.direction,)


def _by_kind(rules: Iterable[Rule]) -> dict[Kind, tuple[Rule, ...]]:
    grouped: dict[Kind, tuple[Rule, ...]] = {}
    for rule in rules:
        grouped[rule.kind] = (*grouped.get(rule.kind, ()), rule)
    return grouped
