"""What a process says of its outages: when they begin, what else causes them, how long they took."""

import asyncio

import pytest
import structlog

from crypitor.errors import Unavailable
from crypitor.runtime.loop import Health, cut_off, end_with_the_first, forever, named
from tests.patience import HANG_SECONDS


def test_a_trouble_has_a_time_and_its_causes_are_told_once():
    """Numbers and hashes in a sentence make it no other cause."""
    now = [100.0]
    health = Health(lambda: now[0])

    assert health.begin("worker", "block 7: HTTP 500")
    told = []
    for trouble in (
        "block 8: HTTP 502",
        "cannot connect",
        "block 0xab9f: HTTP 1",
        "cannot connect",
    ):
        assert not health.begin("worker", trouble)
        told.append(health.has_another_cause("worker"))
    now[0] += 61.24
    assert health.end("worker")

    assert told == [False, True, False, False]
    assert health.seconds("worker") == 61.2
    assert health.begin("worker", "cannot connect")
    assert health.seconds("worker") == 0


async def test_the_end_of_an_outage_says_how_long_it_was():
    """And what else caused it meanwhile stands between its two lines."""
    now, stop = [0.0], asyncio.Event()
    causes = ["refused", "refused", "timed out", "refused"]

    async def step():
        now[0] += 10
        if causes:
            raise Unavailable(causes.pop(0))
        stop.set()
        return False

    with structlog.testing.capture_logs() as said:
        await forever("worker", step, stop=stop, health=Health(lambda: now[0]), idle_seconds=0)

    assert [(one["event"], one.get("trouble"), one.get("seconds")) for one in said] == [
        ("outage begins", "refused", None),
        ("outage has another cause", "timed out", None),
        ("outage over", None, 40.0),
    ]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("worker ethereum", {"role": "worker", "network": "ethereum"}),
        ("backfill bsc-testnet", {"role": "backfill", "network": "bsc-testnet"}),
        ("tokens dev", {"role": "tokens", "network": "dev"}),
        ("webhook", {"role": "webhook"}),
        ("key uses", {"role": "key uses"}),
        ("deleted projects", {"role": "deleted projects"}),
    ],
)
def test_a_network_is_a_field_of_its_own(name, fields):
    """So that the log can be asked for one network, whatever the role."""
    assert named(name) == fields


def losing(answered):
    """Return a step of a library that takes a cancellation for an answer, the first time."""
    lost = []

    async def step():
        try:
            await answered.wait()
        except asyncio.CancelledError:
            if lost:
                raise
            lost.append(True)
            answered.set()
        return True

    return step


async def test_who_loses_a_cancellation_ends_when_another_role_fails():
    """A process that has to end does, in place of going on with the roles that are left."""
    stop, answered = asyncio.Event(), asyncio.Event()

    async def fails():
        await asyncio.sleep(0)
        raise KeyError("unexpected")

    async def side_by_side():
        role = forever("one", losing(answered), stop=stop, health=Health(), idle_seconds=60.0)
        async with asyncio.TaskGroup() as group:
            end_with_the_first([group.create_task(role), group.create_task(fails())], stop)

    with pytest.raises(ExceptionGroup, match="unhandled") as raised:
        await asyncio.wait_for(side_by_side(), HANG_SECONDS)

    assert isinstance(raised.value.exceptions[0], KeyError)
    assert answered.is_set()


async def test_a_cancellation_that_nobody_meant_does_not_end_a_role_in_silence():
    """Where a library gives up what a step waits for, the process ends, and says so."""
    given_up = asyncio.get_running_loop().create_future()
    given_up.cancel()

    async def step():
        return await given_up

    with pytest.raises(RuntimeError, match="a step of one was cancelled by nobody"):
        await forever("one", step, stop=asyncio.Event(), health=Health(), idle_seconds=0.0)


async def test_who_loses_a_cancellation_is_told_again():
    """What is cut off is over afterwards, however it ended."""

    async def loses(times):
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if not times:
                    raise
                times -= 1

    async def fails():
        try:
            await asyncio.Event().wait()
        finally:
            raise KeyError("at its end")

    tasks = [asyncio.create_task(one) for one in (loses(0), loses(2), fails())]
    await asyncio.sleep(0)

    async with asyncio.timeout(HANG_SECONDS):
        await cut_off(tasks)

    assert [task.cancelled() for task in tasks] == [True, True, False]
