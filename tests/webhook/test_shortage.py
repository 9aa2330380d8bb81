"""What this machine has run out of is no attempt of a receiver's."""

import aiohttp
import pytest

from crypitor.errors import Exhausted
from crypitor.webhook.circuit import CircuitState
from crypitor.webhook.failure import shortage
from crypitor.webhook.shortage import NAME
from tests.webhook.posting import post
from tests.webhook.queued import delivery, endpoint
from tests.webhook.receivers import Receiver
from tests.webhook.short import no_descriptors, opened
from tests.webhook.world import until


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_post_without_descriptors_says_so(poster, host):
    """Also where a name is looked up first, for which a resolver says that there is no such name."""
    async with Receiver() as receiver:
        url = receiver.url.replace("127.0.0.1", host)
        with no_descriptors(), pytest.raises(Exhausted, match="too many open files"):
            await post(poster, url)
        assert (await post(poster, url)).error is None


async def test_deliveries_wait_for_descriptors_and_nothing_is_recorded(world):
    """Then each is delivered by its first attempt, and the circuit was never touched."""
    short = []
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        names = [f"de_{number}" for number in range(20)]
        await opened(world)
        await world.queue(*map(delivery, names))
        sender = world.sender(exhausted=lambda: short.append(1))
        with no_descriptors():
            running = world.running(sender)
            await running.__aenter__()
            await until(lambda: len(short) >= 10, 20)

            assert "too many open files" in world.health.troubles[NAME]
            assert world.heard.results == []
        await until(lambda: len(world.heard.results) == len(names), 20)
        assert NAME not in world.health.troubles
        await running.__aexit__(None, None, None)

    assert sorted(receiver.ids) == sorted(names)
    assert {(await world.store.get(name)).attempts for name in names} == {1}
    assert (await world.store.endpoint()).circuit.state is CircuitState.CLOSED


async def test_what_cannot_be_tried_until_its_lease_ends_is_due_again(world):
    """Its slot is free then; the next claim delivers it."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await opened(world)
        await world.queue(delivery("de_1"))
        lease_seconds = world.poster.deadline_seconds + 0.1
        sender = world.sender(lease_seconds=lease_seconds)
        with no_descriptors():
            async with world.running(sender):
                await until(lambda: NAME in world.health.troubles, 20)
                await until(lambda: sender.in_flight == 0, 20)
        assert world.heard.results == []
        world.clock.advance(lease_seconds + 1)
        await world.sender().settle()

    assert receiver.ids == ["de_1"]
    assert (await world.store.get("de_1")).attempts == 1


@pytest.mark.parametrize(
    ("failure", "ours"),
    [
        (OSError(24, "Too many open files"), True),
        (OSError(23, "Too many open files in system"), True),
        (OSError(12, "Cannot allocate memory"), True),
        (MemoryError(), True),
        (RuntimeError("can't start new thread"), True),
        (RuntimeError("anything else"), False),
        (ConnectionRefusedError(111, "refused"), False),
        (TimeoutError(), False),
        (aiohttp.ServerDisconnectedError(), False),
    ],
)
def test_what_is_short_here_is_told_from_what_fails_there(failure, ours):
    """By its number or its kind."""
    assert (shortage(failure) is not None) is ours
