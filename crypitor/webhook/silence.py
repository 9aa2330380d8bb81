"""Hours in which an endpoint is told nothing: what comes waits for their end. Pure.

Hours are those of a place (IANA time zone), as a clock on its wall shows them: where it is set
forward or back within them, they last for as long as the wall says.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from crypitor.errors import Invalid, Mistake
from crypitor.runtime.remembered import remembered

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_SILENCES = 7
LONGEST_MS = 8 * 86_400_000
"""For which hours that follow each other are taken as one; the next look finds what is left."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Hours of some days. begins, ends: minutes after midnight; not later: of the next day.

    days: on which they begin, places in `DAYS`.
    """

    begins: int
    ends: int
    timezone: str = "UTC"
    days: tuple[int, ...] = tuple(range(7))


def silent_until(silences: Sequence[Silence], now: int) -> int | None:
    """Return when the hours end in which now lies; None where nothing is silent.

    now, and what is returned: unix milliseconds. A place that this machine does not know any more
    has no such hours: what was asked for cannot be told, and silence could hide an alarm.
    """
    until = now
    while until - now < LONGEST_MS:
        later = max((_end(one, until) for one in silences), default=until)
        if later == until:
            break
        until = later
    return None if until == now else min(until, now + LONGEST_MS)


def check_silences(silences: Sequence[Silence]) -> None:
    """Raise Invalid, with pointers, for places that this machine does not know."""
    mistakes = [
        Mistake(
            f"/silence/{place}/timezone", f"{one.timezone!r} is no time zone that is known here"
        )
        for place, one in enumerate(silences)
        if _zone(one.timezone) is None
    ]
    if mistakes:
        raise Invalid("there is no such time zone", mistakes)


def minutes_of(clock: str) -> int:
    """Return minutes after midnight of `HH:MM`."""
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


def clock_of(minutes: int) -> str:
    """Return `HH:MM` of minutes after midnight."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def silence_text(silences: Sequence[Silence]) -> str | None:
    """Return hours as they are stored, None for none."""
    if not silences:
        return None
    return json.dumps([[one.begins, one.ends, one.timezone, *one.days] for one in silences])


@remembered()
def stored_silence(text: str | None) -> tuple[Silence, ...]:
    """Return the hours that were stored as this text."""
    rows = [] if text is None else json.loads(text)
    return tuple(Silence(begins, ends, zone, tuple(days)) for begins, ends, zone, *days in rows)


def _end(silence: Silence, now: int) -> int:
    """Return when the hours end that began today or yesterday, `now` where it is outside."""
    if (zone := _zone(silence.timezone)) is None:
        return now
    today = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone).date()
    for day in (today - timedelta(days=1), today):
        if day.weekday() not in silence.days:
            continue
        last = day if silence.ends > silence.begins else day + timedelta(days=1)
        begins, ends = (
            round(datetime.combine(of, _time(at), zone).timestamp() * 1000)
            for of, at in ((day, silence.begins), (last, silence.ends))
        )
        if begins <= now < ends:
            return ends
    return now


def _time(minutes: int) -> time:
    return time(minutes // 60, minutes % 60)


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, no name of a file, or a folder
        return None
