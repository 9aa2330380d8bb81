"""How often something happened of late, for a chart. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from crypitor.database.recent import MOST_RECENT, Recent

SPANS = {"10min": 600, "1h": 3_600, "24h": 86_400, "7d": 7 * 86_400}
BARS = 60


@dataclass(frozen=True, slots=True)
class Counted:
    """A chart. counts, bad: for each of the equal parts of the time, oldest first.

    since: unix milliseconds; later than was asked for where only the newest rows were looked at,
    then `cut`. each_seconds: of one bar.
    """

    title: str
    path: str
    counts: list[int]
    bad: list[int]
    total: int
    since: int
    cut: bool
    each_seconds: float


def counted(
    title: str, path: str, rows: Sequence[Recent], now: int, seconds: int, bad: str = ""
) -> Counted:
    """Return rows as a chart of the last `seconds`. rows: newest first. bad: a state."""
    since, cut = now - seconds * 1000, False
    if len(rows) >= MOST_RECENT and rows[-1].at > since:
        since, cut = rows[-1].at, True
    each = max((now - since) / BARS, 1)
    counts, wrong = [0] * BARS, [0] * BARS
    for row in rows:
        if row.at >= since:
            place = min(max(int((row.at - since) / each), 0), BARS - 1)
            counts[place] += 1
            wrong[place] += row.state == bad
    return Counted(title, path, counts, wrong, sum(counts), since, cut, each / 1000)
