"""Three bits for each of many addresses: nearly all others of a block are known by them. Pure.

Their byte is by the last four bytes of the address, and which three of its bits by the byte before
these. All addresses of a block are asked in a few calls of compiled code, whatever their number.
"""

import sys
from binascii import unhexlify
from collections.abc import Sequence
from itertools import combinations, compress
from mmap import mmap
from operator import itemgetter

from crypitor.evm.types import Address, Digits

KEY_BYTES = 20

BYTES_AN_ADDRESS = 8
"""At least: some four in a thousand that are not there find their bits set."""

_BITS_AT, _WORD_AT = 15, 4
_WORD_BYTES, _MOST_BYTES = 4, 1 << 32
_FEWEST_BYTES = 1 << 10
_LARGE_BYTES = 1 << 20
_TEXT_LENGTH = 42
_DIGITS = 40

_THREE = [sum(1 << bit for bit in bits) for bits in combinations(range(8), 3)]
_BITS = bytes(_THREE[byte % len(_THREE)] for byte in range(256))
_IS_ZERO = bytes([1]) + bytes(255)


class Marks:
    """Bits for addresses. room: for how many, which is a power of two."""

    def __init__(self, room: int) -> None:
        wanted = 1 << (max(1, room * BYTES_AN_ADDRESS) - 1).bit_length()
        size = min(_MOST_BYTES, max(_FEWEST_BYTES, wanted))
        self.room = size // BYTES_AN_ADDRESS
        self._mask = size - 1
        # Large memory comes zeroed by the system, a page when it is touched: nothing is held up.
        self._bytes = bytearray(size) if size < _LARGE_BYTES else mmap(-1, size)

    def add(self, keys: bytes | bytearray) -> None:
        """Set the bits of addresses, which stand one after the other, 20 bytes each."""
        marked, mask = self._bytes, self._mask
        words = memoryview(keys).cast("I")[_WORD_AT :: KEY_BYTES // _WORD_BYTES]
        for word, bits in zip(
            words.tolist(), keys[_BITS_AT::KEY_BYTES].translate(_BITS), strict=True
        ):
            marked[word & mask] |= bits

    def passing(self, keys: bytes) -> list[int]:
        """Return the places of those whose bits are set, among addresses as `add` takes them."""
        count = len(keys) // KEY_BYTES
        words = memoryview(keys).cast("I")[_WORD_AT :: KEY_BYTES // _WORD_BYTES].tobytes()
        places = _number(words) & _number(self._mask.to_bytes(_WORD_BYTES, sys.byteorder) * count)
        indexes = memoryview(places.to_bytes(len(words), sys.byteorder)).cast("I").tolist()
        there = bytes(itemgetter(*indexes, 0)(self._bytes))[:count]  # of one it gives no tuple
        asked = _number(keys[_BITS_AT::KEY_BYTES].translate(_BITS))
        missing = (_number(there) & asked ^ asked).to_bytes(count, sys.byteorder)
        return [*compress(range(count), missing.translate(_IS_ZERO))]


def _number(text: bytes) -> int:
    return int.from_bytes(text, sys.byteorder)


def keys_of(addresses: Sequence[Address]) -> bytes:
    """Return addresses one after the other, 20 bytes each. Raises ValueError for other texts."""
    digits = bytearray("\n".join(addresses).encode("ascii", "replace"))
    count, length = len(addresses), _TEXT_LENGTH
    # Compared where they have to stand; none is among the digits, which unhexlify reads. To count
    # them takes longer than all else here.
    breaks, zeros, letters = (digits[at :: length + 1] for at in (length, 0, 1))
    if breaks != b"\n" * (count - 1) or zeros != b"0" * count or letters != b"x" * count:
        raise ValueError("an address has 0x and 40 digits")
    del digits[length :: length + 1]
    del digits[::length]
    del digits[:: length - 1]
    keys = unhexlify(digits)
    if len(keys) != KEY_BYTES * count:
        raise ValueError("an address has 0x and 40 digits")
    return keys


def keys_of_digits(several: Sequence[Digits]) -> bytes:
    """Return `keys_of` the addresses of which these are the digits. Raises ValueError, as that."""
    digits = bytearray("\n".join(several).encode("ascii", "replace"))
    count = len(several)
    if digits[_DIGITS :: _DIGITS + 1] != b"\n" * (count - 1):
        raise ValueError("an address has 40 digits")
    del digits[_DIGITS :: _DIGITS + 1]
    keys = unhexlify(digits)
    if len(keys) != KEY_BYTES * count:
        raise ValueError("an address has 40 digits")
    return keys
