"""Counts, rates and series."""

import asyncio
from dataclasses import dataclass, replace

from crypitor.api.serving.call import Call
from crypitor.api.serving.routing import Routes
from crypitor.api.stats.answer import (
    AttemptCounts,
    BucketAnswer,
    CountsAnswer,
    DeliveryCounts,
    GroupAnswer,
    LatencyAnswer,
    MatchCounts,
    MeanAnswer,
    NowAnswer,
    StatsAnswer,
)
from crypitor.api.stats.examples import EXAMPLES
from crypitor.api.stats.query import StatsQuery
from crypitor.database.engine import Transaction
from crypitor.database.keys import Scope
from crypitor.database.latencies import Latency
from crypitor.database.series import Window, count_pending, read_series, read_sums
from crypitor.database.statistics import MINUTE_MS, SPANS, Counts, is_counted
from crypitor.webhook.body import rfc3339

routes = Routes("Statistics", EXAMPLES)

LATELY_MINUTES = 5
MOST_PENDING = 10_000
MOST_GROUPS = 100


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read at one moment."""

    complete: bool
    lately: list[tuple[int, Counts]]
    pending: int | None
    series: list[tuple[int, Counts]]
    sums: list[tuple[str, Counts]] | None


@routes.add("GET", "/v1/stats", scope=Scope.READ)
async def read_stats(call: Call, query: StatsQuery) -> StatsAnswer:
    """Read counts, rates and series.

    Matches, deliveries and attempts by what became of them, and how long it took: of all of the
    project, or of one network, monitor or endpoint, by minute for a day and by hour for 90 days.
    Counted from what is stored, so that a restart changes nothing; what happens now is counted
    within seconds.
    """
    now = call.context.clock()
    asked = query.asked(now)
    kind, subject = query.subject
    window = Window(call.project, kind, subject, query.step, asked.since, asked.until)
    present = now - now % MINUTE_MS
    late = replace(window, span="minute", since=present - LATELY_MINUTES * MINUTE_MS, until=present)

    async def unit(tx: Transaction) -> _Read:
        pending = None
        if kind in ("project", "endpoint"):
            pending = await count_pending(tx, call.project, subject, MOST_PENDING)
        sums = None
        if query.by is not None:
            sums = list(await read_sums(tx, window, query.by, MOST_GROUPS))
        return _Read(
            await is_counted(tx),
            await read_series(tx, late),
            pending,
            await read_series(tx, window),
            sums,
        )

    read = await call.read(unit)
    # Thousands of minutes take some milliseconds, in which others are served.
    return await asyncio.to_thread(_answer, window, read)


def _answer(window: Window, read: _Read) -> StatsAnswer:
    lately = _total(read.lately)
    total = _total(read.series)
    found = dict(read.series)
    empty = counts_answer(Counts())
    groups = read.sums
    return {
        "step": window.span,
        "since": rfc3339(window.since),
        "until": rfc3339(window.until),
        "complete": read.complete,
        "now": _now(lately, read.pending),
        "total": counts_answer(total),
        "histogram": {
            "first_attempt": _histogram(total.first),
            "success": _histogram(total.success),
        },
        "series": [
            {"at": rfc3339(at), **(counts_answer(found[at]) if at in found else empty)}
            for at in range(window.since, window.until, SPANS[window.span])
        ],
        "groups": None if groups is None else [_group(*one) for one in groups],
    }


def counts_answer(counts: Counts) -> CountsAnswer:
    """Return counts as JSON has them."""
    return {
        "matches": _matches(counts),
        "deliveries": _deliveries(counts),
        "attempts": _attempts(counts),
        "first_attempt": _latency(counts.first),
        "success": _latency(counts.success),
    }


def _total(series: list[tuple[int, Counts]]) -> Counts:
    total = Counts()
    for _, counts in series:
        total.merge(counts)
    return total


def _now(lately: Counts, pending: int | None) -> NowAnswer:
    attempts = lately.taken + lately.refused + lately.unanswered
    return {
        "matches_per_minute": lately.detected / LATELY_MINUTES,
        "deliveries_per_minute": lately.delivered / LATELY_MINUTES,
        "attempts_per_minute": attempts / LATELY_MINUTES,
        "pending": pending,
    }


def _group(subject: str, counts: Counts) -> GroupAnswer:
    return {
        "subject": subject,
        "matches": _matches(counts),
        "deliveries": _deliveries(counts),
        "attempts": _attempts(counts),
        "first_attempt": _mean(counts.first),
        "success": _mean(counts.success),
    }


def _matches(counts: Counts) -> MatchCounts:
    return {
        "detected": counts.detected,
        "confirmed": counts.confirmed,
        "ended": counts.ended,
        "reverted": counts.reverted,
    }


def _deliveries(counts: Counts) -> DeliveryCounts:
    return {
        "delivered": counts.delivered,
        "failed": counts.failed,
        "cancelled": counts.cancelled,
    }


def _attempts(counts: Counts) -> AttemptCounts:
    return {
        "taken": counts.taken,
        "refused": counts.refused,
        "unanswered": counts.unanswered,
    }


def _mean(latency: Latency) -> MeanAnswer | None:
    mean_ms = latency.mean_ms
    return None if mean_ms is None else {"count": latency.count, "mean_ms": mean_ms}


def _histogram(latency: Latency) -> list[BucketAnswer]:
    return [
        {"from_ms": least, "below_ms": most, "count": count}
        for least, most, count in latency.doublings()
    ]


def _latency(latency: Latency) -> LatencyAnswer | None:
    mean_ms = latency.mean_ms
    if mean_ms is None:
        return None
    return {
        "count": latency.count,
        "mean_ms": mean_ms,
        "p50_ms": latency.quantile(0.5) or 0,
        "p95_ms": latency.quantile(0.95) or 0,
        "p99_ms": latency.quantile(0.99) or 0,
    }
