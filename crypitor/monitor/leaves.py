"""Addresses of 20 bytes in their order, each with a number: 25 bytes an address, no objects. Pure.

The leaves of a tree: each has a few hundred addresses in one piece of memory, and is cut when it
has more, so that no change moves many.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat

from crypitor.monitor.marks import KEY_BYTES

MOST = 512
"""Addresses in a leaf."""

_LEAST = 64
_PIECE = 384
_FEW = 8
"""Up to so many new addresses are put into a leaf one by one."""


class Leaves:
    """Keys of 20 bytes → a number from 0 to 2^32 - 1."""

    def __init__(self) -> None:
        self._firsts = [b""]
        """Below which no key of a leaf is."""
        self._keys = [bytearray()]
        self._numbers = [array("I")]
        self._count = 0

    def __len__(self) -> int:
        """How many keys there are."""
        return self._count

    def get(self, key: bytes) -> int | None:
        """Return the number of a key, None if it has none."""
        place = bisect_right(self._firsts, key) - 1
        found = self._keys[place].find(key)
        if found < 0:
            return None
        at, part = divmod(found, KEY_BYTES)
        if part:  # across two keys; it may be a key as well
            at, there = self._at(place, key)
            return self._numbers[place][at] if there else None
        return self._numbers[place][at]

    def fill(self, keys: Sequence[bytes], numbers: "array[int]") -> None:
        """Take what there is to begin with. keys: in their order, each once."""
        self._fill(0, keys, numbers)
        self._cut(0)

    def put(self, key: bytes, number: int | None) -> None:
        """Give a key another number, or none."""
        place = bisect_right(self._firsts, key) - 1
        at, there = self._at(place, key)
        if number is not None and there:
            self._numbers[place][at] = number
        elif number is not None:
            self._insert(place, at, key, number)
            self._cut(place)
        elif there:
            self._remove(place, at)

    def put_all(
        self, keys: Sequence[bytes], number: int, also: Callable[[int], int | None]
    ) -> tuple[list[bytes], int]:
        """Give keys a number. Returns those that had none, and how many got another one.

        keys: in their order, each once.  also: given the number that a key has, returns the one
        that it gets, or None to leave it.
        """
        new: list[bytes] = []
        changed = start = 0
        while start < len(keys):
            place = bisect_right(self._firsts, keys[start]) - 1
            stop = len(keys)
            if place + 1 < len(self._firsts):
                stop = bisect_left(keys, self._firsts[place + 1], start)
            put = self._put_few if stop - start <= _FEW else self._merge
            fresh, others = put(place, keys[start:stop], number, also)
            new += fresh
            changed += others
            start = stop
            self._cut(place)
        return new, changed

    def renumber(self, after: Callable[[int], int | None], at_once: int) -> Iterator[int]:
        """Give each key the number that follows from its own, or none.

        Yields after so many leaves how many keys went. What is added meanwhile may be left out.
        """
        for places in self._walk(at_once):
            went = 0
            for place in reversed(places):
                numbers = self._numbers[place]
                follows = {number: after(number) for number in {*numbers}}
                if all(number == other for number, other in follows.items()):
                    continue
                rest = [
                    (key, other)
                    for key, number in zip(split(bytes(self._keys[place])), numbers, strict=True)
                    if (other := follows[number]) is not None
                ]
                went += len(numbers) - len(rest)
                self._fill(place, [key for key, _ in rest], array("I", [n for _, n in rest]))
                self._join(place)
            yield went

    def numbers(self, at_once: int) -> Iterator[set[int]]:
        """Yield the numbers of so many leaves at a time."""
        for places in self._walk(at_once):
            yield {number for place in places for number in self._numbers[place]}

    def parts(self, at_once: int) -> Iterator[list[bytearray]]:
        """Yield the keys of so many leaves at a time, one after the other in each."""
        for places in self._walk(at_once):
            yield [self._keys[place] for place in places]

    def _walk(self, at_once: int) -> Iterator[range]:
        """Yield the places of all leaves, not many at a time; anything may change in between."""
        first: bytes | None = b""
        while first is not None:
            place = bisect_right(self._firsts, first) - 1
            stop = min(place + at_once, len(self._firsts))
            first = self._firsts[stop] if stop < len(self._firsts) else None
            yield range(place, stop)

    def _at(self, place: int, key: bytes) -> tuple[int, bool]:
        """Return where a key stands in a leaf, or would, and whether it does."""
        keys, count = self._keys[place], len(self._numbers[place])
        at, stop = 0, count
        while at < stop:  # bisect's own way with a key takes 1.5 times as long
            middle = at + stop >> 1
            if keys[20 * middle : 20 * middle + 20] < key:
                at = middle + 1
            else:
                stop = middle
        return at, keys.startswith(key, KEY_BYTES * at)

    def _insert(self, place: int, at: int, key: bytes, number: int) -> None:
        self._keys[place][KEY_BYTES * at : KEY_BYTES * at] = key
        self._numbers[place].insert(at, number)
        self._count += 1

    def _remove(self, place: int, at: int) -> None:
        del self._keys[place][KEY_BYTES * at : KEY_BYTES * at + KEY_BYTES]
        del self._numbers[place][at]
        self._count -= 1
        self._join(place)

    def _put_few(
        self, place: int, keys: Sequence[bytes], number: int, also: Callable[[int], int | None]
    ) -> tuple[list[bytes], int]:
        new, changed = [], 0
        for key in keys:
            at, there = self._at(place, key)
            if not there:
                self._insert(place, at, key, number)
                new.append(key)
                continue
            other = also(self._numbers[place][at])
            if other is not None:
                self._numbers[place][at] = other
                changed += 1
        return new, changed

    def _merge(
        self, place: int, keys: Sequence[bytes], number: int, also: Callable[[int], int | None]
    ) -> tuple[Sequence[bytes], int]:
        leaf, numbers = self._keys[place], self._numbers[place]
        if not leaf or keys[0] > leaf[-KEY_BYTES:]:
            leaf += b"".join(keys)
            numbers.extend(repeat(number, len(keys)))
            self._count += len(keys)
            return keys, 0
        known = dict(zip(split(bytes(leaf)), numbers, strict=True))
        new = [key for key in keys if key not in known]
        changes = {
            key: other for key in keys if key in known and (other := also(known[key])) is not None
        }
        known.update(changes)
        known.update(zip(new, repeat(number)))
        ordered = sorted(known)
        self._fill(place, ordered, array("I", map(known.__getitem__, ordered)))
        return new, len(changes)

    def _fill(self, place: int, keys: Sequence[bytes], numbers: "array[int]") -> None:
        self._count += len(numbers) - len(self._numbers[place])
        self._keys[place] = bytearray(b"".join(keys))
        self._numbers[place] = numbers

    def _cut(self, place: int) -> None:
        """Make several leaves of one that has too much."""
        keys, numbers = self._keys[place], self._numbers[place]
        count = len(numbers)
        if count <= MOST:
            return
        length = -(-count // -(-count // _PIECE))
        starts = range(0, count, length)
        pieces = [keys[KEY_BYTES * at : KEY_BYTES * (at + length)] for at in starts]
        firsts = [bytes(piece[:KEY_BYTES]) for piece in pieces[1:]]
        self._firsts[place + 1 : place + 1] = firsts
        self._keys[place : place + 1] = pieces
        self._numbers[place : place + 1] = [numbers[at : at + length] for at in starts]

    def _join(self, place: int) -> None:
        """Join a leaf that has little with the one after it."""
        if len(self._numbers[place]) >= _LEAST:
            return
        if place + 1 == len(self._firsts):
            place -= 1
        if place < 0 or len(self._numbers[place]) + len(self._numbers[place + 1]) > MOST:
            return
        self._keys[place] += self._keys.pop(place + 1)
        self._numbers[place] += self._numbers.pop(place + 1)
        del self._firsts[place + 1]


def split(keys: bytes) -> list[bytes]:
    """Return what stands one after the other."""
    return [keys[at : at + KEY_BYTES] for at in range(0, len(keys), KEY_BYTES)]
