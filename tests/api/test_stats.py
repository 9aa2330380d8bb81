"""Counts, rates and series as the API shows them."""

import pytest

from crypitor.database.statistics import MINUTE_MS, count_more
from crypitor.database.uncounted import INSERT
from tests.api.conftest import START
from tests.api.rows import insert_delivery, insert_match

ALL_DATABASES = True
HOUR_MS = 60 * MINUTE_MS
MONITOR, ENDPOINT = "mo_" + "0" * 26, "ep_" + "0" * 26
THIS_HOUR = START - START % HOUR_MS
THIS_MINUTE = START - START % MINUTE_MS
EVENT = """insert into events (project_id, position, type, at, match_id, confirmations)
    values (:project, :position, :type, :at, :match, 1)"""


async def told(api, position, *, at=START, type_="match.detected", project=None, **match):
    """Store a match and what was told of it, as the matcher does."""

    async def unit(tx):
        project_id = project or api.project
        match_id = await insert_match(tx, project_id, position, **match)
        await tx.run(
            EVENT, project=project_id, position=position, type=type_, at=at, match=match_id
        )
        await tx.run("update counters set value = :at where name = 'events'", at=position)

    await api.context.database.write(unit)


async def attempted(api, *, at=START, outcome="taken", ended="delivered", first=None, success=None):
    """Note an attempt, as the sender does."""
    row = (api.project, MONITOR, ENDPOINT, "", at, outcome, ended, first, success)
    await api.context.database.write(lambda tx: tx.many(INSERT, [row]))


async def count(api):
    await api.context.database.write(lambda tx: count_more(tx, api.clock(), 1000))


async def stats(api, query="", **options):
    answer, document = await api.call("GET", f"/v1/stats{query}", **options)
    assert answer.status == 200, document
    return document


async def test_a_quiet_project_has_an_hour_of_zeros(api):
    """Each minute of the last hour is there, the present one too, and nothing happened in it."""
    found = await stats(api)

    assert (found["step"], found["complete"], len(found["series"])) == ("minute", True, 60)
    assert found["since"] == found["series"][0]["at"]
    assert found["series"][-1]["at"] <= "2026-09-21T14:13:20.000Z" < found["until"]
    assert found["total"] == {
        "matches": {"detected": 0, "confirmed": 0, "ended": 0, "reverted": 0},
        "deliveries": {"delivered": 0, "failed": 0, "cancelled": 0},
        "attempts": {"taken": 0, "refused": 0, "unanswered": 0},
        "first_attempt": None,
        "success": None,
    }
    assert found["groups"] is None
    assert set(found["now"].values()) == {0}


async def test_what_happened_is_in_its_minute(api):
    """And in the sum; what is not counted yet makes the answer incomplete."""
    await told(api, 1, at=START - 2 * MINUTE_MS)
    await told(api, 2, at=START, type_="match.confirmed")
    await attempted(api, at=START - MINUTE_MS, outcome="refused", ended="", first=20)
    assert (await stats(api))["complete"] is False
    await count(api)
    found = await stats(api)

    assert found["complete"] is True
    detected, attempts, confirmed = found["series"][-3:]
    assert detected["matches"] == {"detected": 1, "confirmed": 0, "ended": 0, "reverted": 0}
    assert attempts["attempts"] == {"taken": 0, "refused": 1, "unanswered": 0}
    assert confirmed["matches"] == {"detected": 0, "confirmed": 1, "ended": 0, "reverted": 0}
    assert found["total"]["matches"] == {"detected": 1, "confirmed": 1, "ended": 0, "reverted": 0}
    assert found["now"]["matches_per_minute"] == 0.2
    assert found["now"]["attempts_per_minute"] == 0.2


async def test_how_long_it_took(api):
    """Mean and quantiles, each right to 9 %."""
    for each in range(1, 101):
        await attempted(api, first=each, success=each * 100)
    await count(api)
    total = (await stats(api))["total"]

    assert total["first_attempt"]["count"] == total["deliveries"]["delivered"] == 100
    assert total["first_attempt"]["mean_ms"] == 50
    for part, exact in (("p50_ms", 5000), ("p95_ms", 9500), ("p99_ms", 9900)):
        assert total["success"][part] == pytest.approx(exact, rel=0.09)


async def test_one_network_monitor_or_endpoint(api):
    """Narrowed to one of them; an endpoint has no matches, an unknown one has nothing."""
    await told(api, 1)
    await told(api, 2, network="dev", monitor_id="mo_2")
    await attempted(api)
    await count(api)

    for query, detected, taken in (
        ("network=ethereum", 1, 0),
        ("network=dev", 1, 0),
        ("monitor=mo_2", 1, 0),
        (f"monitor={MONITOR}", 1, 1),
        (f"endpoint={ENDPOINT}", 0, 1),
        ("endpoint=ep_none", 0, 0),
    ):
        total = (await stats(api, f"?{query}"))["total"]
        assert (total["matches"]["detected"], total["attempts"]["taken"]) == (detected, taken)


async def test_sums_of_each(api):
    """The busiest first, with the mean of how long it took."""
    await told(api, 1)
    for position in (2, 3, 4):
        await told(api, position, monitor_id="mo_2")
    await attempted(api, first=10, success=30)
    await count(api)
    monitors = (await stats(api, "?by=monitor"))["groups"]
    endpoints = (await stats(api, "?by=endpoint"))["groups"]

    assert [(one["subject"], one["matches"]["detected"]) for one in monitors] == [
        ("mo_2", 3),
        (MONITOR, 1),
    ]
    assert [one["subject"] for one in endpoints] == [ENDPOINT]
    assert endpoints[0]["first_attempt"] == {"count": 1, "mean_ms": 10}
    assert endpoints[0]["success"] == {"count": 1, "mean_ms": 30}


async def test_hours(api):
    """Of 90 days, as far as is asked; the hours that have `since` and `until` are whole."""
    await told(api, 1, at=START - 30 * HOUR_MS)
    await told(api, 2, at=START)
    await count(api)

    assert len((await stats(api, "?step=hour"))["series"]) == 24
    found = await stats(api, "?step=hour&since=2026-09-20T08:30:00Z&until=2026-09-20T09:30:00Z")
    assert (found["since"], found["until"]) == (
        "2026-09-20T08:00:00.000Z",
        "2026-09-20T10:00:00.000Z",
    )
    assert [one["matches"]["detected"] for one in found["series"]] == [1, 0]
    longest = await stats(api, "?step=hour&since=2020-01-01T00:00:00Z")
    assert len(longest["series"]) == 90 * 24
    assert longest["total"]["matches"]["detected"] == 2
    assert len((await stats(api, "?since=2020-01-01T00:00:00Z"))["series"]) == 24 * 60


async def test_a_time_that_is_not_kept_or_not_yet_there_is_empty(api):
    """As is one that ends before it begins."""
    for query in (
        "?since=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00Z",
        "?since=2030-01-01T00:00:00Z",
        "?since=2026-09-21T14:00:00Z&until=2026-09-21T13:00:00Z",
    ):
        found = await stats(api, query)
        assert found["series"] == [], query
        assert found["since"] == found["until"]


async def test_what_waits_is_shown(api):
    """Pending deliveries of the project or an endpoint; of a monitor it is not known."""

    async def unit(tx):
        await tx.run(
            """insert into endpoints (id, project_id, url, description, format, headers, ordered,
                    enabled, state, secret, failures_in_row, created_at, updated_at)
                values (:id, :project, 'http://x', '', 'standard', '{}', 0, 1, 'healthy', '', 0, 0, 0)""",
            id=ENDPOINT,
            project=api.project,
        )
        await insert_delivery(tx, api.project, 1)
        await insert_delivery(tx, api.project, 2, status="delivered")

    await api.context.database.write(unit)

    assert (await stats(api))["now"]["pending"] == 1
    assert (await stats(api, f"?endpoint={ENDPOINT}"))["now"]["pending"] == 1
    assert (await stats(api, f"?monitor={MONITOR}"))["now"]["pending"] is None


async def test_other_projects_see_nothing(api, stranger):
    """Neither in sums nor by the id of what is not theirs."""
    await told(api, 1)
    await attempted(api)
    await count(api)

    for query in ("", f"?monitor={MONITOR}", f"?endpoint={ENDPOINT}", "?by=monitor"):
        found = await stats(api, query, key=stranger)
        assert found["total"]["matches"]["detected"] == 0
        assert found["total"]["attempts"]["taken"] == 0
        assert not found["groups"]


@pytest.mark.parametrize(
    "query",
    ["?network=dev&monitor=mo_1", "?step=day", "?by=kind", "?since=yesterday", "?netwrok=dev"],
)
async def test_what_cannot_be_asked_is_refused(api, query):
    """With what is wrong."""
    answer, document = await api.call("GET", f"/v1/stats{query}")

    assert answer.status == 400
    assert document["errors"]
