"""Queueing, claiming, recording and listing deliveries, on every database that is there."""

import asyncio
import json

import pytest

from crypitor.database.attempts import claim
from crypitor.database.cancellations import cancel_for_endpoint, cancel_for_monitor
from crypitor.database.deliveries import (
    cursor_of,
    get_delivery,
    list_deliveries,
)
from crypitor.database.due import due_endpoints
from crypitor.errors import Invalid, NotFound
from crypitor.monitor.models import Phase
from crypitor.webhook.delivery import Attempt, Notice, Outcome, State, Status
from tests.database.plans import ON_SQLITE, steps_of
from tests.webhook.queued import BROKEN, GONE, OK, Store, delivery, endpoint

NOW = 1_790_000_000_000


@pytest.fixture
async def store(database) -> Store:
    store = Store(database)
    await store.prepare(endpoint("ep_1"), endpoint("ep_2"))
    return store


async def test_a_queued_delivery_is_due_at_once(store):
    """With all that it was given, not attempted, not finished."""
    await store.queue(delivery("de_1", body='{"label":"Käse"}'), now=NOW)

    found = await store.get("de_1")
    assert (found.status, found.attempts, found.due_at) == (Status.PENDING, 0, NOW)
    assert (found.body, found.phase, found.created_at) == (
        '{"label":"Käse"}',
        Phase.DETECTED,
        NOW,
    )
    assert found.finished_at is None


async def test_queueing_again_changes_nothing(store):
    """A block that is taken twice, or a backfill, finds its deliveries there."""
    await store.queue(delivery("de_1", body="first"), now=NOW)
    [claimed] = await store.claim(now=NOW)
    await store.record((claimed, OK), now=NOW)
    before = await store.get("de_1")
    await store.queue(delivery("de_1", body="second"), delivery("de_2"), now=NOW + 5)

    assert await store.get("de_1") == before
    assert (await store.get("de_2")).status is Status.PENDING


@pytest.mark.parametrize(
    "outcome, status",
    [
        (None, Status.WAITING),
        (BROKEN, Status.WAITING),
        (OK, Status.PENDING),
        (GONE, Status.PENDING),
    ],
)
async def test_a_later_phase_waits_while_the_earlier_one_has_not_ended(store, outcome, status):
    """Untouched or to be retried it waits; taken or given up it does not."""
    await store.queue(delivery("de_1"), now=NOW)
    if outcome:
        [claimed] = await store.claim(now=NOW)
        await store.record((claimed, outcome), now=NOW)
    await store.queue(delivery("de_2", phase=Phase.CONFIRMED, follows="de_1"), now=NOW)

    assert (await store.get("de_2")).status is status


async def test_phases_of_one_transaction_wait_for_one_another(store):
    """Also when the one that is followed is queued in the same call, in whatever order."""
    await store.queue(
        delivery("de_3", phase=Phase.REVERTED, follows="de_2"),
        delivery("de_1"),
        delivery("de_2", phase=Phase.CONFIRMED, follows="de_1"),
        now=NOW,
    )

    assert await store.statuses() == {"de_1": "pending", "de_2": "waiting", "de_3": "waiting"}


async def test_following_what_is_not_there_waits_for_nothing(store):
    """An endpoint that was told nothing earlier has nothing to wait for."""
    await store.queue(delivery("de_2", follows="de_unknown"), now=NOW)

    assert (await store.get("de_2")).status is Status.PENDING


async def test_each_end_releases_the_next_phase_alone(store):
    """Detected, confirmed, reverted: one after the other, due when the one before ended."""
    await store.queue(
        delivery("de_1"), delivery("de_2", follows="de_1"), delivery("de_3", follows="de_2"), now=0
    )
    seen = []
    for now in (10, 20, 30):
        claimed = await store.claim(now=now)
        recorded = await store.record(*((one, OK) for one in claimed), now=now)
        seen.append(([one.id for one in claimed], set(recorded.released)))

    assert seen == [(["de_1"], {"ep_1"}), (["de_2"], {"ep_1"}), (["de_3"], set())]


async def test_giving_up_releases_the_next_phase_too(store):
    """Taken or given up: what counts is that it has ended."""
    await store.queue(delivery("de_1"), delivery("de_2", follows="de_1"))
    [claimed] = await store.claim()
    await store.record((claimed, BROKEN), now=7, schedule=())

    assert (await store.get("de_1")).status is Status.FAILED
    assert (await store.get("de_2")).status is Status.PENDING
    assert (await store.get("de_2")).due_at == 7


async def test_a_retry_does_not_release_the_next_phase(store):
    """The earlier one comes first, however late it gets there."""
    await store.queue(delivery("de_1"), delivery("de_2", follows="de_1"))
    [claimed] = await store.claim()
    await store.record((claimed, BROKEN), now=0)

    assert (await store.get("de_2")).status is Status.WAITING


async def test_a_claim_takes_what_is_due_longest_due_first(store):
    """And leases it: nobody else gets it until the lease has run out."""
    await store.queue(delivery("de_1"), now=10)
    await store.queue(delivery("de_2"), now=5)
    await store.queue(delivery("de_3"), now=20)
    await store.queue(delivery("de_4", "ep_2"), now=1)

    first = await store.claim(now=15, limit=1)
    rest = await store.claim(now=15)
    again = await store.claim(now=15)

    assert [one.id for one in first] == ["de_2"]
    assert [one.id for one in rest] == ["de_1"]
    assert again == []
    assert (first[0].token, first[0].due_at) == (1, 15 + 60_000)


async def test_a_lease_that_ran_out_is_claimed_again_with_the_same_id_and_body(store):
    """Whoever held it is gone, or too slow."""
    await store.queue(delivery("de_1"), now=0)
    [first] = await store.claim(now=0, lease_ms=1000)
    early = await store.claim(now=999)
    [second] = await store.claim(now=1000)

    assert early == []
    assert (second.id, second.body) == (first.id, first.body)
    assert (second.token, second.attempts) == (2, 0)


async def test_a_claim_that_passed_on_records_nothing(store):
    """Neither its attempt nor its state: only the newer token counts."""
    await store.queue(delivery("de_1"), now=0)
    [slow] = await store.claim(now=0, lease_ms=1000)
    [quick] = await store.claim(now=1000)
    late = await store.record((slow, BROKEN), now=1001)
    recorded = await store.record((quick, OK), now=1002)
    later = await store.record((slow, BROKEN), now=1003)

    assert (late.results, len(recorded.results), later.results) == ((), 1, ())
    assert (await store.get("de_1")).status is Status.DELIVERED
    assert len(await store.attempts("de_1")) == 1
    assert (await store.endpoint()).failures_in_row == 0


async def test_recording_twice_counts_once(store):
    """The answer to COMMIT may be lost after it was committed."""
    await store.queue(delivery("de_1"), now=0)
    [claimed] = await store.claim(now=0)
    first = await store.record((claimed, BROKEN), now=1)
    second = await store.record((claimed, BROKEN), now=2)

    assert (len(first.results), len(second.results)) == (1, 0)
    assert (await store.get("de_1")).attempts == 1
    assert (await store.endpoint()).failures_in_row == 1


async def test_attempts_are_kept_and_never_outnumber_the_schedule(store):
    """One row for each, numbered, with what came of it; then the delivery has failed."""
    await store.queue(delivery("de_1"), now=0)
    now = 0
    while claimed := await store.claim(now=now):
        outcome = Outcome(now, 7, 500, f"error {now}", "later", None)
        await store.record((claimed[0], outcome), now=now + 7, schedule=(1, 1))
        now += 2000

    assert await store.attempts("de_1") == [
        Attempt(1, 0, 7, 500, "error 0", "later"),
        Attempt(2, 2000, 7, 500, "error 2000", "later"),
        Attempt(3, 4000, 7, 500, "error 4000", "later"),
    ]
    ended = await store.get("de_1")
    assert (ended.status, ended.attempts, ended.error) == (Status.FAILED, 3, "error 4000")
    assert ended.finished_at == 4007


async def test_many_outcomes_are_recorded_together(store):
    """Of several endpoints, with different ends, each at its own row."""
    names = [f"de_{number}" for number in range(60)]
    await store.queue(*(delivery(name, f"ep_{1 + at % 2}") for at, name in enumerate(names)))
    claimed = [*await store.claim("ep_1"), *await store.claim("ep_2")]
    await store.record(
        *((one, OK if int(one.id[3:]) % 3 else BROKEN) for one in claimed), now=9, schedule=(5,)
    )

    statuses = await store.statuses()
    assert len(claimed) == 60
    assert {name for name in names if statuses[name] == "pending"} == set(names[::3])
    assert (await store.get("de_3")).due_at == 5009
    assert (await store.get("de_3")).error == "answered 500"
    assert (await store.get("de_4")).error is None


async def test_an_endpoint_follows_from_its_attempts(store):
    """Failures in a row, since when, failing at the fourth; healthy after one success."""
    await store.queue(*(delivery(f"de_{number}") for number in range(6)))
    claimed = await store.claim()
    for at, one in enumerate(claimed[:4]):
        await store.record((one, BROKEN), now=100 + at)
    failing = await store.endpoint()
    await store.record((claimed[4], OK), (claimed[5], OK), now=200)
    healed = await store.endpoint()

    assert (failing.state, failing.failures_in_row) == (State.FAILING, 4)
    assert (failing.failing_since, failing.state_reason) == (100, "answered 500")
    assert (healed.state, healed.failures_in_row, healed.failing_since) == (State.HEALTHY, 0, None)


async def test_gone_disables_the_endpoint_and_keeps_its_queue(store):
    """What was queued stays, unclaimed; other endpoints go on."""
    await store.queue(delivery("de_1"), delivery("de_2"), delivery("de_3", "ep_2"))
    [claimed] = await store.claim(limit=1)
    await store.record((claimed, GONE), now=5)
    disabled = await store.endpoint()
    left = await store.claim(now=10**9)
    due = await store.database.read(lambda tx: due_endpoints(tx, 10**9))

    assert (disabled.state, disabled.enabled) == (State.DISABLED, False)
    assert left == []
    assert sorted((await store.statuses()).values()) == ["failed", "pending", "pending"]
    assert [one.endpoint_id for one in due] == ["ep_2"]


async def test_an_endpoint_that_its_owner_switched_off_is_not_called(store):
    """Nor does it show as due."""
    await store.prepare(endpoint("ep_off", enabled=False))
    await store.queue(delivery("de_1", "ep_off"))

    assert await store.claim("ep_off", now=10) == []
    assert await store.database.read(lambda tx: due_endpoints(tx, 10)) == []


async def test_due_endpoints_come_with_their_earliest_delivery(store):
    """Those due by then, longest due first; what waits, has ended or is leased does not count."""
    await store.queue(delivery("a1"), now=50)
    await store.queue(delivery("a2"), now=30)
    await store.queue(delivery("b1", "ep_2"), now=20)
    await store.queue(delivery("b2", "ep_2", follows="b1"), now=1)
    await store.prepare(endpoint("ep_3"), endpoint("ep_4", failures_in_row=3))
    await store.queue(delivery("c1", "ep_3"), now=0)
    [claimed] = await store.claim("ep_3", now=0)
    await store.record((claimed, OK), now=0)
    await store.queue(delivery("d1", "ep_4"), now=60)

    due = await store.database.read(lambda tx: due_endpoints(tx, 60))
    sooner = await store.database.read(lambda tx: due_endpoints(tx, 25))

    assert [(one.endpoint_id, one.due_at, one.failures_in_row) for one in due] == [
        ("ep_2", 20, 0),
        ("ep_1", 30, 0),
        ("ep_4", 60, 3),
    ]
    assert [one.endpoint_id for one in sooner] == ["ep_2"]


async def test_nothing_is_due_in_an_empty_table(store):
    """The first sweep of a new installation."""
    assert await store.database.read(lambda tx: due_endpoints(tx, 10**15)) == []


@ON_SQLITE
async def test_due_endpoints_cost_by_endpoints_and_not_by_rows(store):
    """The plan reads the index of pending rows from endpoint to endpoint, never all of it."""
    from crypitor.database.due import SELECT_DUE

    plan = await store.database.read(
        lambda tx: tx.all("explain query plan " + SELECT_DUE, before=0)
    )

    steps = [row["detail"] for row in plan]
    assert not any(step.startswith("SCAN deliveries") and "INDEX" not in step for step in steps)
    assert sum("deliveries_order (endpoint_id>?)" in step for step in steps) == 1
    assert sum("deliveries_due (endpoint_id=?)" in step for step in steps) == 1
    assert sum("deliveries_order (endpoint_id=?)" in step for step in steps) == 1


@ON_SQLITE
async def test_a_claim_reads_only_what_it_takes(store):
    """By the index, in its order: no sort of everything that is due."""
    from crypitor.database.attempts import claim_sql

    sql = "explain query plan " + claim_sql("sqlite", 2, 0)
    of_two = {"endpoint_0": "ep_1", "limit_0": 1, "endpoint_1": "ep_2", "limit_1": 1}
    plan = await store.database.write(lambda tx: tx.all(sql, now=0, leased_until=1, **of_two))

    steps = [row["detail"] for row in plan]
    assert "SEARCH deliveries USING INDEX deliveries_due (endpoint_id=? AND due_at<?)" in steps
    assert not any("TEMP B-TREE" in step for step in steps)


@ON_SQLITE
async def test_a_claim_in_order_looks_at_one_row(store):
    """The first of the index of positions, whatever stands behind it."""
    from crypitor.database.attempts import claim_sql

    sql = "explain query plan " + claim_sql("sqlite", 0, 2)
    of_two = {"endpoint_0": "ep_1", "endpoint_1": "ep_2"}
    plan = await store.database.write(lambda tx: tx.all(sql, now=0, leased_until=1, **of_two))

    steps = [row["detail"] for row in plan]
    assert "SEARCH deliveries USING INDEX deliveries_order (endpoint_id=?)" in steps
    assert not any("TEMP B-TREE" in step for step in steps)


async def test_one_claim_takes_for_many_endpoints(store):
    """Of each what it may have: of an ordered one the first, of a resting or disabled one none."""
    ends = [
        endpoint("ep_5"),
        endpoint("ep_6"),
        endpoint("ep_7", ordered=True),
        endpoint("ep_8", enabled=False),
    ]
    await store.prepare(*ends)
    names = [f"de_{one.id}_{number}" for one in ends for number in range(4)]
    await store.queue(*(delivery(name, name[3:7]) for name in names))
    asked = [(ends[2], 3), (ends[0], 2), (ends[3], 3), (ends[1], 9)]
    got = await store.database.write(lambda tx: claim(tx, asked, 0, 60_000))

    assert {at: len(one.deliveries) for at, one in got.items()} == {
        "ep_5": 2, "ep_6": 4, "ep_7": 1, "ep_8": 0,
    }  # fmt: skip
    assert [one.id for one in got["ep_7"].deliveries] == ["de_ep_7_0"]
    assert all(at == one.endpoint_id for at, found in got.items() for one in found.deliveries)


async def test_an_ordered_endpoint_gets_the_oldest_or_nothing(store):
    """While it waits for its next attempt, nothing overtakes it."""
    await store.prepare(endpoint("ep_3", ordered=True))
    await store.queue(delivery("de_1", "ep_3"), now=1)
    await store.queue(delivery("de_2", "ep_3"), now=2)
    [first] = await store.claim("ep_3", now=10)
    beside = await store.claim("ep_3", now=10)
    await store.record((first, BROKEN), now=10)
    waiting = await store.claim("ep_3", now=11)
    [retried] = await store.claim("ep_3", now=5010)
    await store.record((retried, OK), now=5010)
    [second] = await store.claim("ep_3", now=5010)

    assert (first.id, beside, waiting) == ("de_1", [], [])
    assert (retried.id, second.id) == ("de_1", "de_2")


async def test_an_ordered_endpoint_gets_what_was_queued_at_once_in_its_order(store):
    """Deliveries of one block are all of one instant; their positions tell them apart."""
    await store.prepare(endpoint("ep_3", ordered=True))
    names = ["zz", "mm", "aa"]
    await store.queue(*(delivery(name, "ep_3") for name in names), now=0)
    order = []
    for _ in names:
        [claimed] = await store.claim("ep_3", now=1)
        await store.record((claimed, OK), now=1)
        order.append(claimed.id)

    assert order == names


async def test_cancelling_a_monitor_ends_what_was_not_delivered(store):
    """Pending and waiting; what has ended and other monitors stay."""
    await store.queue(
        delivery("de_1"), delivery("de_2"), delivery("de_3", follows="de_2"),
        delivery("de_4", monitor_id="mo_2"),
    )  # fmt: skip
    [claimed] = [one for one in await store.claim() if one.id == "de_1"]
    await store.record((claimed, OK))
    await store.database.write(lambda tx: cancel_for_monitor(tx, "mo_1", 9))

    assert await store.statuses() == {
        "de_1": "delivered", "de_2": "cancelled", "de_3": "cancelled", "de_4": "pending",
    }  # fmt: skip
    assert (await store.get("de_2")).finished_at == 9


async def test_cancelling_an_endpoint_ends_what_was_not_delivered_to_it(store):
    """Other endpoints of the same monitor go on."""
    await store.queue(delivery("de_1"), delivery("de_2", "ep_2"))
    await store.database.write(lambda tx: cancel_for_endpoint(tx, "ep_1", 9))

    assert await store.statuses() == {"de_1": "cancelled", "de_2": "pending"}


@pytest.mark.parametrize("outcome", [OK, BROKEN])
async def test_an_attempt_under_way_at_a_cancellation_is_kept_and_changes_nothing(store, outcome):
    """It did happen; the delivery stays cancelled."""
    await store.queue(delivery("de_1"))
    [claimed] = await store.claim()
    await store.database.write(lambda tx: cancel_for_monitor(tx, "mo_1", 9))
    await store.record((claimed, outcome), now=12)

    assert (await store.get("de_1")).status is Status.CANCELLED
    assert len(await store.attempts("de_1")) == 1
    assert await store.claim(now=10**9) == []


async def test_claims_side_by_side_never_share_a_delivery(store):
    """Twenty senders, one queue: each delivery goes to exactly one of them."""
    await store.queue(*(delivery(f"de_{number}") for number in range(100)))
    claims = await asyncio.gather(*(store.claim(limit=7) for _ in range(20)))

    taken = [one.id for claim in claims for one in claim]
    assert len(taken) == len(set(taken)) == 100


async def test_an_end_is_never_missed_by_a_phase_queued_beside_it(store):
    """Fifty times at once: the earlier phase ends while the later one is queued."""
    for number in range(50):
        first, second = f"de_{number}", f"df_{number}"
        await store.queue(delivery(first), now=0)
        [claimed] = await store.claim(now=0)
        await asyncio.gather(
            store.record((claimed, OK), now=1),
            store.queue(delivery(second, phase=Phase.CONFIRMED, follows=first), now=1),
        )
        [released] = await store.claim(now=1)
        await store.record((released, OK), now=1)

        assert released.id == second


async def listed(store, **filters) -> list[str]:
    found = await store.database.read(lambda tx: list_deliveries(tx, "pr_1", **filters))
    return [one.id for one in found]


async def test_a_list_is_newest_first_and_filtered(store):
    """By monitor, endpoint, match, status and all together; never from another project."""
    await store.queue(delivery("de_1"), now=1)
    await store.queue(delivery("de_2", "ep_2"), now=2)
    await store.queue(delivery("de_3", monitor_id="mo_2"), now=3)
    await store.queue(delivery("de_4", project_id="pr_2"), now=4)
    [claimed, *_] = await store.claim(now=5)
    await store.record((claimed, OK), now=5)

    assert await listed(store) == ["de_3", "de_2", "de_1"]
    assert await listed(store, limit=2) == ["de_3", "de_2"]
    assert await listed(store, monitor="mo_1") == ["de_2", "de_1"]
    assert await listed(store, endpoint="ep_1") == ["de_3", "de_1"]
    assert await listed(store, match="ma_de_2") == ["de_2"]
    assert await listed(store, status=Status.DELIVERED) == ["de_1"]
    assert await listed(store, monitor="mo_1", endpoint="ep_1", status=Status.PENDING) == []


async def test_a_list_is_of_a_time_and_of_a_type(store):
    """From one time on, before another, and of what the webhook tells."""
    await store.queue(delivery("de_1"), now=1)
    await store.queue(delivery("de_2", phase=Phase.REVERTED), now=2)
    await store.queue(delivery("de_3", phase=Notice.FAILING), now=3)

    assert await listed(store, since=2) == ["de_3", "de_2"]
    assert await listed(store, until=2) == ["de_1"]
    assert await listed(store, since=2, until=3, endpoint="ep_1") == ["de_2"]
    assert await listed(store, type_="match.detected") == ["de_1"]
    assert await listed(store, type_="match.reverted") == ["de_2"]
    assert await listed(store, type_="endpoint.failing") == ["de_3"]


async def plan_of_list(store, **filters) -> str:
    """Return how SQLite would read a list."""
    steps = await steps_of(store.database, lambda tx: list_deliveries(tx, "pr_1", **filters))
    return steps[0]


@ON_SQLITE
@pytest.mark.parametrize("named", ["monitor", "endpoint", "match"])
async def test_a_named_list_reads_the_index_of_what_is_named(store, named):
    """Not everything that the project has had since."""
    plan = await plan_of_list(store, **{named: "x"})

    assert f"deliveries_{named} ({named}_id=?" in plan


@ON_SQLITE
@pytest.mark.parametrize(
    ("named", "index"),
    [
        ({}, "deliveries_failed (project_id=?"),
        ({"monitor": "x"}, "deliveries_failed_monitor (monitor_id=?"),
        ({"endpoint": "x"}, "deliveries_failed_endpoint (endpoint_id=?"),
    ],
)
async def test_a_list_of_failed_ones_reads_these_alone(store, named, index):
    """Not all that were taken."""
    plan = await plan_of_list(store, status=Status.FAILED, **named)

    assert index in plan


async def test_pages_neither_skip_nor_repeat_although_times_are_equal(store):
    """A block's deliveries are all of one instant; new ones come meanwhile."""
    names = {f"de_{number:02}" for number in range(25)}
    await store.queue(*(delivery(name) for name in sorted(names)), now=1)
    seen, cursor = [], None
    while True:
        page = await store.database.read(
            lambda tx, cursor=cursor: list_deliveries(tx, "pr_1", limit=10, cursor=cursor)
        )
        if not page:
            break
        seen += [one.id for one in page]
        cursor = cursor_of(page[-1])
        await store.queue(delivery(f"new_{len(seen)}"), now=2)

    assert seen == sorted(names, reverse=True)


@pytest.mark.parametrize("cursor", ["", "x", ".", "-1.de_1", "1", "9" * 19 + ".a"])
async def test_a_cursor_that_is_none_is_refused(store, cursor):
    """By the caller's error, not the database's; an id may be empty and then has nothing before."""
    if cursor == "1":
        assert await listed(store, cursor=cursor) == []
        return
    with pytest.raises(Invalid):
        await listed(store, cursor=cursor)


async def test_a_delivery_of_another_project_is_not_found(store):
    """The same as one that does not exist."""
    await store.queue(delivery("de_1", project_id="pr_2"))

    for name in ("de_1", "de_2"):
        with pytest.raises(NotFound):
            await store.database.read(lambda tx, name=name: get_delivery(tx, "pr_1", name))


async def test_headers_and_switches_of_an_endpoint_come_back_as_they_were(store):
    """From text and integers in the row."""
    saved = endpoint(
        "ep_3", headers={"X-A": "ä"}, ordered=True, rate_per_second=0.5, state=State.FAILING,
        state_reason="x", failures_in_row=4, failing_since=NOW,
    )  # fmt: skip
    await store.prepare(saved)

    assert await store.endpoint("ep_3") == saved
    assert json.dumps(dict((await store.endpoint("ep_3")).headers)) == '{"X-A": "\\u00e4"}'
