"""What a token says of itself: name, symbol and decimals, out of the answers to `eth_call`.

A contract answers what it likes. What is no text and no number of the right size counts as nothing
said; text is cut, and what a terminal or a page could take for more than text is removed.
Source: ERC-20 and ERC-721 (optional metadata); Solidity ABI specification. MKR, SAI and other early
tokens answer with bytes32.
"""

import unicodedata
from dataclasses import dataclass

NAME = "0x06fdde03"
SYMBOL = "0x95d89b41"
DECIMALS = "0x313ce567"

MOST_NAME = 100
MOST_SYMBOL = 32
"""Characters that are kept."""

_WORD = 32
_LONGEST_TEXT = 4096
_MOST_DECIMALS = 255


@dataclass(frozen=True, slots=True)
class Token:
    """A contract's own words; None for what it does not say."""

    name: str | None = None
    symbol: str | None = None
    decimals: int | None = None

    @property
    def says_something(self) -> bool:
        """Whether there is anything to know of this contract."""
        return self != NOTHING


NOTHING = Token()


def token_of(name: str | None, symbol: str | None, decimals: str | None) -> Token:
    """Return what three answers say; None for one that reverted."""
    return Token(
        name and text_of(name, MOST_NAME),
        symbol and text_of(symbol, MOST_SYMBOL),
        None if decimals is None else decimals_of(decimals),
    )


def text_of(answer: str, longest: int) -> str | None:
    """Return the text of an answer in `string` or `bytes32` form; None if there is none."""
    raw = _bytes(answer[: 2 + 2 * (2 * _WORD + _LONGEST_TEXT)])
    if len(raw) == _WORD:
        text = _decoded(raw.rstrip(b"\0"))
    elif len(raw) > _WORD:
        text = _decoded(_string(raw))
    else:
        return None
    return _shown(text, longest) or None


def decimals_of(answer: str) -> int | None:
    """Return a number of 0 to 255, None for anything else."""
    raw = _bytes(answer[: 2 + 2 * _WORD])
    number = int.from_bytes(raw) if len(raw) == _WORD else _MOST_DECIMALS + 1
    return number if number <= _MOST_DECIMALS else None


def _bytes(answer: str) -> bytes:
    try:
        return bytes.fromhex(answer[2:]) if answer.startswith("0x") else b""
    except ValueError:
        return b""


def _string(raw: bytes) -> bytes:
    """Return the bytes of an ABI string; nothing where offset or length lead out of the answer."""
    offset = int.from_bytes(raw[:_WORD])
    start = offset + _WORD
    if start > len(raw):
        return b""
    length = int.from_bytes(raw[offset:start])
    if length > _LONGEST_TEXT:
        return b""
    return raw[start : start + length] if start + length <= len(raw) else b""


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return ""


def _shown(text: str, longest: int) -> str:
    """Return text without control, format and unassigned characters, on one line, cut."""
    kept = "".join(
        " " if unicodedata.category(one)[0] == "Z" else one
        for one in text
        if unicodedata.category(one)[0] != "C"
    )
    return " ".join(kept.split())[:longest].rstrip()
