"""Deliveries that are claimed within the unit of work that queues them."""

import asyncio

import pytest

from crypitor.database.deliveries import queue_deliveries
from crypitor.webhook.delivery import Outcome
from crypitor.webhook.post import Poster
from tests.webhook.queued import delivery, endpoint
from tests.webhook.receivers import Receiver
from tests.webhook.world import Flaky, until


async def queue_and_claim(world, sender, *deliveries, fails=False):
    """Do what the matcher does at the head of the chain."""
    with sender.claiming({one.endpoint_id for one in deliveries}) as claim:

        async def unit(tx):
            await queue_deliveries(tx, deliveries, world.clock())
            await claim(tx)
            if fails:
                raise LookupError("ours")

        await world.store.database.write(unit, at_once=True)


async def test_what_is_claimed_with_its_match_is_sent_without_a_claim_of_the_sender(world):
    """The sender's own transactions all fail here."""
    database = Flaky(world.store.database)
    database.down_before = True
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        sender = world.sender(database)
        async with world.running(sender):
            await asyncio.sleep(0)
            await queue_and_claim(world, sender, delivery("de_1"), delivery("de_2"))
            await until(lambda: receiver.received)
            database.down_before = False
            sender.wake(["ep_1"])
            await until(lambda: len(receiver.received) == 2)

    assert sorted(receiver.ids) == ["de_1", "de_2"]
    assert set((await world.store.statuses()).values()) == {"delivered"}


async def test_a_unit_that_fails_gives_its_slots_back(world):
    """Nothing was queued, nothing is sent, and the endpoint's only slot is free."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        sender = world.sender(in_flight_per_endpoint=1)
        async with world.running(sender):
            await asyncio.sleep(0)
            for _ in range(3):
                with pytest.raises(LookupError):
                    await queue_and_claim(world, sender, delivery("de_1"), fails=True)
            held = sender.in_flight
            await queue_and_claim(world, sender, delivery("de_2"))
            await until(lambda: receiver.received)

    assert held == 0
    assert receiver.ids == ["de_2"]


async def test_claims_keep_the_order_and_the_limit_of_an_ordered_endpoint(world):
    """What was queued first goes first, and only that, whoever claims."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url, ordered=True))
        sender = world.sender()
        async with world.running(sender):
            await asyncio.sleep(0)
            await world.queue(delivery("de_1"))
            await queue_and_claim(world, sender, delivery("de_2"), delivery("de_3"))
            first = sender.in_flight
            await until(lambda: len(receiver.received) == 3)

    assert first == 1
    assert receiver.ids == ["de_1", "de_2", "de_3"]


async def test_nothing_is_claimed_for_a_sender_that_has_ended(world):
    """What is queued then is due at once for whoever comes next, without waiting for a lease."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        ended = world.sender()
        async with world.running(ended):
            await asyncio.sleep(0)
        await queue_and_claim(world, ended, delivery("de_1"))
        sent_by_ended = list(receiver.ids)
        await world.sender().settle()

    assert sent_by_ended == []
    assert receiver.ids == ["de_1"]


async def test_a_sender_that_is_told_to_end_sees_off_what_is_being_claimed(world):
    """The unit is under way when the sender is told to stop."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        sender = world.sender()
        async with world.running(sender):
            await asyncio.sleep(0)
            claiming = asyncio.create_task(queue_and_claim(world, sender, delivery("de_1")))
            await asyncio.sleep(0)
        await claiming

    assert receiver.ids == ["de_1"]
    assert set((await world.store.statuses()).values()) == {"delivered"}


async def test_the_first_post_of_a_block_has_a_turn_of_the_loop_to_itself(world):
    """What is written leaves at a turn's end: the first POST does not wait for the others."""
    turn, written = 0, []

    async def count() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    class Noting(Poster):
        async def post(self, *_):
            written.append(turn)
            return Outcome(started_at=world.clock(), duration_ms=1, status_code=204)

    ids = [f"ep_{number}" for number in range(3)]
    await world.store.prepare(*map(endpoint, ids))
    world.poster = Noting()
    sender = world.sender()
    counting = asyncio.create_task(count())
    async with world.running(sender):
        await asyncio.sleep(0)
        await queue_and_claim(world, sender, *(delivery(f"de_{at}", at) for at in ids))
    counting.cancel()

    first, *others = written
    assert len(others) == 2
    assert first < min(others)
