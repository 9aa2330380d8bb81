"""Log-in: an API key, kept by the browser in a cookie that only this service can open.

The cookie holds the key encrypted under what the database stores of it, so that nothing has to be
stored for a session, any process of the service can open it, and it ends with its key. Whoever
reads the cookie alone learns no key, and whoever reads the database alone can make no cookie.
"""

import base64
import hashlib
import hmac
import re
from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from crypitor.api.serving.context import Context
from crypitor.database.keys import hash_of, stored_hash

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SESSION_SECONDS = 12 * 3600
MOST_REMEMBERED = 1_000
TOKEN_LENGTH = 43

_NONCE_BYTES = 12
_COOKIE = re.compile(r"(ke_[0-9a-z]{26})~([A-Za-z0-9_-]{40,800})", re.ASCII)


class Session(msgspec.Struct, frozen=True):
    """Whose cookie it is. secret: the API key. until: unix milliseconds."""

    secret: str
    until: int


class Sessions:
    """Makes and opens the cookies; remembers what it has opened."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._opened: OrderedDict[str, Session] = OrderedDict()
        self._ended: OrderedDict[str, int] = OrderedDict()
        self._own = context.random_bytes(32)

    def begin(self, key_id: str, secret: str) -> str:
        """Return the cookie of a new session; the key has been found to open something."""
        session = Session(secret, self._context.clock() + SESSION_SECONDS * 1000)
        nonce = self._context.random_bytes(_NONCE_BYTES)
        sealed = _cipher(hash_of(secret)).encrypt(
            nonce, msgspec.msgpack.encode(session), key_id.encode()
        )
        return f"{key_id}~{base64.urlsafe_b64encode(nonce + sealed).decode().rstrip('=')}"

    async def open(self, cookie: str | None) -> Session | None:
        """Return what a cookie stands for; None where it has ended, or was never made here."""
        session = self._opened.get(cookie or "") or await self._read(cookie or "")
        return session if session and self._context.clock() < session.until else None

    def token(self, cookie: str | None) -> str:
        """Return what each form of a session carries, which no other site can know."""
        tag = hmac.digest(self._own_key(cookie), b"crypitor form", "sha256")
        return base64.urlsafe_b64encode(tag).decode().rstrip("=")

    def end(self, cookie: str | None) -> None:
        """End a session: this process opens its cookie no more."""
        session = self._opened.pop(cookie or "", None)
        if session is not None and cookie:
            self._ended[cookie] = session.until
            while len(self._ended) > MOST_REMEMBERED:
                self._ended.popitem(last=False)

    def _own_key(self, cookie: str | None) -> bytes:
        session = self._opened.get(cookie or "")
        if session is None:
            return self._own  # without keys there is one session, which ends with the process
        return f"{session.secret} {cookie}".encode()

    async def _read(self, cookie: str) -> Session | None:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see `_cipher`

        form = _COOKIE.fullmatch(cookie)
        if form is None or cookie in self._ended:
            return None
        key_id, text = form[1], form[2]
        known = await self._context.database.read(lambda tx: stored_hash(tx, key_id), at_once=True)
        if known is None:
            return None
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        try:
            opened = _cipher(known).decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], key_id.encode()
            )
        except InvalidTag:
            return None
        session = msgspec.msgpack.decode(opened, type=Session)
        self._opened[cookie] = session
        while len(self._opened) > MOST_REMEMBERED:
            self._opened.popitem(last=False)
        return session


def _cipher(stored: str) -> "AESGCM":
    # Imported when somebody logs in: it takes 7 MB.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    return AESGCM(hashlib.sha256(b"crypitor session " + stored.encode()).digest())
