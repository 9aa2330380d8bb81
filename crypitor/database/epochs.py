"""The times of a database: a copy from before that is put back begins a new one.

What was given out in a time that the database has lost (a cursor, a place in a feed) must not be
taken for a place in what has come since. So it carries the epoch in which it was given out, and the
epoch is renewed as soon as the database is found to be behind what was given out.

A place that is a number counts what all projects have: it is given out sealed, by AES-SIV (RFC
5297), which gives the same text for the same place: so a reader sees where there is nothing new. It
is sealed for its list: in another one the same number stands for something else, or is ahead of all
there is, as in a time that was lost. An id says by itself of what it is.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from crypitor.database.engine import Transaction
from crypitor.errors import CrypitorError, Gone, Invalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

NAME_BYTES, SECRET_BYTES, TAG_DIGITS = 4, 16, 12

PREFIX = r"([0-9a-f]{8}-[0-9a-f]{12}-)?"
"""Pattern of what stands before a place that is an id; releases before had none."""

POSITION = rf"({PREFIX}[0-9]{{1,18}}|[0-9a-f]{{8}}-[0-9a-f]{{48}})"
"""Pattern of a place that is a number: as releases before gave it out, or sealed."""

_SEALED = re.compile(r"([0-9a-f]{8})-([0-9a-f]{48})")
_POSITION_BYTES = 8

_MARKED = re.compile(r"([0-9a-f]{8})-([0-9a-f]{12})-(.+)", re.DOTALL)

# All that is counted never goes back: matches, deliveries, changes.
CURRENT = """select number, name, secret,
        (select cast(sum(value) as bigint) from counters) as height
    from epochs order by number desc limit 1"""

# Of several that find it lost, one begins the new time.
RENEW = """insert into epochs (number, name, secret)
    select number + 1, :name, :secret from epochs where number = :number
    on conflict do nothing"""

LOST = (
    "this was given out in a time that the database has lost: an older copy of it was put back;"
    " begin anew, without a cursor"
)

FOREIGN = "this is no cursor of this list: take `next_cursor` of the page before"


@lru_cache(maxsize=4)
def _cipher(secret: str) -> "AESSIV":
    # Where nobody asks for such lists, cryptography is not needed: it takes 7 MB.
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV  # noqa: PLC0415

    return AESSIV(hashlib.sha256(b"positions " + secret.encode()).digest())


@dataclass(frozen=True, slots=True)
class Epoch:
    """One time. number: from 1. height: how much has been counted by now; it only grows."""

    number: int
    name: str
    secret: str
    height: int

    def mark(self, place: str, of: str) -> str:
        """Return a place with this epoch, as it is given out: of a number nobody can tell which.

        of: the list.
        """
        if place.isdecimal():
            position = int(place).to_bytes(_POSITION_BYTES, "big")
            sealed = _cipher(self.secret).encrypt(position, [self.name.encode(), of.encode()])
            return f"{self.name}-{sealed.hex()}"
        return f"{self.name}-{self._tag(place)}-{place}"

    def place(self, text: str, of: str) -> str:
        """Return the place that was given out as this text, in a list.

        Raises Gone for one of another time, and Invalid for what was never given out there:
        everybody could make up one that is ahead, and so end a time for all others.
        """
        if sealed := _SEALED.fullmatch(text):
            return self._opened(sealed[1], sealed[2], of)
        found = _MARKED.fullmatch(text)
        if found is None:
            if self.number > 1:
                raise Gone(LOST)
            return text
        name, tag, place = found.groups()
        if name != self.name:
            raise Gone(LOST)
        if not hmac.compare_digest(tag, self._tag(place)):
            raise Invalid(FOREIGN)
        return place

    def gave_out(self, text: str, of: str) -> bool:
        """Tell whether a text was given out in this time, as a number's place in this list.

        What releases before gave out says of no list whose it is: that it is ahead of one proves
        nothing.
        """
        found = _SEALED.fullmatch(text)
        return (
            found is not None
            and found[1] == self.name
            and self._unsealed(found[2], [found[1], of]) is not None
        )

    def _opened(self, name: str, sealed: str, of: str) -> str:
        if name != self.name:
            raise Gone(LOST)
        # The second: as releases before sealed it, for whatever list.
        for words in ([name, of], [name]):
            position = self._unsealed(sealed, words)
            if position is not None:
                return str(position)
        raise Invalid(FOREIGN)

    def _unsealed(self, sealed: str, words: Sequence[str]) -> int | None:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as below

        try:
            found = _cipher(self.secret).decrypt(
                bytes.fromhex(sealed), [word.encode() for word in words]
            )
        except InvalidTag:
            return None
        return int.from_bytes(found, "big")

    def _tag(self, place: str) -> str:
        tag = hmac.new(self.secret.encode(), place.encode(), hashlib.sha256)
        return tag.hexdigest()[:TAG_DIGITS]


class Behind(CrypitorError):
    """The database is behind what was given out in its present epoch."""

    def __init__(self, epoch: Epoch) -> None:
        super().__init__("the database is behind what was given out: an older copy was put back")
        self.epoch = epoch


async def current_epoch(tx: Transaction) -> Epoch:
    """Return the present epoch, with what has been counted by now."""
    row = await tx.one(CURRENT)
    assert row is not None
    return Epoch(**row)


async def has_epoch(tx: Transaction, name: str) -> bool:
    """Tell whether the database has been in this epoch."""
    return await tx.one("select name from epochs where name = :name", name=name) is not None


async def renew_epoch(tx: Transaction, was: Epoch, random_bytes: Callable[[int], bytes]) -> None:
    """Begin a new time after this one, unless somebody else has."""
    await tx.run(
        RENEW,
        number=was.number,
        name=random_bytes(NAME_BYTES).hex(),
        secret=random_bytes(SECRET_BYTES).hex(),
    )
