"""Whether texts are the hex that JSON-RPC writes: all of a kind at once, by calls of compiled code.

A block has thousands of them. Source: execution-apis, `hash32`, `address`, `uint256`, `bytes`.
"""

import re
from collections.abc import Sequence

HASH_TEXT = len("0x") + 64
ADDRESS_TEXT = len("0x") + 40

_DIGITS = b"0123456789abcdef"
_QUANTITIES = re.compile(r"(?:0x(?!0[0-9a-f])[0-9a-f]{1,64} )*+")


def are_hex(texts: Sequence[str], size: int) -> bool:
    """Whether each text is 0x and lower-case hex digits, `size` characters in all."""
    if not texts:
        return True
    joined, count, step = " ".join(texts), len(texts), size + 1
    # What is no digit must be the x of each text and the blanks between them, each in its place.
    return (
        len(joined) == step * count - 1
        and joined.isascii()
        and joined[::step] == "0" * count
        and joined[1::step] == "x" * count
        and joined[size::step] == " " * (count - 1)
        and joined.encode().translate(None, _DIGITS) == (b"x " * count)[:-1]
    )


def are_quantities(texts: Sequence[str]) -> bool:
    """Whether each text is 0x and 1 to 64 lower-case hex digits, none of them a leading zero."""
    line = " ".join(texts) + " " if texts else ""
    return _QUANTITIES.fullmatch(line) is not None and line.count(" ") == len(texts)


def are_bytes(texts: Sequence[str]) -> bool:
    """Whether each text is 0x and pairs of lower-case hex digits, or none."""
    # A text that sorts between two others begins with what both of them begin with.
    if texts and not (min(texts).startswith("0x") and max(texts).startswith("0x")):
        return False
    if any(size % 2 for size in {*map(len, texts)}):
        return False
    joined = "".join(texts)
    return joined.isascii() and joined.encode().translate(None, _DIGITS) == b"x" * len(texts)
