"""What a deletion gives up, in the deletion and in the steps after it, on every database."""

import pytest

from crypitor.database.cancellations import (
    LOOKED_AT,
    cancel_for_endpoint,
    cancel_for_monitor,
    cancel_more,
    give_up_cancelled,
)
from tests.webhook.queued import OK, Store, delivery, endpoint

MANY = 2 * LOOKED_AT + 7


@pytest.fixture
async def store(database) -> Store:
    store = Store(database)
    await store.prepare(endpoint("ep_1"), endpoint("ep_2"))
    return store


async def queue_many(store, **more):
    names = [f"de_{number:05}" for number in range(MANY)]
    await store.queue(*(delivery(name, **more) for name in names))
    return names


async def steps(store) -> int:
    count = 0
    while await store.database.write(lambda tx: cancel_more(tx, 9)):
        count += 1
    return count


async def count(store, status) -> int:
    return list((await store.statuses()).values()).count(status)


@pytest.mark.parametrize(
    "cancel, subject", [(cancel_for_monitor, "mo_1"), (cancel_for_endpoint, "ep_1")]
)
async def test_many_are_given_up_in_steps(store, cancel, subject):
    """The deletion does the first step; the others end, and leave nothing behind."""
    await queue_many(store)
    await store.queue(delivery("de_other", "ep_2", monitor_id="mo_2"))
    await store.database.write(lambda tx: cancel(tx, subject, 9))
    first = await count(store, "cancelled")
    made = await steps(store)
    left = await store.database.read(lambda tx: tx.all("select * from cancellations"))

    assert (first, made) == (LOOKED_AT, 2)
    assert await count(store, "cancelled") == MANY
    assert (await store.get("de_other")).status == "pending"
    assert left == []


async def test_few_leave_nothing_to_do(store):
    """What the deletion has seen to itself needs no step."""
    await store.queue(delivery("de_1"), delivery("de_2", follows="de_1"))
    await store.database.write(lambda tx: cancel_for_monitor(tx, "mo_1", 9))

    assert await count(store, "cancelled") == 2
    assert await steps(store) == 0


async def test_steps_pass_over_what_has_ended(store):
    """A long history is walked through in steps too, and stays as it ended."""
    await queue_many(store)
    for _ in range(3):
        claimed = await store.claim(limit=LOOKED_AT)
        await store.record(*((one, OK) for one in claimed))
    await store.queue(delivery("de_last"), now=5)
    await store.database.write(lambda tx: cancel_for_monitor(tx, "mo_1", 9))
    await steps(store)

    assert await count(store, "delivered") == MANY
    assert (await store.get("de_last")).status == "cancelled"


async def test_nothing_is_claimed_of_what_is_still_to_be_given_up(store):
    """Whoever claims gives up what belongs to a deleted monitor, and keeps the rest."""
    await queue_many(store)
    await store.queue(delivery("de_other", monitor_id="mo_2"))
    await store.database.write(lambda tx: cancel_for_monitor(tx, "mo_1", 9))
    claimed = await store.claim(limit=MANY)
    cancelled = await store.database.write(lambda tx: give_up_cancelled(tx, claimed, 9))

    assert [one.id for one in claimed if one.id not in cancelled] == ["de_other"]
    assert await count(store, "pending") == 1
