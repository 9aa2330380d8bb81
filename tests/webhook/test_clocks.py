"""Clocks that step back and forth, and processes whose clocks differ, around the webhook role."""

import asyncio
from dataclasses import replace

import pytest

from crypitor.database.instants import MOST, any_too_far, bring_back
from crypitor.webhook.circuit import (
    CLOSED,
    Circuit,
    CircuitState,
    Recent,
    circuit_after,
    drain_per_second,
)
from crypitor.webhook.delivery import OLD_SIGNS_MS, OldSecret, Status
from crypitor.webhook.turns import Turns
from tests.webhook.queued import BROKEN, OK, delivery, endpoint
from tests.webhook.receivers import Receiver
from tests.webhook.world import LEASE_SECONDS

HOUR, DAY = 3600, 24 * 3600
NOW = 1_790_000_000_000


async def steps(sender, until):
    """Run a sender beside this, and wait until it has come to something."""
    async with asyncio.timeout(10):
        while not await until():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("step", [-HOUR, -DAY, DAY])
async def test_a_running_sender_goes_on_after_the_clock_was_set(world, step):
    """What is queued and what waits for a retry both leave, without a new start."""
    async with Receiver([500, 204]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        sender = world.sender(schedule_seconds=(1800,))
        async with world.running(sender):
            await world.queue(delivery("de_1"))
            sender.wake(["ep_1"])
            await asyncio.wait_for(receiver.has(1), 5)
            await steps(sender, lambda: _attempts(world, "de_1", 1))
            world.clock.advance(step)
            await world.queue(delivery("de_2"))
            await asyncio.wait_for(receiver.has(3), 10)

    assert sorted(receiver.ids) == ["de_1", "de_1", "de_2"]


async def _attempts(world, name, count):
    return (await world.store.get(name)).attempts == count


async def test_a_sender_that_starts_after_the_clock_was_set_back_sends_what_waits(world):
    """A row knows how far ahead its instant was put; this one is an hour further ahead."""
    async with Receiver([500, 204]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await world.queue(delivery("de_1"))
        await world.sender(schedule_seconds=(300,)).settle()
        world.clock.advance(-HOUR)
        await world.sender(schedule_seconds=(300,)).settle()

    assert receiver.ids == ["de_1", "de_1"]


async def test_a_long_wait_is_kept(world):
    """A retry that may be hours away is not sent early, however often one looks."""
    async with Receiver([500, 204]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await world.queue(delivery("de_1"))
        await world.sender(schedule_seconds=(DAY,)).settle()
        for _ in range(23):
            world.clock.advance(HOUR)
            await world.sender(schedule_seconds=(DAY,)).settle()

    assert receiver.ids == ["de_1"]


async def test_what_a_process_whose_clock_is_ahead_has_queued_is_sent_at_once(world):
    """Nothing that was never tried waits for anything."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        sender = world.sender(looks=True)
        await sender.settle()
        await world.store.queue(delivery("de_1"), now=world.clock() + 300_000)
        await sender.settle()

    assert receiver.ids == ["de_1"]


async def test_an_attempt_under_way_keeps_its_lease(world):
    """The clock is set back meanwhile: it is not sent a second time, and its outcome counts."""
    release = asyncio.Event()

    async def slow(_):
        await release.wait()

    async with Receiver([slow, 204, 204]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        sender = world.sender()
        async with world.running(sender):
            await world.queue(delivery("de_1"))
            sender.wake(["ep_1"])
            await asyncio.wait_for(receiver.has(1), 5)
            world.clock.advance(-HOUR)
            await steps(sender, lambda: _leased(world))
            release.set()
            await steps(sender, lambda: _attempts(world, "de_1", 1))

    assert receiver.ids == ["de_1"]


async def _leased(world):
    found = await world.store.get("de_1")
    return found.due_at <= world.clock() + LEASE_SECONDS * 1000


async def test_a_lease_of_a_dead_sender_ends_after_its_own_time(world):
    """Not an hour later, because the clock was set back since."""
    await world.store.prepare(endpoint("ep_1"))
    await world.queue(delivery("de_1"))
    await world.store.claim(now=world.clock())
    world.clock.advance(-HOUR)
    async with Receiver() as receiver:
        await world.store.database.write(
            lambda tx: tx.run("update endpoints set url = :url", url=receiver.url)
        )
        sender = world.sender()
        await sender.settle()
        before = len(receiver.received)
        world.clock.advance(60)
        await sender.settle()

    assert (before, len(receiver.received)) == (0, 1)


async def test_an_open_circuit_is_tried_after_its_own_rest(world):
    """Set back by an hour, it is tried within half a minute, and closes as ever."""
    async with Receiver([500] * 10 + [204]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await world.queue(*(delivery(f"de_{number}") for number in range(10)))
        sender = world.sender(schedule_seconds=(HOUR,))
        await sender.settle()
        opened = (await world.store.endpoint()).circuit
        world.clock.advance(-HOUR)
        await sender.settle()
        world.clock.advance(30)
        await sender.settle()
        tried = (await world.store.endpoint()).circuit
        for _ in range(10):
            world.clock.advance(1)
            await sender.settle()

    assert opened.state is CircuitState.OPEN
    assert tried.state is CircuitState.CLOSED
    assert len(receiver.received) == 20


async def test_a_retry_that_was_asked_for_is_kept(world):
    """Retry-After of hours is no instant of another clock."""
    wait = replace(BROKEN, retry_after="7200")
    await world.store.prepare(endpoint("ep_1"))
    await world.queue(delivery("de_1"))
    [claimed] = await world.store.claim(now=world.clock())
    await world.store.record((claimed, wait), now=world.clock())

    assert not await _too_far(world, world.clock())
    assert not await _too_far(world, world.clock() + 7_100_000)
    assert await _too_far(world, world.clock() - 1)


async def _too_far(world, now):
    return await world.store.database.read(lambda tx: any_too_far(tx, now))


async def test_many_are_brought_back_in_steps(world):
    """Each of a bounded size; what has ended stays as it is."""
    await world.store.prepare(endpoint("ep_1"))
    await world.store.queue(delivery("de_done"), now=NOW)
    [claimed] = await world.store.claim(now=NOW)
    await world.store.record((claimed, OK), now=NOW)
    await world.store.queue(*(delivery(f"de_{at}") for at in range(MOST + 5)), now=NOW)
    again = [
        await world.store.database.write(lambda tx: bring_back(tx, NOW - HOUR * 1000))
        for _ in range(2)
    ]

    assert again == [True, False]
    assert not await _too_far(world, NOW - HOUR * 1000)
    assert (await world.store.get("de_7")).due_at == NOW - HOUR * 1000
    assert (await world.store.get("de_done")).status is Status.DELIVERED


def test_a_rate_goes_on_where_the_clock_was_set_back():
    """An endpoint that may have one attempt a second has the next one a second later."""
    turns = Turns(10, 10, 10)
    turns.is_due("ep_1")
    turns.claimed("ep_1", *turns.next_turns(NOW, 1)[0][1:], 1, rate_per_second=1.0)
    turns.ended("ep_1", succeeded=True)
    turns.is_due("ep_1")
    empty = turns.next_turns(NOW + 10, 1)
    turns.set_back(HOUR * 1000)
    early = turns.next_turns(NOW + 20 - HOUR * 1000, 1)
    late = turns.next_turns(NOW + 1020 - HOUR * 1000, 1)

    assert (empty, early) == ([], [])
    assert late == [("ep_1", 1)]


def test_a_rest_in_memory_is_as_long_as_it_was():
    """Not longer by what the clock was set back."""
    turns = Turns(10, 10, 10)
    turns.rest("ep_1", NOW + 5000)
    turns.is_due("ep_1")
    turns.set_back(HOUR * 1000)

    assert turns.next_turns(NOW + 4999 - HOUR * 1000, 1) == []
    assert turns.next_turns(NOW + 5000 - HOUR * 1000, 1) == [("ep_1", 1)]


@pytest.mark.parametrize("back", [HOUR, DAY, 365 * DAY])
def test_a_circuit_whose_rest_lies_too_far_ahead_is_tried(back):
    """Open, half-open, or at rest because it was asked for: each knows its wait."""
    opened = circuit_after(CLOSED, NOW, succeeded=False, failures_in_row=10, mostly_failed=False)
    asked = circuit_after(
        CLOSED, NOW, succeeded=False, failures_in_row=1, mostly_failed=False, asked_ms=7000
    )
    for circuit in (opened, asked, opened.trying(NOW, 60_000)):
        assert circuit.rests(NOW)
        assert not circuit.rests(NOW - back * 1000)
        assert circuit.may_try(NOW - back * 1000)


def test_a_circuit_that_was_closed_in_the_future_drains_without_a_limit():
    """It was so before the clock was set back; the queue does not crawl for an hour."""
    closed = Circuit(CircuitState.CLOSED, NOW, None, 3)

    assert drain_per_second(closed, NOW) == 10
    assert drain_per_second(closed, NOW - HOUR * 1000) is None


def test_failures_before_the_clock_was_set_back_are_forgotten_after_five_minutes():
    """They count as if they had come just now, and no longer."""
    recent = Recent()
    for _ in range(10):
        recent.add(NOW, succeeded=False)
    recent.add(NOW - HOUR * 1000, succeeded=False)
    now_bad = recent.mostly_failed()
    recent.add(NOW - HOUR * 1000 + 330_000, succeeded=True)

    assert now_bad
    assert not recent.mostly_failed()


def test_an_old_secret_signs_for_its_day_also_where_clocks_differ():
    """Five minutes or an hour make no receiver refuse; by a clock far ahead it does not last."""
    old = OldSecret("whsec_old", NOW + OLD_SIGNS_MS)

    assert old.signs(NOW - 300_000)
    assert old.signs(NOW - HOUR * 1000)
    assert old.signs(NOW + OLD_SIGNS_MS - 1)
    assert not old.signs(NOW + OLD_SIGNS_MS)
    assert not old.signs(NOW - 30 * DAY * 1000)
