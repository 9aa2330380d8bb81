"""Attempts of a project, by time, type and outcome."""

import pytest

from crypitor.database import attempted
from crypitor.database.attempts import claim, load_endpoints, record
from crypitor.webhook.delivery import Outcome, Result, after
from tests.api.rows import insert_delivery

ALL_DATABASES = True
AT = 1_790_000_000_000
WHAT = {
    "taken": (204, None),
    "refused": (500, "answered 500"),
    "unanswered": (None, "connection refused"),
}


async def attempt(tx, project, number, outcome="taken", **changes) -> str:
    """Insert a delivery with one attempt, so many seconds after AT."""
    status, error = WHAT[outcome]
    delivery = await insert_delivery(tx, project, number, **changes)
    await tx.run(
        "update attempts set started_at = :at, status_code = :status, error = :error where delivery_id = :id",
        at=AT + 1000 * number, status=status, error=error, id=delivery,
    )  # fmt: skip
    return delivery


@pytest.fixture
async def made(api) -> list[str]:
    """Return the deliveries of nine attempts, a second apart; another project has one too."""

    async def unit(tx):
        await tx.run("insert into projects (id, name, created_at) values ('pr_x', 'x', 0)")
        await attempt(tx, "pr_x", 50)
        return [
            await attempt(
                tx,
                api.project,
                number,
                [*WHAT][number % 3],
                phase="detected" if number % 2 else "endpoint.failing",
                endpoint_id=f"ep_{number % 3}",
                monitor_id=f"mo_{number % 4}",
            )
            for number in range(9)
        ]

    return await api.context.database.write(unit)


async def listed(api, query: str = "") -> list[dict]:
    """Return all attempts, by pages of two."""
    found, cursor = [], ""
    while True:
        _, page = await api.call("GET", f"/v1/attempts?limit=2{query}{cursor}")
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def test_all_are_listed_newest_first_each_once(api, made):
    """Over pages, and none of another project."""
    found = await listed(api)

    assert [one["delivery"] for one in found] == made[::-1]
    assert {one["number"] for one in found} == {1}


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("&outcome=taken", [6, 3, 0]),
        ("&outcome=unanswered", [8, 5, 2]),
        ("&outcome=refused&endpoint=ep_1", [7, 4, 1]),
        ("&type=match.detected", [7, 5, 3, 1]),
        ("&type=endpoint.failing", [8, 6, 4, 2, 0]),
        ("&monitor=mo_3", [7, 3]),
        ("&since=2026-09-21T14:13:23Z&until=2026-09-21T14:13:26Z", [5, 4, 3]),
        ("&since=2036-09-21T13:33:23Z", []),
        ("&endpoint=ep_none", []),
    ],
)
async def test_they_are_narrowed_by(api, made, query, wanted):
    """Time, type, outcome, endpoint, monitor, and these together."""
    assert AT == 1_790_000_000_000  # 2026-09-21T14:13:20Z
    assert [one["delivery"] for one in await listed(api, query)] == [made[at] for at in wanted]


async def test_each_says_what_its_delivery_is_and_how_it_ended(api, made):
    """News of an endpoint has no match."""
    failing, detected = (await listed(api))[0:2]

    assert failing["type"] == "endpoint.failing"
    assert failing["match"] is None
    assert detected | {"match": "", "duration_ms": 0} == {
        "delivery": made[7],
        "number": 1,
        "type": "match.detected",
        "monitor": "mo_3",
        "match": "",
        "endpoint": "ep_1",
        "outcome": "refused",
        "started_at": "2026-09-21T14:13:27.000Z",
        "duration_ms": 0,
        "status_code": 500,
        "error": "answered 500",
    }


async def test_a_page_of_what_is_rare_looks_at_a_bounded_number(api):
    """It may be empty and have a next one: whoever goes on finds what there is, once."""
    most = attempted.MOST_SEEN // 100

    async def unit(tx):
        first = await attempt(tx, api.project, 0, "refused", endpoint_id="ep_rare")
        for number in range(1, most):
            await attempt(tx, api.project, number)
        return first

    rare = await api.context.database.write(unit)
    found = await api.context.database.read(
        lambda tx: attempted.list_attempts(
            tx, api.project, attempted.AttemptFilter(endpoint="ep_rare"), 10, most=most // 2
        )
    )
    rest = await api.context.database.read(
        lambda tx: attempted.list_attempts(
            tx, api.project, attempted.AttemptFilter(endpoint="ep_rare"), 10, found.last, most=most
        )
    )

    assert (list(found.rows), found.last is None) == ([], False)
    assert [row["delivery_id"] for row in rest.rows] == [rare]
    assert rest.last is None


async def test_what_is_recorded_is_listed(api):
    """What a sender records of an attempt is in the list, in its project."""
    endpoint = await api.made("/v1/endpoints", {"url": "https://example.com"})

    async def unit(tx):
        await insert_delivery(tx, api.project, 1, endpoint_id=endpoint["id"], attempts=0, due_at=1)
        await tx.run("delete from attempts")
        [one] = (await load_endpoints(tx, [endpoint["id"]])).values()
        [delivery] = (await claim(tx, [(one, 1)], AT, 60_000))[one.id].deliveries
        outcome = Outcome(AT, 5, status_code=204)
        await record(tx, [Result(delivery, outcome, after(delivery, outcome, AT, (5,), 0), AT)])

    await api.context.database.write(unit)
    [found] = await listed(api)

    assert (found["endpoint"], found["outcome"]) == (endpoint["id"], "taken")
