"""Statistics as charts: read, put into parts of equal length, and told to who draws them. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from crypitor.dashboard.words import NOTHING, told_ms
from crypitor.webhook.body import rfc3339

Tone = Literal["accent", "bad", "wait", "soft"]
Numbers = Sequence[float | None]
Point = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """A time to choose. step: of the statistics; each: of one bar; both in milliseconds."""

    step: Literal["minute", "hour"]
    lasts: int
    each: int


MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
SPANS: Mapping[str, Span] = {
    "1h": Span("minute", HOUR, MINUTE),
    "24h": Span("minute", DAY, 15 * MINUTE),
    "7d": Span("hour", 7 * DAY, 2 * HOUR),
    "90d": Span("hour", 90 * DAY, DAY),
}
USUAL = "1h"


@dataclass(frozen=True, slots=True)
class Series:
    """What is drawn of one thing. values: one for each part, None for nothing known."""

    label: str
    tone: Tone
    values: Numbers
    line: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart. at: the beginning of each part, unix seconds. said: its figure, in words.

    each_seconds: of one part. unit: of the values, empty for counts.
    """

    title: str
    path: str
    said: str
    at: Sequence[int]
    each_seconds: float
    series: Sequence[Series]
    unit: str = ""

    @property
    def most(self) -> float:
        """The largest value."""
        return max((v for each in self.series for v in each.values if v is not None), default=0)

    def counts(self, place: int) -> list[float]:
        """Return the values of a series as bars have them: 0 for nothing known."""
        return [value or 0 for value in self.series[place].values]

    def told(self) -> str:
        """Return what the script needs that draws it, as JSON."""
        series = [
            {"label": s.label, "tone": s.tone, "line": s.line, "values": s.values}
            for s in self.series
        ]
        return json.dumps(
            {"at": self.at, "each": self.each_seconds, "unit": self.unit, "series": series},
            separators=(",", ":"),
        )


def span_of(name: str | None) -> tuple[str, Span]:
    """Return the time that was chosen, or the usual one."""
    known = name if name is not None and name in SPANS else USUAL
    return known, SPANS[known]


def asked(span: Span, now: int) -> dict[str, str]:
    """Return how statistics of a time are asked for; its last part may not be over.

    now: unix milliseconds.
    """
    end = now - now % span.each + span.each
    return {"step": span.step, "since": rfc3339(end - span.lasts)}


def charts_of(stats: Mapping[str, Any], span: Span, *, matches: str = "/matches") -> list[Chart]:
    """Return matches, deliveries and the time to the first attempt. matches: where they are."""
    return [
        counts_chart(stats, span, "Matches", matches, ("matches",), ("detected", "reverted")),
        counts_chart(
            stats, span, "Deliveries", "/deliveries", ("deliveries",), ("delivered", "failed")
        ),
        latency_chart(stats, span, "First attempt", "/deliveries", "first_attempt"),
    ]


def endpoint_charts(stats: Mapping[str, Any], span: Span, endpoint_id: str) -> list[Chart]:
    """Return an endpoint's attempts, how long each delivery took to be taken, and to be tried."""
    path = f"/deliveries?endpoint={endpoint_id}"
    return [
        counts_chart(
            stats, span, "Attempts", path, ("attempts",), ("taken", "refused", "unanswered")
        ),
        latency_chart(stats, span, "Until it was taken", path, "success"),
        latency_chart(stats, span, "First attempt", path, "first_attempt"),
    ]


def counts_chart(
    stats: Mapping[str, Any],
    span: Span,
    title: str,
    path: str,
    place: Sequence[str],
    names: tuple[str, ...],
) -> Chart:
    """Return counts as bars; those after the first name are what nobody wants."""
    parts = parts_of(stats["series"], span.each)
    series = [
        Series(
            name,
            "accent" if name == names[0] else "bad",
            [sum(point[place[0]][name] for point in points) for _, points in parts],
        )
        for name in names
    ]
    total = sum(value or 0 for value in series[0].values)
    return Chart(
        title, path, f"{total:,.0f}", [at // 1000 for at, _ in parts], span.each / 1000, series
    )


def latency_chart(stats: Mapping[str, Any], span: Span, title: str, path: str, name: str) -> Chart:
    """Return how long something took: the mean of each part, and its worst minute's or hour's p95.

    Quantiles of several minutes cannot be had from theirs; those of the whole time are told.
    """
    parts = parts_of(stats["series"], span.each)
    means: list[float | None] = []
    worst: list[float | None] = []
    for _, points in parts:
        known = [point[name] for point in points if point[name] is not None]
        count = sum(one["count"] for one in known)
        mean = sum(one["mean_ms"] * one["count"] for one in known) / count if count else None
        means.append(None if mean is None else round(mean, 1))
        worst.append(max((one["p95_ms"] for one in known), default=None))
    whole = stats["total"][name]
    said = f"{told_ms(whole['p50_ms'])}, p95 {told_ms(whole['p95_ms'])}" if whole else NOTHING
    series = [Series("mean", "accent", means, line=True), Series("p95", "wait", worst, line=True)]
    return Chart(
        title, path, said, [at // 1000 for at, _ in parts], span.each / 1000, series, unit="ms"
    )


def parts_of(series: Sequence[Point], each: int) -> list[tuple[int, list[Point]]]:
    """Return the minutes or hours in parts of `each` milliseconds, with their beginnings."""
    parts: dict[int, list[Point]] = {}
    for point in series:
        at = round(datetime.fromisoformat(point["at"]).timestamp() * 1000)
        parts.setdefault(at - at % each, []).append(point)
    return sorted(parts.items())
