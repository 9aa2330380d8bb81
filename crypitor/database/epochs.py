"""The times of a database: a copy from before that is put back begins a new one.

What was given out in a time that the database has lost (a cursor, a place in a feed) must not be
taken for a place in what has come since. So it carries the epoch in which it was given out, and the
epoch is renewed as soon as the database is found to be behind what was given out.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

from crypitor.database.engine import Transaction
from crypitor.errors import CrypitorError, Gone, Invalid

NAME_BYTES, SECRET_BYTES, TAG_DIGITS = 4, 16, 12

PREFIX = r"([0-9a-f]{8}-[0-9a-f]{12}-)?"
"""Pattern of what stands before a place; releases before had none."""

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


@dataclass(frozen=True, slots=True)
class Epoch:
    """One time. number: from 1. height: how much has been counted by now; it only grows."""

    number: int
    name: str
    secret: str
    height: int

    def mark(self, place: str) -> str:
        """Return a place with this epoch, as it is given out."""
        return f"{self.name}-{self._tag(place)}-{place}"

    def place(self, text: str) -> str:
        """Return the place that was given out as this text.

        Raises Gone for one of another time, and Invalid for what was never given out: everybody
        could make up one that is ahead, and so end a time for all others.
        """
        found = _MARKED.fullmatch(text)
        if found is None:
            if self.number > 1:
                raise Gone(LOST)
            return text
        name, tag, place = found.groups()
        if name != self.name:
            raise Gone(LOST)
        if not hmac.compare_digest(tag, self._tag(place)):
            raise Invalid("this is no cursor of ours")
        return place

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
