"""Who watches an address and what they call it, for a million addresses and more. Pure.

A dictionary that grows moves all that it has: at 700,000 entries that takes 30 ms, in one go. So
who watches is packed, and labels are in sixteen dictionaries once they are many, by the last digit
of the address, which is as evenly spread as any.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec

from crypitor.evm.types import Address, Digits
from crypitor.monitor.packed import Packed


class Several(msgspec.Struct, frozen=True, gc=False):
    """The monitors that watch one address."""

    numbers: tuple[int, ...]


Numbers: TypeAlias = int | Several
"""One monitor or several, as an index knows them."""


def each_of(numbers: Numbers) -> tuple[int, ...]:
    """Return the numbers, one or several."""
    return (numbers,) if isinstance(numbers, int) else numbers.numbers


_DIGITS = "0123456789abcdef"

_MOST_WEIGHT = 100_000

_SEVERAL = 1 << 31
"""From here on a packed number is no monitor's, but that of several together."""


class Watchers:
    """Address → the numbers of the monitors that watch it, from 1 to 2^31 - 1.

    Addresses that the same monitors watch share what says so, which is counted.
    """

    def __init__(self, packed: Packed | None = None) -> None:
        self._packed = packed or Packed()
        self._several: dict[int, Several] = {}
        self._names: dict[tuple[int, ...], int] = {}
        self._next = _SEVERAL
        self._weight = 0
        self._kept_weight = 0

    def __len__(self) -> int:
        """How many addresses there are at most: some of those removed may be counted still."""
        return len(self._packed)

    @property
    def groups(self) -> int:
        """How many different groups of monitors watch some address together, or did."""
        return len(self._several)

    def get(self, address: Address) -> Numbers | None:
        """Return who watches an address, None if nobody does; it may be any text."""
        number = self._packed.get(address)
        return None if number is None else self._several.get(number, number)

    def among(self, asked: Iterable[Digits]) -> dict[Digits, Numbers]:
        """Return who watches those of many addresses that are watched: all look-ups of a block."""
        several = self._several
        found = self._packed.among(asked)
        return {digits: several.get(number, number) for digits, number in found.items()}

    def add(self, number: int, addresses: Sequence[Address]) -> int:
        """Let a monitor watch these too; return how many of them it did not watch before."""

        def also(present: int) -> int | None:
            numbers = self._numbers(present)
            return None if number in numbers else self._packed_of((*numbers, number))

        return self._packed.put_all(addresses, number, also)

    def remove(self, number: int, address: Address) -> bool:
        """Let a monitor watch an address no longer; tell whether it did."""
        present = self._packed.get(address)
        if present is None or number not in self._numbers(present):
            return False
        rest = tuple(each for each in self._numbers(present) if each != number)
        self._packed.put(address, self._packed_of(rest))
        return True

    def keep(self, alive: Callable[[int], bool]) -> Iterator[None]:
        """Leave only those monitors that are alive; yield between steps of a few milliseconds.

        What is added meanwhile may be left out.
        """

        def after(present: int) -> int | None:
            numbers = self._numbers(present)
            rest = tuple(filter(alive, numbers))
            return present if len(rest) == len(numbers) else self._packed_of(rest)

        return self._packed.renumber(after)

    def settle(self) -> Iterator[None]:
        """Bring what many changes left behind into its best form; yield between short steps."""
        while self._packed.settle():
            yield
        if self._weight > _MOST_WEIGHT + 2 * self._kept_weight:
            yield from self._forget_several()

    def _forget_several(self) -> Iterator[None]:
        """Forget which monitors watched some address together, where none has them any more."""
        known, used = [*self._several], set()
        for some in self._packed.numbers():
            used |= some
            yield
        # What was made meanwhile is not among the known ones; what was used again is used still.
        for number in known:
            if number not in used:
                numbers = self._several.pop(number).numbers
                del self._names[numbers]
                self._weight -= len(numbers)
        self._kept_weight = self._weight

    def _numbers(self, packed: int) -> tuple[int, ...]:
        return (packed,) if packed < _SEVERAL else self._several[packed].numbers

    def _packed_of(self, numbers: tuple[int, ...]) -> int | None:
        if len(numbers) < 2:
            return numbers[0] if numbers else None
        name = self._names.get(numbers)
        if name is None:
            name = self._names[numbers] = self._next
            self._several[name] = Several(numbers)
            self._next += 1
            self._weight += len(numbers)
        return name


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
