"""Statistics as charts: what is counted stays counted, whatever the time and its parts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.dashboard.frame.charts import (
    DAY,
    HOUR,
    MINUTE,
    SPANS,
    asked,
    charts_of,
    endpoint_charts,
    parts_of,
    span_of,
)
from crypitor.database.recent import detected, newest_blocks
from crypitor.webhook.body import rfc3339

NOW = 1_796_040_000_000 + 123_456
STEPS = {"minute": MINUTE, "hour": HOUR}


def latency(count, mean, p95):
    """What the statistics have of durations."""
    return {"count": count, "mean_ms": mean, "p50_ms": mean, "p95_ms": p95, "p99_ms": p95}


def counts(number, first=None):
    """What the statistics have of one time."""
    return {
        "matches": {"detected": number, "confirmed": 0, "ended": 0, "reverted": number // 2},
        "deliveries": {"delivered": number, "failed": number // 3, "cancelled": 0},
        "attempts": {"taken": number, "refused": 1, "unanswered": 0},
        "first_attempt": first,
        "success": first,
    }


def stats(span, numbers, first=None):
    """An answer of /v1/stats with a point for each step up to now."""
    step = STEPS[span.step]
    end = NOW - NOW % step + step
    series = [
        {"at": rfc3339(end - step * (len(numbers) - place)), **counts(number, first)}
        for place, number in enumerate(numbers)
    ]
    return {"series": series, "total": counts(sum(numbers), first), "complete": True}


@given(st.sampled_from(sorted(SPANS)), st.lists(st.integers(0, 1000), min_size=1, max_size=200))
def test_every_count_is_in_one_bar(name, numbers):
    """The bars together have what the minutes or hours have."""
    span = SPANS[name]
    matches, deliveries, _ = charts_of(stats(span, numbers), span)

    assert sum(matches.series[0].values) == sum(numbers)
    assert sum(deliveries.series[1].values) == sum(number // 3 for number in numbers)
    assert matches.said == f"{sum(numbers):,}"
    assert list(matches.at) == sorted(set(matches.at))
    assert all(at % (span.each // 1000) == 0 for at in matches.at)


@pytest.mark.parametrize("name", SPANS)
def test_what_is_asked_for_is_what_is_drawn(name):
    """From the beginning of a bar, so that none is told with a part of what happened in it."""
    span = SPANS[name]
    query = asked(span, NOW)
    since = parts_of([{"at": query["since"]}], span.each)[0][0]

    assert rfc3339(since) == query["since"]
    assert NOW - span.lasts <= since <= NOW - span.lasts + span.each
    assert query["step"] == span.step


def test_times_that_nobody_offers_are_the_usual_one():
    """Whatever stands in the address."""
    assert span_of("90d")[0] == "90d"
    assert [span_of(name)[0] for name in (None, "", "1y", "<b>")] == ["1h"] * 4


def test_latencies_are_means_by_their_weight_and_the_worst_quantile():
    """A minute with one slow attempt does not outweigh one with a hundred."""
    span = SPANS["24h"]
    answer = stats(span, [1, 1])
    answer["series"][0]["at"] = rfc3339(NOW - NOW % (15 * MINUTE))
    answer["series"][1]["at"] = rfc3339(NOW - NOW % (15 * MINUTE) + MINUTE)
    answer["series"][0]["first_attempt"] = latency(99, 10, 20)
    answer["series"][1]["first_attempt"] = latency(1, 1010, 1200)
    answer["total"]["first_attempt"] = latency(100, 20, 21)
    chart = charts_of(answer, span)[2]

    assert [each.values for each in chart.series] == [[20.0], [1200]]
    assert chart.said == "20 ms, p95 21 ms"


def test_where_nothing_was_sent_no_latency_is_drawn():
    """Neither a number nor a line."""
    chart = endpoint_charts(stats(SPANS["1h"], [0, 0]), SPANS["1h"], "ep_x")[1]

    assert [each.values for each in chart.series] == [[None, None], [None, None]]
    assert chart.most == 0
    assert json.loads(chart.told())["series"][0]["values"] == [None, None]


async def test_matches_are_summed_by_time_for_many_at_once(api):
    """Of one project, for those that are asked for; what is older or another's is left out."""
    since = NOW - NOW % DAY

    async def unit(tx):
        names = [
            "confirmed",
            "reverted",
            "delivered",
            "failed",
            "cancelled",
            "taken",
            "refused",
            "unanswered",
            "first_count",
            "first_ms",
            "success_count",
            "success_ms",
        ]
        for project, subject, at, number in (
            (api.project, "mo_1", since, 1),
            (api.project, "mo_1", since + HOUR, 2),
            (api.project, "mo_1", since + DAY, 4),
            (api.project, "mo_1", since - HOUR, 8),
            (api.project, "mo_2", since, 16),
            (api.project, "mo_3", since, 32),
            ("pr_other", "mo_1", since, 64),
        ):
            await tx.run(
                f"""insert into statistics (project_id, kind, subject, span, at, detected,
                        {", ".join(names)}, first_buckets, success_buckets)
                    values (:project, 'monitor', :subject, 'hour', :at, :number,
                        {", ".join("0" for _ in names)}, '{{}}', '{{}}')""",
                project=project, subject=subject, at=at, number=number,
            )  # fmt: skip
        return await detected(
            tx, api.project, "monitor", ["mo_1", "mo_2", "mo_4"],
            span="hour", since=since, each=DAY, parts=2,
        )  # fmt: skip

    assert await api.context.database.write(unit) == {
        "mo_1": [3, 4],
        "mo_2": [16, 0],
        "mo_4": [0, 0],
    }


async def test_the_newest_blocks_come_oldest_first(api):
    """No more than are asked for."""

    async def unit(tx):
        for number in (7, 8, 9):
            await tx.run(
                """insert into headers (network, number, hash, parent_hash, timestamp)
                    values ('dev', :number, 'h', 'p', :at)""",
                number=number, at=number * 12,
            )  # fmt: skip
        return await newest_blocks(tx, "dev", 2)

    found = await api.context.database.write(unit)

    assert [(one.number, one.at) for one in found] == [(8, 96), (9, 108)]
