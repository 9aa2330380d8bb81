"""Ids that sort by the time at which they were made (the layout of ULID). Pure."""

import re

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case
_ID = re.compile(r"[a-z]{2}_[0-9A-Za-z_-]{22,64}", re.ASCII)

RANDOM_BYTES = 10


def new_id(prefix: str, now: int, random: bytes) -> str:
    """Return `prefix` and 26 characters: 48 bits of unix milliseconds, then 80 random bits.

    random: exactly 10 bytes.
    """
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"an id takes {RANDOM_BYTES} random bytes, not {len(random)}")
    number = (now << 80) | int.from_bytes(random)
    return prefix + "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def time_of(text: str) -> int:
    """Return the unix milliseconds of an id that `new_id` made."""
    number = 0
    for character in text[3:13]:
        number = number << 5 | max(0, _ALPHABET.find(character))
    return number


class Ids:
    """Times for new ids, each later than the one before, so that lists have what is newer first.

    That holds when the wall clock is put back, also over a restart: newest is the time of the
    newest id that is stored, in unix milliseconds.
    """

    def __init__(self, newest: int = 0) -> None:
        self._newest = newest

    def at(self, now: int) -> int:
        """Return the time for an id that is made now."""
        self._newest = max(now, self._newest + 1)
        return self._newest


def is_id(text: str, prefix: str) -> bool:
    """Whether a text has the form of an id with this prefix."""
    return text.startswith(prefix) and _ID.fullmatch(text) is not None
