"""When a request is tried again. Pure.

Source: RFC 9110, 10.2.3 (Retry-After: seconds, or a date).
"""

from email.utils import parsedate_to_datetime

FIRST_SECONDS = 0.25
LONGEST_SECONDS = 30.0
MOST_DOUBLINGS = 16
LONGEST_ASKED_SECONDS = 120.0
"""What the service asks for beyond this is the caller's to decide about."""

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same request may succeed."""


def wait_seconds(attempt: int, asked: float | None, chance: float) -> float | None:
    """Return how long to wait after a failed attempt; None for giving up.

    attempt: from 1. asked: what `Retry-After` said. chance: from 0 to 1, so that many clients do
    not come back in one moment.
    """
    if asked is not None:
        return asked + chance if asked <= LONGEST_ASKED_SECONDS else None
    longest: float = min(FIRST_SECONDS * 2.0 ** min(attempt - 1, MOST_DOUBLINGS), LONGEST_SECONDS)
    return longest * (0.5 + chance / 2)


def retry_after(header: str | None, now: float) -> float | None:
    """Return how many seconds `Retry-After` asks for; None without it. now: unix seconds."""
    if header is None:
        return None
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        return max(parsedate_to_datetime(header).timestamp() - now, 0.0)
    except ValueError:
        return None
