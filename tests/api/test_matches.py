"""Matches and deliveries, read through the REST API."""

import jsonschema
import pytest

from crypitor.api.serving.fitting import MOST_PAGE_BYTES
from crypitor.database.epochs import current_epoch
from crypitor.database.keys import Scope
from crypitor.database.removed import note_removed
from tests.api.rows import insert_delivery, insert_match

ALL_DATABASES = True


async def store(api, count: int, **changes) -> list[str]:
    """Store matches at the positions from 1 on."""

    async def unit(tx):
        return [await insert_match(tx, api.project, n, **changes) for n in range(1, count + 1)]

    return await api.context.database.write(unit)


async def test_match_is_told_as_in_its_webhooks(api):
    """A match has the webhook's `data`, its phase, and the confirmations of now."""
    [match] = await store(api, 1)

    answer, read = await api.call("GET", f"/v1/matches/{match}")

    assert answer.status == 200
    assert (read["id"], read["amount"], read["label"]) == (match, "123100", "hot wallet")
    assert (read["phase"], read["confirmations"], read["confirmations_required"]) == (
        "detected",
        3,
        12,
    )
    assert read["created_at"] == "2026-09-21T14:13:20.001Z"


async def test_who_acknowledges_a_match_first_stays(api):
    """The match says who and when, also in lists; a second one changes nothing."""
    [match] = await store(api, 1)
    other = await api.key(Scope.WRITE)
    path = f"/v1/matches/{match}"
    _, before = await api.call("GET", path)
    answer, first = await api.call("POST", path + "/acknowledge", key=other)
    api.clock.now += 60_000
    _, second = await api.call("POST", path + "/acknowledge")
    _, listed = await api.call("GET", "/v1/matches")

    assert answer.status == 200
    assert "acknowledged" not in before
    assert first["acknowledged"] == {"at": "2026-09-21T14:13:20.000Z", "by": other[:29]}
    assert second["acknowledged"] == first["acknowledged"] == listed["data"][0]["acknowledged"]


@pytest.mark.parametrize("phase", ["detected", "confirmed", "ended", "reverted"])
async def test_open_alerts_are_acknowledged_where_they_are_open(api, phase):
    """Once each, after what opened them; not for what is over, and not at other endpoints."""
    [match] = await store(api, 1, phase=phase)
    key = {"X-Routing-Key": "a" * 32}
    alert = {
        "url": "https://events.pagerduty.com/v2/enqueue",
        "format": "pagerduty",
        "headers": key,
    }
    ids = []
    for body in (alert, {"url": "https://example.com"}, alert):
        _, made = await api.call("POST", "/v1/endpoints", json=body)
        ids.append(made["id"])

    async def unit(tx):
        for number, (endpoint, told, status) in enumerate(
            [(ids[0], "detected", "pending"), (ids[0], "confirmed", "waiting"), (ids[1], "detected", "delivered")]
        ):  # fmt: skip
            await insert_delivery(
                tx, api.project, number, match_id=match, endpoint_id=endpoint, phase=told, status=status
            )  # fmt: skip

    await api.context.database.write(unit)
    for _ in range(2):
        await api.call("POST", f"/v1/matches/{match}/acknowledge")
    _, listed = await api.call("GET", "/v1/deliveries")

    told = [one for one in listed["data"] if one["type"] == "match.acknowledged"]
    expected = [(ids[0], None, "waiting")] if phase in ("detected", "confirmed") else []
    assert [(one["endpoint"], one["match"], one["status"]) for one in told] == expected
    assert len(listed["data"]) == 3 + len(expected)


async def test_a_match_is_acknowledged_by_who_may_write_and_in_its_project(api, stranger):
    """A reader is refused, and another project's key finds nothing."""
    [match] = await store(api, 1)
    path = f"/v1/matches/{match}/acknowledge"
    refused, _ = await api.call("POST", path, key=await api.key(Scope.READ))
    unknown, _ = await api.call("POST", path, key=stranger)
    _, read = await api.call("GET", f"/v1/matches/{match}")

    assert (refused.status, unknown.status) == (403, 404)
    assert "acknowledged" not in read


async def test_reverted_match_has_no_confirmations(api):
    """A match whose block left the chain has 0 confirmations, whatever the tip."""
    [match] = await store(api, 1, phase="reverted", confirm_block=None, confirm_tag="safe")

    _, read = await api.call("GET", f"/v1/matches/{match}")

    assert (read["confirmations"], read["confirmations_required"]) == (0, "safe")


async def test_feed_skips_and_repeats_nothing(api):
    """`order=asc` goes on from its cursor, over the end of what there was, exactly once each."""
    first = await store(api, 5)

    seen, cursor = [], None
    for _ in range(4):
        path = "/v1/matches?order=asc&limit=2" + (f"&cursor={cursor}" if cursor else "")
        _, page = await api.call("GET", path)
        seen += [match["id"] for match in page["data"]]
        cursor = page["next_cursor"]
    late = await api.context.database.write(lambda tx: insert_match(tx, api.project, 6))
    _, page = await api.call("GET", f"/v1/matches?order=asc&limit=2&cursor={cursor}")

    assert seen == first
    assert [match["id"] for match in page["data"]] == [late]


async def test_list_is_newest_first_and_ends(api):
    """Without `order` the newest come first, and the last page has no next_cursor."""
    stored = await store(api, 3)

    _, first = await api.call("GET", "/v1/matches?limit=2")
    _, second = await api.call("GET", f"/v1/matches?limit=2&cursor={first['next_cursor']}")

    assert [match["id"] for match in first["data"] + second["data"]] == stored[::-1]
    assert second["next_cursor"] is None


FILTERS = [
    ("monitor", "mo_" + "1" * 26, {"monitor_id": "mo_" + "1" * 26}),
    ("network", "dev", {"network": "dev"}),
    ("transaction", "0x" + "A" * 64, {"transaction_hash": "0x" + "a" * 64}),
    ("address", "0x" + "A" * 40, {"address": "0x" + "a" * 40}),
    ("phase", "confirmed", {"phase": "confirmed"}),
    ("kind", "native", {"kind": "native"}),
    ("since", "2026-09-21T14:13:21Z", {"created_at": 1_790_000_001_000}),
    ("until", "2026-09-21T16:13:20%2B02:00", {"created_at": 1_789_999_999_999}),
]


@pytest.mark.parametrize(("name", "value", "changes"), FILTERS, ids=[name for name, *_ in FILTERS])
@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_list_is_narrowed(api, name, value, changes, order):
    """Each filter leaves the one match that fits, in both orders; a feed has no phase."""
    if (name, order) == ("phase", "asc"):
        answer, problem = await api.call("GET", f"/v1/matches?order={order}&{name}={value}")
        assert (answer.status, problem["errors"][0]["pointer"]) == (400, "/phase")
        assert "/v1/events" in problem["detail"]
        return

    async def unit(tx):
        await insert_match(tx, api.project, 1)
        return await insert_match(tx, api.project, 2, **changes)

    wanted = await api.context.database.write(unit)

    _, page = await api.call("GET", f"/v1/matches?order={order}&{name}={value}")

    assert [match["id"] for match in page["data"]] == [wanted]


async def test_delivery_is_read_with_its_attempts(api):
    """One delivery has its body, byte for byte, and each attempt."""
    delivery = await api.context.database.write(lambda tx: insert_delivery(tx, api.project, 1))

    _, read = await api.call("GET", f"/v1/deliveries/{delivery}")

    assert read["body"] == '{"type":"match.detected"}'
    assert (read["status"], read["due_at"]) == ("pending", "2026-09-21T14:13:25.000Z")
    assert read["attempts"] == [
        {
            "number": 1,
            "started_at": "2026-09-21T14:13:20.100Z",
            "duration_ms": 12,
            "status_code": None,
            "error": "connection refused",
            "answer": None,
            "request_headers": None,
        }
    ]


@pytest.mark.parametrize(
    ("query", "changes"),
    [
        ("status=delivered", {"status": "delivered"}),
        ("monitor=mo_x", {"monitor_id": "mo_x"}),
        ("endpoint=ep_x", {"endpoint_id": "ep_x"}),
        ("match=ma_x", {"match_id": "ma_x"}),
    ],
)
async def test_deliveries_are_narrowed(api, query, changes):
    """Each filter leaves the one delivery that fits."""

    async def unit(tx):
        await insert_delivery(tx, api.project, 1)
        return await insert_delivery(tx, api.project, 2, **changes)

    wanted = await api.context.database.write(unit)

    _, page = await api.call("GET", f"/v1/deliveries?{query}")

    assert [delivery["id"] for delivery in page["data"]] == [wanted]


async def test_delivery_pages_follow_each_other(api):
    """Following next_cursor gives each delivery once, newest first."""

    async def unit(tx):
        return [await insert_delivery(tx, api.project, n, created_at=1) for n in range(3)]

    stored = await api.context.database.write(unit)

    _, first = await api.call("GET", "/v1/deliveries?limit=2")
    _, second = await api.call("GET", f"/v1/deliveries?limit=2&cursor={first['next_cursor']}")

    assert [one["id"] for one in first["data"] + second["data"]] == stored[::-1]


@pytest.mark.parametrize("of", ["monitor", "endpoint"])
async def test_deleting_cancels_what_is_under_way(api, of):
    """With a monitor or an endpoint its pending and waiting deliveries are cancelled."""
    made = await api.made(
        "/v1/monitors", {"networks": ["ethereum"], "webhook": {"url": "https://example.com"}}
    )
    ids = {"monitor_id": made["id"], "endpoint_id": made["endpoints"][0]}

    async def unit(tx):
        for number, status in enumerate(("pending", "waiting", "delivered")):
            await insert_delivery(tx, api.project, number, status=status, **ids)

    await api.context.database.write(unit)
    await api.call("DELETE", f"/v1/{of}s/{ids[f'{of}_id']}")

    _, page = await api.call("GET", "/v1/deliveries")
    assert [one["status"] for one in page["data"]] == ["delivered", "cancelled", "cancelled"]


async def test_read_documents_fit_their_schemas(api):
    """What is read of stored rows is what the OpenAPI document says."""
    await store(api, 1)
    await api.context.database.write(lambda tx: insert_delivery(tx, api.project, 1))
    _, document = await api.call("GET", "/openapi.json")

    for path in ("/v1/matches", "/v1/deliveries", "/v1/networks", "/v1/keys", "/v1/projects"):
        _, page = await api.call("GET", path)
        told = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]

        assert page["data"]
        jsonschema.validate(page, {**told["schema"], "components": document["components"]})


async def test_feed_is_told_what_it_has_missed(api):
    """A cursor before what was removed is refused; one at it, or none, is not."""
    await store(api, 5)

    async def remove(tx):
        await tx.run("delete from matches where position <= 3")
        await note_removed(tx, api.project, 3, [])

    await api.context.database.write(remove)
    answers = {}
    for cursor in ("&cursor=2", "&cursor=3", "&cursor=0", ""):
        answer, page = await api.call("GET", f"/v1/matches?order=asc{cursor}")
        answers[cursor] = answer.status if answer.status != 200 else len(page["data"])

    assert answers == {"&cursor=2": 410, "&cursor=3": 2, "&cursor=0": 2, "": 2}


async def test_feed_of_what_is_rare_keeps_up(api):
    """Its cursor moves on with all matches of the project, so that none of its own is missed."""
    await api.context.database.write(
        lambda tx: tx.run("update counters set value = 5 where name = 'matches'")
    )
    await store(api, 5)
    _, page = await api.call("GET", "/v1/matches?order=asc&monitor=mo_none")

    epoch = await api.context.database.read(current_epoch)
    assert (page["data"], epoch.place(page["next_cursor"], "/v1/matches")) == ([], "5")


async def test_a_page_of_large_matches_ends_after_some_megabytes(api):
    """Events have arguments as large as their chain lets them have; the feed goes on behind."""
    made = await store(api, 30)
    await api.context.database.write(
        lambda tx: tx.run(
            "update matches set document = replace(document, 'hot wallet', :large)",
            large="x" * 400_000,
        )
    )
    for order in ("asc", "desc"):
        ids, cursor, more = [], "", True
        while more:
            answer, page = await api.call("GET", f"/v1/matches?limit=1000&order={order}{cursor}")
            assert int(answer.headers["Content-Length"]) < 1.2 * MOST_PAGE_BYTES
            ids += [one["id"] for one in page["data"]]
            more = bool(page["data"]) and page["next_cursor"] is not None
            cursor = f"&cursor={page['next_cursor']}"

        assert ids == (made if order == "asc" else made[::-1])
