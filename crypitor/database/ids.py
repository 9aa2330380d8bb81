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


def is_id(text: str, prefix: str) -> bool:
    """Whether a text has the form of an id with this prefix."""
    return text.startswith(prefix) and _ID.fullmatch(text) is not None
