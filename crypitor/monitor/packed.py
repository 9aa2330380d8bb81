"""Addresses in 35 bytes each, found as fast as in a dictionary, which takes 135. Pure.

Few are in a dictionary. Of many, a bit of each (`marks`) tells which of a block's addresses may be
here, and these are looked for in sorted leaves.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from operator import lt

from crypitor.evm.types import Address, Digits
from crypitor.monitor.leaves import Leaves, split
from crypitor.monitor.marks import KEY_BYTES, Marks, keys_of, keys_of_digits

FEW = 16384
"""Addresses for which a dictionary is smaller than the rest, and found at once."""

_LEAVES_A_STEP = 16
"""About a millisecond's work."""

_ADDED_A_STEP = 1024
"""Of so many added, a step towards larger marks is made: they are done long before they fill."""

GONE = 0


class Packed:
    """Address → a number from 1 to 2^32 - 1.

    Addresses are lower-case 0x-hex of 20 bytes; anything else is never found, and not taken.
    few: see `FEW`.
    """

    def __init__(self, few: int = FEW) -> None:
        self._most_few = few
        # A key that is no text makes the dictionary store each hash beside its entry, which makes
        # a probe about four times as fast (CPython 3.11, dictobject.c).
        self._few: dict[object, int] = {None: GONE}
        self._leaves: Leaves | None = None
        self._marks = Marks(0)
        self._stale = 0
        self._coming: Marks | None = None
        self._steps: Iterator[None] = iter(())

    def __len__(self) -> int:
        """How many addresses there are."""
        return len(self._few) - 1 if self._leaves is None else len(self._leaves)

    def get(self, address: Address) -> int | None:
        """Return the number of an address, None if it has none; it may be any text."""
        if self._leaves is None:
            return self._few.get(address[2:]) if address.startswith("0x") else None
        key = _key_of(address)
        return None if key is None else self._leaves.get(key)

    def among(self, several: Iterable[Digits]) -> dict[Digits, int]:
        """Return the numbers of those of many addresses that have one; they may be any texts."""
        if self._leaves is None:
            few = self._few
            return {str(each): few[each] for each in few.keys() & several}
        asked = [*several]
        if not asked:
            return {}
        try:
            keys = keys_of_digits(asked)
        except ValueError:
            return self.among([each for each in asked if _key_of(f"0x{each}") is not None])
        found = {}
        for place in self._marks.passing(keys):
            number = self.get(f"0x{asked[place]}")
            if number is not None:
                found[asked[place]] = number
        return found

    def put_all(
        self, addresses: Sequence[Address], number: int, also: Callable[[int], int | None]
    ) -> int:
        """Give addresses a number; return how many changed. Raises ValueError for other texts.

        also: given the number that an address has, returns the one that it gets, or None to leave
        it.
        """
        if not addresses:
            return 0
        keys = keys_of(addresses)
        if self._leaves is None:
            if len(self._few) + len(addresses) <= self._most_few:
                return self._put_few(addresses, number, also)
            self._leaves = self._grown()
        new, changed = self._leaves.put_all(_ordered(split(keys)), number, also)
        self._mark(keys)
        for _ in range(len(addresses) // _ADDED_A_STEP + 1):
            self.settle()
        return len(new) + changed

    def put(self, address: Address, number: int | None) -> None:
        """Give an address that is here another number, or none."""
        if self._leaves is None:
            if number is None:
                self._few.pop(address[2:], None)
            else:
                self._few[address[2:]] = number
            return
        key = _key_of(address)
        if key is not None:
            before = len(self._leaves)
            self._leaves.put(key, number)
            self._stale += before > len(self._leaves)
            if before < len(self._leaves):
                self._mark(key)

    def renumber(self, after: Callable[[int], int | None]) -> Iterator[None]:
        """Give each address the number that follows from its own, or none; yield between steps.

        What is added meanwhile may be left out.
        """
        if self._leaves is None:
            for digits, number in [*self._few.items()][1:]:
                other = after(number)
                if other is None:
                    del self._few[digits]
                else:
                    self._few[digits] = other
            return
        for went in self._leaves.renumber(after, _LEAVES_A_STEP):
            self._stale += went
            yield

    def numbers(self) -> Iterator[set[int]]:
        """Yield all numbers that are in use, some at a time; what is added meanwhile may be not."""
        if self._leaves is None:
            yield {*self._few.values()}
        else:
            yield from self._leaves.numbers(_LEAVES_A_STEP)

    def settle(self) -> bool:
        """Do a step towards marks that fit; False when they do."""
        if self._leaves is None:
            return False
        if self._coming is None:
            count = len(self._leaves)
            if count <= self._marks.room and self._stale <= max(self._most_few, count):
                return False
            self._coming, self._stale = Marks(max(count + 1, self._most_few)), 0
            self._steps = self._marked_anew(self._leaves, self._coming)
        next(self._steps, None)
        return True

    def _marked_anew(self, leaves: Leaves, coming: Marks) -> Iterator[None]:
        for some in leaves.parts(_LEAVES_A_STEP):
            for keys in some:
                coming.add(keys)
            yield
        self._marks, self._coming = coming, None

    def _mark(self, keys: bytes) -> None:
        self._marks.add(keys)
        if self._coming is not None:
            self._coming.add(keys)

    def _put_few(
        self, addresses: Sequence[Address], number: int, also: Callable[[int], int | None]
    ) -> int:
        few, several = self._few, {address[2:] for address in addresses}
        changes = {
            digits: other
            for digits, present in self.among(several).items()
            if (other := also(present)) is not None
        }
        new = several - few.keys()
        few.update(zip(new, repeat(number)))
        few.update(changes)
        return len(new) + len(changes)

    def _grown(self) -> Leaves:
        """Return all that there are as leaves, with their marks made."""
        leaves = Leaves()
        ordered = sorted((str(digits), n) for digits, n in self._few.items() if digits)
        keys = keys_of_digits([digits for digits, _ in ordered]) if ordered else b""
        leaves.fill(split(keys), array("I", [number for _, number in ordered]))
        self._marks = Marks(4 * len(ordered))
        self._marks.add(keys)
        self._few = {None: GONE}
        return leaves


def _ordered(keys: list[bytes]) -> list[bytes]:
    """Return keys in their order, each once; as the database gives them, they are so already."""
    return keys if all(map(lt, keys, keys[1:])) else sorted({*keys})


def _key_of(address: Address) -> bytes | None:
    """Return the 20 bytes of an address, None for any other text."""
    try:
        key = bytes.fromhex(address[2:])
    except ValueError:
        return None
    return key if len(key) == KEY_BYTES and f"0x{key.hex()}" == address else None
