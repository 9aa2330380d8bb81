"""Who watches an address, for a million addresses and more. Pure.

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

    Not a tuple: with the first of those in a dictionary the garbage collector walks all of it.
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


class Watchers:
    """Address → the numbers of the monitors that watch it.

    parts: by the last digit of the address, each with one key more, which is none.
    """

    def __init__(self) -> None:
        # A key that is no text makes the dictionary store each hash beside its entry, which makes
        # a probe among a million addresses about four times as fast (CPython 3.11, dictobject.c).
        self.parts: dict[str, Part] = {digit: {None: 0} for digit in "0123456789abcdef"}

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
