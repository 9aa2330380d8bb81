"""Secrets as they lie in the database: sealed by AES-256-GCM, where the operator gave a key.

A sealed text says which key opens it (`sealed:1:<key>:<nonce and ciphertext>`), so that a new key
can be put before the old one, and a wrong or missing key is told from a broken row. What is not
sealed is taken as it is: rows from before there was a key. The place where a text belongs is
authenticated too: moved to another row or column, it does not open.
"""

import base64
import hashlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crypitor.errors import CrypitorError
from crypitor.runtime.remembered import remembered

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_MARK = "sealed:1:"
_NONCE_BYTES = 12

LONGEST_KEPT = 1024
"""Characters of a sealed text that is one of many whose content is remembered: most are shorter."""


class SealError(CrypitorError):
    """A text does not open with the keys that there are."""


class Seal:
    """Seals and opens texts. keys: of 32 bytes; the first one seals, all of them open."""

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        self._ciphers = {_name(key): _cipher(key) for key in keys}
        self._newest = next(iter(self._ciphers), None)
        # An endpoint is opened at each of its claims.
        self._opened = remembered(_characters, most=10240, longest=LONGEST_KEPT)(self._open)

    @property
    def mark(self) -> str:
        """How a text begins that the newest key has sealed; empty without a key."""
        return f"{_MARK}{self._newest}:" if self._newest else ""

    def seal(self, text: str, place: str) -> str:
        """Return a text sealed by the newest key; as it is without one. place: row and column."""
        if self._newest is None:
            return text
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(nonce, text.encode(), place.encode())
        return self.mark + base64.b64encode(nonce + sealed).decode()

    def open(self, text: str, place: str) -> str:
        """Return what was sealed at this place. Raises SealError."""
        return self._opened(text, place) if text.startswith(_MARK) else text

    def missing_key(self, text: str) -> str | None:
        """Return the name of the key that a text needs and that is not there, None for none."""
        name = text.removeprefix(_MARK).partition(":")[0] if text.startswith(_MARK) else None
        return None if name is None or name in self._ciphers else name

    def _open(self, text: str, place: str) -> str:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see `_cipher`

        name, _, sealed = text.removeprefix(_MARK).partition(":")
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise SealError(f"{place} is sealed by another key ({name})")
        try:
            both = base64.b64decode(sealed, validate=True)
            return cipher.decrypt(both[:_NONCE_BYTES], both[_NONCE_BYTES:], place.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise SealError(f"{place} does not open with its key: it was changed") from error


def _cipher(key: bytes) -> "AESGCM":
    # Imported where there is a key: it takes 7 MB.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    return AESGCM(key)


def _name(key: bytes) -> str:
    """Return what a key is called where it has sealed; it tells nothing of the key."""
    return hashlib.sha256(b"crypitor seal " + key).hexdigest()[:8]


def _characters(text: str, _place: str) -> int:
    return len(text)
