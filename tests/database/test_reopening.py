"""Deliveries that are opened again, and the phases beside them, on every database that is there."""

import pytest

from crypitor.database.reopening import hurry, reopen
from crypitor.monitor.models import Phase
from crypitor.webhook.delivery import Status
from tests.webhook.queued import BROKEN, OK, Store, delivery, endpoint

MATCH = {"match_id": "ma_1"}
DETECTED = delivery("de_1", **MATCH)
CONFIRMED = delivery("de_2", phase=Phase.CONFIRMED, follows="de_1", **MATCH)
REVERTED = delivery("de_3", phase=Phase.REVERTED, follows="de_2", **MATCH)


@pytest.fixture
async def store(database) -> Store:
    store = Store(database)
    await store.prepare(endpoint("ep_1"), endpoint("ep_2"))
    return store


async def open_again(store, *ids, now=100):
    return await store.database.write(lambda tx: reopen(tx, ids, now))


async def end(store, outcome, now=0):
    """Attempt what is due, for the last time."""
    for claimed in await store.claim(now=now):
        await store.record((claimed, outcome), now=now, schedule=())


async def test_it_is_due_at_once_with_the_same_body_and_its_attempts_are_kept(store):
    """What was given up is pending again, and the next attempt has the next number."""
    await store.queue(DETECTED)
    await end(store, BROKEN)
    before = await store.get("de_1")
    endpoints = await open_again(store, "de_1")
    await end(store, OK, now=100)

    after = await store.get("de_1")
    assert endpoints == {"ep_1"}
    assert (before.status, after.status) == (Status.FAILED, Status.DELIVERED)
    assert (after.body, after.attempts) == (before.body, 2)
    assert [one.number for one in await store.attempts("de_1")] == [1, 2]


async def test_its_schedule_begins_anew(store):
    """One that had used up its attempts has all of them again."""
    await store.queue(DETECTED)
    schedule, now, waits = (1, 2), 0, []
    for _ in range(2):
        while claimed := await store.claim(now=now):
            await store.record((claimed[0], BROKEN), now=now, schedule=schedule)
            due_at = (await store.get("de_1")).due_at
            if (await store.get("de_1")).status is Status.PENDING:
                waits.append(due_at - now)
            now = due_at
        now += 10
        await open_again(store, "de_1", now=now)

    assert waits == [1000, 2000, 1000, 2000]
    assert len(await store.attempts("de_1")) == 6


@pytest.mark.parametrize("order", [("de_1", "de_2", "de_3"), ("de_3", "de_1", "de_2")])
async def test_phases_wait_for_one_another_again(store, order):
    """Of several phases that are opened together, each waits for the one before it."""
    for now, one in enumerate((DETECTED, CONFIRMED, REVERTED)):
        await store.queue(one, now=now)
        await end(store, BROKEN, now=now)
    await open_again(store, *order)
    statuses = [await store.statuses()]
    for now in (100, 200, 300):
        await end(store, OK, now=now)
        statuses.append(await store.statuses())

    assert [tuple(each[name] for name in ("de_1", "de_2", "de_3")) for each in statuses] == [
        ("pending", "waiting", "waiting"),
        ("delivered", "pending", "waiting"),
        ("delivered", "delivered", "pending"),
        ("delivered", "delivered", "delivered"),
    ]


async def test_phases_that_are_opened_one_after_the_other_keep_their_order(store):
    """Whichever comes first, and although each is opened in a transaction of its own."""
    for now, one in enumerate((DETECTED, CONFIRMED)):
        await store.queue(one, now=now)
        await end(store, BROKEN, now=now)
    await open_again(store, "de_2")
    await open_again(store, "de_1")

    assert await store.statuses() == {"de_1": "pending", "de_2": "waiting"}


async def test_a_later_phase_that_is_still_tried_waits(store):
    """One that failed and has its next attempt before it is held back by the earlier phase."""
    await store.queue(DETECTED)
    await end(store, BROKEN)
    await store.queue(CONFIRMED, now=1)
    [tried] = await store.claim(now=1)
    await store.record((tried, BROKEN), now=1)
    await open_again(store, "de_1")

    assert await store.statuses() == {"de_1": "pending", "de_2": "waiting"}


@pytest.mark.parametrize("outcome, status", [(OK, "delivered"), (BROKEN, "waiting")])
async def test_a_later_phase_that_is_under_way_counts_if_it_is_taken(store, outcome, status):
    """What was claimed before is recorded; what failed waits for the earlier phase."""
    await store.queue(DETECTED)
    await end(store, BROKEN)
    await store.queue(CONFIRMED, now=1)
    [under_way] = await store.claim(now=1)
    await open_again(store, "de_1")
    await store.record((under_way, outcome), now=101)

    assert await store.statuses() == {"de_1": "pending", "de_2": status}
    assert (await store.get("de_2")).attempts == 1


async def test_other_endpoints_of_the_match_are_left_alone(store):
    """A phase waits for its own endpoint's."""
    await store.queue(DETECTED, delivery("de_9", "ep_2", phase=Phase.CONFIRMED, **MATCH))
    await end(store, BROKEN)
    await open_again(store, "de_1")

    assert await store.statuses() == {"de_1": "pending", "de_9": "pending"}


async def test_what_was_taken_does_not_wait(store):
    """A later phase that has ended stays as it ended."""
    for now, one in enumerate((DETECTED, CONFIRMED)):
        await store.queue(one, now=now)
        await end(store, OK if one is CONFIRMED else BROKEN, now=now)
    await open_again(store, "de_1")

    assert await store.statuses() == {"de_1": "pending", "de_2": "delivered"}


@pytest.mark.parametrize("waits, due_at", [(5_000, 5_000), (300_000, 7)])
async def test_hurry_leaves_what_may_be_under_way(store, waits, due_at):
    """Only what is due later than any claim's lease can end is made due now."""
    await store.queue(DETECTED)
    [claimed] = await store.claim()
    await store.record((claimed, BROKEN), now=0, schedule=(waits / 1000,))
    await store.database.write(lambda tx: hurry(tx, "de_1", 7, 60_000))

    assert (await store.get("de_1")).due_at == due_at
