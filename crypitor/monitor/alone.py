"""One monitor by itself, whose addresses are looked up as a block needs them. Pure.

A monitor may watch a million addresses. To try it on a few blocks they are not loaded: what is
looked up and not known yet is noted as `wanted`, and counts as not watched. The owner finds out
which of those are watched, and asks again until nothing is wanted.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from crypitor.evm.types import Address, Digits
from crypitor.monitor.index import Index, Watching
from crypitor.monitor.models import Monitor
from crypitor.monitor.watchers import Numbers

MOST_ABSENT = 200_000
"""Addresses that are known not to be watched, before all of them are forgotten."""


class Alone(Index):
    """An index of one monitor.

    one: the monitor, prepared.
    wanted: addresses of which it is not known whether it has them.
    """

    one: Watching

    def __init__(self, monitor: Monitor) -> None:
        super().__init__()
        self.monitor = monitor
        self.wanted: set[Address] = set()
        self._absent: set[Address] = set()
        self.look_up = self._looked_up
        self.put(monitor)
        [self.one] = self._watchings.values()

    @property
    def watches_addresses(self) -> bool:
        """Whether any may be watched."""
        return True

    def watched_among(self, asked: AbstractSet[Digits]) -> dict[Digits, Numbers]:
        """Return those of many addresses that are known to be watched."""
        for digits in asked:
            self._looked_up(f"0x{digits}")
        return super().watched_among(asked)

    def learn(self, watched: Mapping[Address, str | None]) -> None:
        """Take the answer to all that was wanted: the watched ones, with their labels."""
        if len(self._absent) > MOST_ABSENT:
            self._absent.clear()
        self._absent |= self.wanted - watched.keys()
        self.wanted.clear()
        self.add_addresses(self.monitor.id, watched.items())

    def _looked_up(self, address: Address) -> Numbers | None:
        found = self._watchers.get(address)
        if found is None and address not in self._absent:
            self.wanted.add(address)
        return found
