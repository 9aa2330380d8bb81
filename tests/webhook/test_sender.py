"""The webhook role, with real receivers on loopback that verify everything they get."""

import asyncio
import itertools

from aiohttp import web

from crypitor.database.cancellations import cancel_for_monitor
from crypitor.webhook.delivery import SCHEDULE_SECONDS, State, Status
from crypitor.webhook.sender import LOOK_MS
from tests.patience import HANG_SECONDS
from tests.webhook.queued import delivery, endpoint
from tests.webhook.receivers import Receiver
from tests.webhook.world import Flaky, hang, until


async def test_what_is_queued_is_delivered_and_recorded(world):
    """Verified by the receiver, with its stored body, and one attempt."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await world.queue(delivery("de_1", body='{"label":"Käse"}'))
        await world.sender().settle()

    [one] = receiver.received
    found, attempts = await world.store.both("de_1")
    assert (one.id, one.body.decode()) == ("de_1", '{"label":"Käse"}')
    assert (found.status, found.attempts, found.finished_at) == ("delivered", 1, world.clock())
    assert [(one.number, one.status_code, one.error) for one in attempts] == [(1, 204, None)]
    assert [one.delivery.id for one in world.heard.results] == ["de_1"]


async def test_retries_follow_the_schedule_with_the_same_id_and_body(world):
    """Each only when its time has come, signed anew; after the last one the delivery has failed."""
    async with Receiver([500]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await world.queue(delivery("de_1"))
        sender = world.sender()
        await sender.settle()
        for wait in SCHEDULE_SECONDS:
            world.clock.advance(wait - 0.001)
            before = len(receiver.received)
            await sender.settle()
            too_early = len(receiver.received) - before
            world.clock.advance(0.001)
            await sender.settle()

            assert too_early == 0
            assert len(receiver.received) == before + 1
        world.clock.advance(10**6)
        await sender.settle()

    assert set(receiver.ids) == {"de_1"}
    assert len({one.body for one in receiver.received}) == 1
    assert len({one.timestamp for one in receiver.received}) == 10
    failed, attempts = await world.store.both("de_1")
    assert (failed.status, failed.attempts, len(attempts)) == (Status.FAILED, 10, 10)


async def test_a_delivery_that_failed_at_first_is_delivered_by_a_retry(world):
    """Its error is gone, its attempts stay."""
    async with Receiver([503, 500, 204]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await world.queue(delivery("de_1"))
        sender = world.sender(schedule_seconds=(1, 1))
        for _ in range(3):
            await sender.settle()
            world.clock.advance(1)

    delivered, attempts = await world.store.both("de_1")
    assert (delivered.status, delivered.error) == (Status.DELIVERED, None)
    assert [one.status_code for one in attempts] == [503, 500, 204]
    assert (await world.store.endpoint()).state is State.HEALTHY


async def test_retry_after_is_waited_for(world):
    """A busy receiver says when, and is left alone until then."""
    busy = web.Response(status=429, headers={"Retry-After": "60"})
    async with Receiver([lambda _: busy, 204]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await world.queue(delivery("de_1"))
        sender = world.sender()
        await sender.settle()
        world.clock.advance(59.9)
        await sender.settle()
        early = len(receiver.received)
        world.clock.advance(0.1)
        await sender.settle()

    assert (early, len(receiver.received)) == (1, 2)


async def test_gone_disables_the_endpoint_and_nothing_more_is_sent(world):
    """The rest of its queue is kept."""
    async with Receiver([410]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url, ordered=True))
        await world.queue(delivery("de_1"), delivery("de_2"), delivery("de_3"))
        sender = world.sender()
        await sender.settle()
        world.clock.advance(10**6)
        await sender.settle()

    assert len(receiver.received) == 1
    assert sorted((await world.store.statuses()).values()) == ["failed", "pending", "pending"]
    assert (await world.store.endpoint()).state is State.DISABLED


async def test_phases_of_a_match_never_overtake_one_another(world):
    """The confirmed phase waits through every retry of the detected one."""
    async with Receiver([500, 500, 204]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await world.queue(delivery("de_1"), delivery("de_2", follows="de_1"))
        await world.queue(delivery("de_3", follows="de_2"))
        sender = world.sender(schedule_seconds=(5, 5))
        for _ in range(3):
            await sender.settle()
            world.clock.advance(5)

    assert receiver.ids == ["de_1", "de_1", "de_1", "de_2", "de_3"]


async def test_ordered_endpoints_get_one_after_the_other(world):
    """The next only after the one before has ended, in the order in which they were queued."""
    names = [f"de_{number}" for number in range(12)]
    async with Receiver([204, 204, 500, 204]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url, ordered=True))
        for name in names:
            world.clock.advance(0.001)
            await world.queue(delivery(name))
        sender = world.sender()
        await sender.settle()
        stopped_at = list(receiver.ids)
        world.clock.advance(5)
        await sender.settle()

    assert stopped_at == names[:3]
    assert receiver.ids == [*names[:3], *names[2:]]
    assert receiver.most_at_once == 1


async def test_at_most_ten_attempts_are_under_way_at_one_endpoint(world):
    """However much is due, and they do run side by side."""
    arrived = asyncio.Semaphore(0)
    go_on = asyncio.Event()

    async def wait(_):
        arrived.release()
        await go_on.wait()
        return web.Response()

    async with Receiver([204] * 8 + [wait]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await world.queue(*(delivery(f"first_{number}") for number in range(8)))
        sender = world.sender()
        await sender.settle()
        await world.queue(*(delivery(f"de_{number}") for number in range(50)))
        async with asyncio.TaskGroup() as group:
            settling = group.create_task(sender.settle())
            for _ in range(10):
                await arrived.acquire()
            at_once, in_flight = receiver.at_once, sender.in_flight
            go_on.set()
            await settling

    assert (at_once, in_flight) == (10, 10)
    assert receiver.most_at_once == 10
    assert len(receiver.received) == 58


async def test_endpoints_that_hang_do_not_delay_one_that_answers(world):
    """Fifty new ones that hang with full queues; the healthy one's wake is answered at once."""
    async with Receiver([hang]) as dead, Receiver() as alive:
        await world.store.prepare(
            endpoint("ep_ok", alive.url),
            *(endpoint(f"ep_{number}", dead.url) for number in range(50)),
        )
        await world.queue(
            *(delivery(f"d{number}_{n}", f"ep_{number}") for number in range(50) for n in range(20))
        )
        sender = world.sender(grace_seconds=0)
        async with world.running(sender), asyncio.timeout(HANG_SECONDS):
            await dead.has(50)
            world.clock.advance(-2 * HANG_SECONDS)  # so that by itself it looks much later
            for turn in range(20):
                await world.queue(delivery(f"de_{turn}", "ep_ok"))
                sender.wake(["ep_ok"])
                await alive.has(turn + 1)

    assert len(dead.received) == 50
    assert {one.delivery.endpoint_id for one in world.heard.results} <= {"ep_ok"}


async def test_endpoints_known_to_fail_leave_half_of_the_slots_from_the_start(world):
    """After a restart their rows tell, before any of them has hung again."""
    async with Receiver([hang]) as dead, Receiver() as alive:
        await world.store.prepare(
            endpoint("ep_ok", alive.url),
            *(endpoint(f"ep_{number}", dead.url, failures_in_row=9) for number in range(50)),
        )
        await world.queue(*(delivery(f"d{number}", f"ep_{number}") for number in range(50)))
        await world.queue(delivery("de_1", "ep_ok"))
        async with world.running(world.sender(endpoints_at_once=40, grace_seconds=0)):
            await asyncio.wait_for(alive.has(1), HANG_SECONDS)
            await dead.has(20)

    assert len(dead.received) == 20


async def test_a_sweep_finds_what_nobody_woke_it_for(world):
    """Another process may have queued it: at the latest a second later it is found."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url), endpoint("ep_2", receiver.url))
        await world.queue(delivery("de_1"))
        sender = world.sender()
        async with world.running(sender), asyncio.timeout(HANG_SECONDS):
            await receiver.has(1)
            await world.queue(delivery("de_2", "ep_2"))
            world.clock.advance(1)
            await receiver.has(2)

    assert receiver.ids == ["de_1", "de_2"]


async def test_a_retry_leaves_at_its_time_and_not_at_the_next_sweep(world):
    """It sleeps until then: the clock stands before the next sweep, and another attempt is made."""
    async with Receiver([500, 204]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        sender = world.sender(schedule_seconds=(0.3,))
        async with world.running(sender), asyncio.timeout(HANG_SECONDS):
            await world.queue(delivery("de_1"))
            sender.wake(["ep_1"])
            await until(lambda: world.heard.results)
            slept_seconds = sender._idle_seconds()
            world.clock.advance(0.3)
            await receiver.has(2)

    first, second = await world.store.attempts("de_1")
    assert slept_seconds == 0.3
    assert second.started_at - first.started_at == 300


async def test_two_senders_share_the_work_without_repeating_any(world):
    """Each delivery is claimed by one of them."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await world.queue(*(delivery(f"de_{number}") for number in range(200)))
        await asyncio.gather(world.sender().settle(), world.sender().settle())

    assert sorted(receiver.ids) == sorted(f"de_{number}" for number in range(200))


async def test_a_monitor_that_is_deleted_during_an_attempt_is_not_sent_again(world):
    """The attempt is kept."""

    async def cancel(_):
        await world.store.database.write(lambda tx: cancel_for_monitor(tx, "mo_1", 1))
        return web.Response(status=500)

    async with Receiver([cancel]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await world.queue(delivery("de_1"))
        sender = world.sender()
        await sender.settle()
        world.clock.advance(10**6)
        await sender.settle()

    assert len(receiver.received) == 1
    assert (await world.store.get("de_1")).status is Status.CANCELLED
    assert len(await world.store.attempts("de_1")) == 1


async def test_an_endpoint_edited_while_a_retry_waits_is_called_as_it_is_now(world):
    """URL, headers and secret are those of the moment."""
    async with Receiver([500]) as old, Receiver() as new:
        await world.store.prepare(endpoint("ep_1", old.url))
        await world.queue(delivery("de_1"))
        sender = world.sender()
        await sender.settle()
        await world.store.database.write(
            lambda tx: tx.run(
                "update endpoints set url = :url, headers = :headers",
                url=new.url,
                headers='{"X-A": "b"}',
            )
        )
        world.clock.advance(5)
        await sender.settle()

    assert len(old.received) == 1
    assert new.received[0].headers["x-a"] == "b"


async def test_a_deleted_endpoint_is_not_called(world):
    """What was queued for it stays untouched until somebody cancels it."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await world.queue(delivery("de_1"))
        await world.store.database.write(lambda tx: tx.run("delete from endpoints"))
        sender = world.sender()
        sender.wake(["ep_1"])
        await sender.settle()

    assert receiver.received == []


async def test_a_rate_is_kept(world):
    """Two a second: what is due at once leaves over time."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url, rate_per_second=2))
        await world.queue(*(delivery(f"de_{number}") for number in range(10)))
        sender = world.sender()
        counts = []
        for _ in range(20):
            await sender.settle()
            counts.append(len(receiver.received))
            world.clock.advance(0.26)

    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(counts))
    assert counts[-1] == 10


async def test_outcomes_are_committed_in_groups(world):
    """Five hundred deliveries take far fewer transactions."""
    writes = 0

    class Counting(Flaky):
        async def write(self, work, **how):
            nonlocal writes
            writes += 1
            return await self.database.write(work, **how)

    receivers = [Receiver() for _ in range(5)]
    for one in receivers:
        await one.__aenter__()
    await world.store.prepare(
        *(endpoint(f"ep_{number}", one.url) for number, one in enumerate(receivers))
    )
    await world.queue(*(delivery(f"de_{n}", f"ep_{n % 5}") for n in range(500)))
    await world.sender(Counting(world.store.database)).settle()
    for one in receivers:
        await one.__aexit__()

    assert set((await world.store.statuses()).values()) == {"delivered"}
    assert writes < 250


async def test_who_says_retry_after_is_left_alone_with_everything(world):
    """Until then, also by a sender that starts meanwhile; then one attempt, and the others."""
    busy = web.Response(status=429, headers={"Retry-After": "30"})
    async with Receiver([lambda _: busy, 204]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await world.queue(*(delivery(f"de_{number}") for number in range(20)))
        await world.sender().settle()
        asked = len(receiver.received)
        world.clock.advance(29.999)
        await world.sender().settle()
        still = len(receiver.received)
        world.clock.advance(0.001)
        await world.sender().settle()

    assert (asked, still) == (1, 1)
    assert len(receiver.received) == 21
    assert set((await world.store.statuses()).values()) == {Status.DELIVERED}
    assert (await world.store.endpoint()).state is State.HEALTHY


async def test_what_another_process_queues_is_found_by_looking(world):
    """Nobody wakes this one: it looks for new ones long before its next sweep."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url), endpoint("ep_2", receiver.url))
        await world.queue(delivery("de_1"))
        sender = world.sender(looks=True)
        async with world.running(sender), asyncio.timeout(HANG_SECONDS):
            await receiver.has(1)
            await world.queue(delivery("de_2", "ep_2"))
            world.clock.advance(LOOK_MS / 1000)
            await receiver.has(2)

    assert receiver.ids == ["de_1", "de_2"]
