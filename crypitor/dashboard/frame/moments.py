"""Times as people type them into filters. Pure."""

import re
from datetime import UTC, datetime

from crypitor.webhook.body import rfc3339

_AGO = re.compile(r"(\d{1,5})\s*(min|[mhdw])(?:\s+ago)?", re.ASCII)
_UNITS_MS = {"m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_PLAIN = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?", re.ASCII)


def moment(text: str, now: int) -> str:
    """Return a time in the API's form: `24h` ago, or `2027-01-31 12:00` of UTC, in RFC 3339.

    now: unix milliseconds. What is neither stays as it is; the API says what is wrong with it.
    """
    ago = _AGO.fullmatch(text)
    if ago:
        return rfc3339(max(now - int(ago[1]) * _UNITS_MS[ago[2]], 0))
    if not _PLAIN.fullmatch(text):
        return text
    try:
        return rfc3339(round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000))
    except ValueError:
        return text


def as_asked(chosen: dict[str, str], now: int) -> dict[str, str]:
    """Return filters with their times in the API's form."""
    return {
        name: moment(value, now) if name in ("since", "until") else value
        for name, value in chosen.items()
    }
