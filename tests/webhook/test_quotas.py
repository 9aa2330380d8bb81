"""Deliveries a day: what is beyond them waits for the next day, and for no other project."""

import json

import pytest

from crypitor.database.deliveries import first_queued
from crypitor.database.instants import any_too_far
from crypitor.database.limits import DAY_MS, Limits
from crypitor.process.quotas import Quotas
from crypitor.webhook.health import waiting_of
from tests.webhook.queued import delivery, endpoint
from tests.webhook.receivers import Receiver
from tests.webhook.world import until

DAY = 20_000 * DAY_MS


@pytest.fixture
def noon(world):
    """Let the clock stand at noon of a day."""
    world.clock.now = DAY + DAY_MS // 2
    return world.clock


async def limit(world, most: int | None, project: str = "pr_1") -> None:
    """Set the limit of a project."""
    limits = {} if most is None else {"deliveries_per_day": most}
    await world.store.database.write(
        lambda tx: tx.run(
            "update projects set limits = :limits where id = :id",
            limits=json.dumps(limits),
            id=project,
        )
    )


def quotas(world, **defaults) -> tuple[Quotas, list]:
    """Return the role, and the endpoints of which it tells the sender."""
    woken: list[str] = []
    role = Quotas(world.store.database, Limits(**defaults), clock=world.clock, wake=woken.extend)
    return role, woken


async def reason(world, endpoint_id: str) -> str | None:
    """Return why an endpoint waits."""
    one = await world.store.endpoint(endpoint_id)
    queued = await world.store.database.read(lambda tx: first_queued(tx, [endpoint_id]))
    waiting = waiting_of(one, queued.get(endpoint_id), world.clock())
    return waiting and waiting.reason.value


async def test_deliveries_beyond_the_limit_go_the_next_day(world, noon):
    """At the limit all are sent; one more waits until after midnight, and is sent then."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await limit(world, 2)
        role, _ = quotas(world)
        sender = world.sender()
        await world.queue(delivery("de_1"), delivery("de_2"))
        await role.step()
        async with world.running(sender):
            sender.wake(["ep_1"])
            await until(lambda: len(receiver.received) == 2)
        await world.queue(delivery("de_3"))
        await role.step()
        assert await reason(world, "ep_1") == "limit"
        assert await world.store.claim(now=noon()) == []
        async with world.running(sender := world.sender()):
            sender.wake(["ep_1"])
            await world.queue(delivery("de_4"))
            noon.now = DAY + DAY_MS + 1
            sender.wake(["ep_1"])
            await until(lambda: len(receiver.received) == 4)

    assert sorted(receiver.ids) == ["de_1", "de_2", "de_3", "de_4"]


@pytest.mark.parametrize("most", [None, 5])
async def test_limit_that_is_raised_lets_them_go_on(world, noon, most):
    """With a higher limit, or none, the rest ends; also when another process gave it."""
    await world.store.prepare(endpoint("ep_1", "https://example.com"))
    await limit(world, 1)
    await world.queue(delivery("de_1"), delivery("de_2"))
    await quotas(world)[0].step()
    assert await reason(world, "ep_1") == "limit"
    await limit(world, most)
    role, woken = quotas(world)

    await role.step()

    assert (await reason(world, "ep_1"), woken) == (None, ["ep_1"])


async def test_each_delivery_is_counted_once(world, noon):
    """However often it is looked, and whatever the retention has removed since."""
    await world.store.prepare(endpoint("ep_1", "https://example.com"))
    await limit(world, 3)
    role, _ = quotas(world)
    for number in range(3):
        await world.queue(delivery(f"de_{number}"))
        for _ in range(3):
            noon.now += 100_000
            await role.step()
    assert await reason(world, "ep_1") is None
    await world.store.database.write(lambda tx: tx.run("delete from deliveries"))
    await world.queue(delivery("de_last"))

    await role.step()

    assert await reason(world, "ep_1") == "limit"


async def test_rest_that_a_receiver_asked_for_is_left_alone(world, noon):
    """A longer rest stays, and none but our own is ended."""
    await world.store.prepare(endpoint("ep_1", "https://example.com"))
    asked = DAY + 3 * DAY_MS
    await world.store.database.write(
        lambda tx: tx.run("update endpoints set circuit_until = :asked", asked=asked)
    )
    await limit(world, 0)
    await world.queue(delivery("de_1"))
    role, _ = quotas(world)
    for most in (0, None):
        await limit(world, most)
        await role.step()

    one = await world.store.endpoint("ep_1")
    assert one.circuit.until == asked


async def test_the_rest_of_a_limit_is_no_instant_of_another_clock(world, noon):
    """It lies as far ahead as it was put, so whoever looks for clocks that were set leaves it."""
    await world.store.prepare(endpoint("ep_1"))
    await world.store.database.write(  # of a rest before
        lambda tx: tx.run("update endpoints set circuit_wait_ms = 5000")
    )
    await limit(world, 1)
    await world.queue(delivery("de_1"), delivery("de_2"))
    role, _ = quotas(world)
    await role.step()

    assert await reason(world, "ep_1") == "limit"
    assert not await world.store.database.read(lambda tx: any_too_far(tx, noon()))
