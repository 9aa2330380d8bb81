"""The webhook role when it is killed, stopped, or left by its database."""

import asyncio

import pytest
from aiohttp import web

from crypitor.errors import DatabaseUnavailable
from crypitor.webhook.delivery import Status
from crypitor.webhook.post import Poster
from tests.patience import HANG_SECONDS
from tests.webhook.queued import delivery, endpoint
from tests.webhook.receivers import Receiver
from tests.webhook.world import LEASE_SECONDS, Flaky, hang, until


async def test_an_attempt_that_was_killed_is_made_again_when_its_lease_has_run_out(world):
    """The same id and body; what the killed one might have recorded does not count."""
    async with Receiver([hang, 204]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await world.queue(delivery("de_1"))
        killed = asyncio.create_task(world.sender().settle())
        await receiver.has(1)
        killed.cancel()
        await asyncio.gather(killed, return_exceptions=True)
        next_one = world.sender()
        await next_one.settle()
        too_early = len(receiver.received)
        world.clock.advance(LEASE_SECONDS)
        await next_one.settle()

    first, second = receiver.received
    assert too_early == 1
    assert (first.id, first.body) == (second.id, second.body)
    assert len(await world.store.attempts("de_1")) == 1


async def test_outcomes_wait_for_a_database_that_is_down(world):
    """They are recorded when it is back, once, and nothing was sent twice."""
    flaky = Flaky(world.store.database)

    async def fail_meanwhile(_):
        flaky.down_before = True
        return web.Response()

    async with Receiver([fail_meanwhile, 204]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await world.queue(delivery("de_1"))
        sender = world.sender(flaky)
        async with world.running(sender):
            await until(lambda: "webhook" in world.health.troubles)
            during = (await world.store.get("de_1")).status
            flaky.down_before = False
            await until(lambda: world.heard.results)

    assert during is Status.PENDING
    assert world.health.troubles == {}
    assert (await world.store.get("de_1")).status is Status.DELIVERED
    assert len(await world.store.attempts("de_1")) == len(receiver.received) == 1


async def test_an_outcome_whose_commit_was_not_confirmed_counts_once(world):
    """It was committed, the answer lost, and it is recorded again: in vain."""
    flaky = Flaky(world.store.database)

    async def lose(_):
        flaky.down_after = True
        return web.Response(status=500)

    async with Receiver([lose]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await world.queue(delivery("de_1"))
        sender = world.sender(flaky)
        with pytest.raises(BaseExceptionGroup) as lost:
            await sender.settle()
        await sender.settle()

    assert lost.group_contains(DatabaseUnavailable)
    assert len(await world.store.attempts("de_1")) == len(receiver.received) == 1
    assert (await world.store.endpoint()).failures_in_row == 1
    assert sender.in_flight == 0


async def test_a_claim_whose_commit_was_not_confirmed_is_made_again_after_its_lease(world):
    """Late, but neither lost nor stuck."""
    flaky = Flaky(world.store.database)
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await world.queue(delivery("de_1"))
        sender = world.sender(flaky)
        flaky.down_after = True
        with pytest.raises(BaseExceptionGroup):
            await sender.settle()
        await sender.settle()
        before = len(receiver.received)
        world.clock.advance(LEASE_SECONDS)
        await sender.settle()

    assert (before, len(receiver.received)) == (0, 1)
    assert sender.in_flight == 0


async def test_told_to_stop_it_sees_off_what_is_in_flight_and_claims_no_more(world):
    """What was under way is recorded; the rest waits for the next start."""
    go_on = asyncio.Event()

    async def wait(_):
        await go_on.wait()
        return web.Response()

    async with Receiver([wait]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url, ordered=True))
        await world.queue(delivery("de_1"), delivery("de_2"))
        sender = world.sender()
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(sender.run(stop, world.health))
            await receiver.has(1)
            stop.set()
            await asyncio.sleep(0)
            still = not running.done()
            go_on.set()

    assert still
    assert len(receiver.received) == 1
    assert sorted((await world.store.statuses()).values()) == ["delivered", "pending"]


async def test_told_to_stop_it_waits_no_longer_than_the_grace(world):
    """What hangs is cut off: its lease runs out, and it is sent again."""
    async with Receiver([hang]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await world.queue(delivery("de_1"))
        async with asyncio.timeout(HANG_SECONDS), world.running(world.sender(grace_seconds=0.1)):
            await receiver.has(1)

    assert (await world.store.get("de_1")).status is Status.PENDING
    assert await world.store.attempts("de_1") == []


async def test_told_to_stop_while_the_database_is_down_it_stops(world):
    """After the grace, with the outcome unrecorded: it is sent again."""
    flaky = Flaky(world.store.database)

    async def fail_meanwhile(_):
        flaky.down_before = True
        return web.Response()

    async with Receiver([fail_meanwhile]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await world.queue(delivery("de_1"))
        async with world.running(world.sender(flaky, grace_seconds=0.2)):
            await receiver.has(1)
            await until(lambda: world.health.troubles)

    assert await world.store.attempts("de_1") == []


async def test_an_unexpected_error_in_an_attempt_ends_the_role(world):
    """A mistake of ours is not taken for a failure of the receiver, and does not pass in silence."""

    class Broken(Poster):
        async def post(self, *_):
            raise ZeroDivisionError

    await world.store.prepare(endpoint("ep_1"))
    await world.queue(delivery("de_1"))
    world.poster = Broken()
    with pytest.raises(BaseExceptionGroup) as ended:
        await asyncio.wait_for(world.sender().run(asyncio.Event(), world.health), HANG_SECONDS)

    assert ended.group_contains(ZeroDivisionError)


async def test_a_lease_must_outlast_the_deadline(world):
    """Else attempts would be repeated while they are under way."""
    with pytest.raises(ValueError):
        world.sender(lease_seconds=world.poster.deadline_seconds)
