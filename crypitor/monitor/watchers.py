"""Who watches an address and what they call it, for a million addresses and more. Pure.

A dictionary that grows moves all that it has: at 700,000 entries that takes 30 ms, in one go. So
there are sixteen, by the last digit of the address, which is as evenly spread as any.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeAlias

import msgspec

from crypitor.evm.types import Address


class Several(msgspec.Struct, frozen=True, gc=False):
    """The monitors that watch one address.

    Not a tuple: with the first of those in a dictionary the garbage collector walks all of it
    (CPython before 3.14, which walks every dictionary that is not frozen).
    """

    numbers: tuple[int, ...]


Numbers: TypeAlias = int | Several
"""One monitor or several, as an index knows them."""


def each_of(numbers: Numbers) -> tuple[int, ...]:
    """Return the numbers, one or several."""
    return (numbers,) if isinstance(numbers, int) else numbers.numbers


def all_of(numbers: tuple[int, ...]) -> Numbers:
    """Return one number as it is, several together."""
    return numbers[0] if len(numbers) == 1 else Several(numbers)


Part: TypeAlias = dict[object, Numbers]

_DIGITS = "0123456789abcdef"


class Watchers:
    """Address → the numbers of the monitors that watch it.

    parts: by the last digit of the address, each with one key more, which is none.
    """

    def __init__(self) -> None:
        # A key that is no text makes the dictionary store each hash beside its entry, which makes
        # a probe among a million addresses about four times as fast (CPython 3.11, dictobject.c).
        self.parts: dict[str, Part] = {digit: {None: 0} for digit in _DIGITS}

    def __len__(self) -> int:
        """How many addresses there are."""
        return sum(map(len, self.parts.values())) - len(self.parts)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return any(len(part) > 1 for part in self.parts.values())

    def get(self, address: Address) -> Numbers | None:
        """Return who watches an address, None if nobody does; it may be any text."""
        part = self.parts.get(address[-1:])
        return None if part is None else part.get(address)

    def among(self, addresses: Iterable[Address]) -> dict[Address, Numbers]:
        """Return who watches those of many addresses that are watched.

        Among a million addresses each look-up waits several times for memory that no cache holds.
        In passes of compiled code over addresses that are hashed already, as those of a set are,
        the waits overlap: all look-ups of a block are these.
        """
        wanted: defaultdict[str, list[Address]] = defaultdict(list)
        for address in addresses:
            wanted[address[-1]].append(address)
        found: dict[Address, Numbers] = {}
        for digit, part in self.parts.items():
            found.update({str(each): part[each] for each in part.keys() & wanted[digit]})
        return found

    def slices(self, length: int) -> Iterator[tuple[Part, list[object]]]:
        """Yield all addresses, not many at a time, each with the part that it may be deleted from.

        What is added meanwhile may be left out.
        """
        for part in self.parts.values():
            rest = list(part)
            while rest:
                yield part, rest[-length:]
                del rest[-length:]


MOST_IN_ONE = 10_000
"""Labels, which take some 2 ms to be distributed."""

_NONE: dict[str, dict[object, str]] = {}


class Labels:
    """Address → what one monitor calls it; only of the addresses that have a label.

    few: all of them, as long as they are; most monitors have no more, and there may be very many.
    parts: by the last digit of the address, once they are many, each with one key more, as there.
    """

    __slots__ = ("few", "parts")

    def __init__(self) -> None:
        self.few: dict[object, str] = {}
        self.parts: dict[str, dict[object, str]] = _NONE

    def __bool__(self) -> bool:
        """Whether there are, or once were, any."""
        return bool(self.few or self.parts)

    def get(self, address: Address) -> str | None:
        """Return an address's label, None if it has none."""
        return self.parts.get(address[-1:], self.few).get(address)

    def put(self, address: Address, label: str) -> None:
        """Take an address's label, in place of the one that it has."""
        part = self.parts.get(address[-1], self.few)
        part[address] = label
        if part is self.few and len(part) > MOST_IN_ONE:
            self._distribute()

    def drop(self, address: Address) -> None:
        """Forget an address's label; to have none is no mistake."""
        self.parts.get(address[-1], self.few).pop(address, None)

    def _distribute(self) -> None:
        self.parts = {digit: {None: ""} for digit in _DIGITS}
        for address, label in self.few.items():
            self.parts[str(address)[-1]][address] = label
        self.few = {}
