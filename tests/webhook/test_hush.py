"""Monitors that tell each endpoint so much in a window, or nothing at some hours."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, replace

import pytest

from crypitor.database.monitors import delete_monitor, insert_monitor, update_monitor
from crypitor.database.reopening import hurry
from crypitor.monitor.models import Phase
from crypitor.webhook.delivery import Digest
from crypitor.webhook.hush import Hush, split
from crypitor.webhook.quiet import FIRST, Quiet, Window
from crypitor.webhook.silence import Silence, silence_text
from tests.monitor.test_match import MONITOR
from tests.webhook.queued import delivery, endpoint
from tests.webhook.receivers import Receiver

NOW = 1_790_000_000_000
LOUD = replace(MONITOR, id="mo_2", project_id="pr_1", name="Treasury")
QUIET = replace(
    MONITOR, id="mo_1", project_id="pr_1", name="Dust", quiet_most=2, quiet_seconds=60,
    quiet_webhooks=True,
)  # fmt: skip


@dataclass
class Made:
    """As much of a delivery as its time."""

    created_at: int


async def stored(world, *monitors):
    async def work(tx):
        for monitor in monitors:
            await insert_monitor(tx, monitor)

    await world.store.database.write(work)


def hushed(name, **more):
    return delivery(name, quiet=True, **more)


async def test_only_its_own_messages_are_counted(world):
    """Other monitors tell the same endpoint all that they have; nothing is lost or told twice."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await stored(world, QUIET, LOUD)
        await world.queue(*(hushed(f"de_{n}") for n in range(25)))
        await world.queue(*(delivery(f"loud_{n}", monitor_id="mo_2") for n in range(20)))
        sender = world.sender()
        await sender.settle()
        first = Counter(name.split("_")[0] for name in receiver.ids)
        world.clock.advance(30)
        await world.queue(hushed("late", phase=Phase.CONFIRMED))
        await sender.settle()
        within = len(receiver.ids)
        world.clock.advance(31)
        await sender.settle()
        world.clock.advance(600)
        await sender.settle()

    told = json.loads(receiver.received[-1].body)
    assert first == {"de": 2, "loud": 20}
    assert (within, len(receiver.ids)) == (22, 23)
    assert told["type"] == "deliveries.counted"
    assert told["data"]["monitors"] == [{"id": "mo_1", "name": "Dust", "count": 24}]
    assert told["data"]["types"] == {"match.confirmed": 1, "match.detected": 23}
    assert Counter((await world.store.statuses()).values()) == {"delivered": 22, "counted": 24}


async def test_each_endpoint_has_a_window_of_its_own(world):
    """Who is told by chat and by webhook has so many in each."""
    async with Receiver() as receiver:
        await world.store.prepare(*(endpoint(f"ep_{n}", receiver.url) for n in (1, 2)))
        await stored(world, QUIET)
        for at in ("ep_1", "ep_2"):
            await world.queue(*(hushed(f"{at}_{n}", endpoint_id=at) for n in range(5)))
        await world.sender().settle()

    assert Counter(name[:4] for name in receiver.ids) == {"ep_1": 2, "ep_2": 2}


async def test_what_counts_and_fails_is_tried_again_as_one(world):
    """With the same id, and as one failure."""
    async with Receiver([204, 204, 500, 204]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await stored(world, QUIET)
        await world.queue(*(hushed(f"de_{n}") for n in range(6)))
        sender = world.sender()
        for seconds in (0, 61, 6, 61):
            world.clock.advance(seconds)
            await sender.settle()

    assert receiver.ids[2] == receiver.ids[3]
    assert Counter((await world.store.statuses()).values()) == {"delivered": 2, "counted": 4}


async def test_a_message_that_was_not_taken_uses_no_room(world):
    """As many as the window holds are taken all the same."""
    async with Receiver([500, 204, 204]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await stored(world, QUIET)
        await world.queue(*(hushed(f"de_{n}") for n in range(6)))
        await world.sender().settle()

    assert len(receiver.ids) == 3
    assert Counter((await world.store.statuses()).values()) == {"delivered": 2, "pending": 4}


async def test_what_is_asked_for_by_hand_is_sent_by_itself(world):
    """Also while its window is full."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await stored(world, replace(QUIET, quiet_seconds=3600))
        await world.queue(*(hushed(f"de_{n}") for n in range(6)))
        sender = world.sender()
        await sender.settle()
        now = world.clock()
        await world.store.database.write(lambda tx: hurry(tx, "de_5", now, 60_000))
        await sender.settle()

    assert receiver.ids == ["de_0", "de_1", "de_5"]


async def test_several_senders_have_one_window(world):
    """Together they send no more than one alone."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await stored(world, QUIET)
        await world.queue(*(hushed(f"de_{n}") for n in range(30)))
        senders = [world.sender() for _ in range(3)]
        await asyncio.gather(*(sender.settle() for sender in senders))
        world.clock.advance(1)  # what another one stood at is looked at again
        await asyncio.gather(*(sender.settle() for sender in senders))
        first = len(receiver.ids)
        windows = []
        for _ in range(4):
            world.clock.advance(61)
            before = len(receiver.ids)
            await asyncio.gather(*(sender.settle() for sender in senders))
            windows.append(len(receiver.ids) - before)

    assert first == 2
    assert max(windows) <= 2
    assert sum(windows) <= 4  # what another sender stood at may come in the window after
    assert {*(await world.store.statuses()).values()} == {"delivered", "counted"}


async def test_a_sender_that_dies_after_its_claim_loses_nothing(world):
    """Neither single messages nor a rest that it was about to count."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await stored(world, QUIET)
        await world.queue(*(hushed(f"de_{n}") for n in range(20)))
        for seconds in (0, 61):
            world.clock.advance(seconds)
            await world.store.claim(now=world.clock())
        for _ in range(5):
            world.clock.advance(61)
            await world.sender().settle()

    assert {*(await world.store.statuses()).values()} <= {"delivered", "counted"}
    single = [name for name in receiver.ids if name.startswith("de_")]
    assert len(single) == len({*single})


async def test_silence_of_a_monitor_is_not_that_of_others(world):
    """What it has waits until its hours are over."""
    night = replace(LOUD, id="mo_1", silence=silence_text([Silence(0, 0)]))
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await stored(world, night, LOUD)
        await world.queue(*(hushed(f"de_{n}") for n in range(12)))
        await world.queue(*(delivery(f"loud_{n}", monitor_id="mo_2") for n in range(12)))
        sender = world.sender()
        await sender.settle()
        within = Counter(name.split("_")[0] for name in receiver.ids)
        await world.store.database.write(
            lambda tx: update_monitor(tx, replace(night, silence=None))
        )
        world.clock.advance(8 * 86_400 + 1)
        await sender.settle()

    assert within == {"loud": 12}
    assert len(receiver.ids) == 24


async def test_another_limit_begins_another_window_and_a_deleted_monitor_leaves_none(world):
    """Its name may be changed without that."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url))
        await stored(world, QUIET)
        await world.queue(hushed("de_1"))
        await world.sender().settle()
    write, count = world.store.database.write, "select count(*) from quiet_windows"

    async def after(work):
        await write(work)
        return await world.store.database.read(lambda tx: tx.value(count))

    assert await after(lambda tx: update_monitor(tx, replace(QUIET, name="Other"))) == 1
    assert await after(lambda tx: update_monitor(tx, replace(QUIET, quiet_most=9))) == 0
    await write(lambda tx: tx.run("insert into quiet_windows values ('mo_1', 'ep_1', 0, 1)"))
    assert await after(lambda tx: delete_monitor(tx, "pr_1", "mo_1")) == 0


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"format": "slack"}, 1),
        ({"format": "email", "digest": Digest(60, 9)}, 3),
        ({"format": "standard"}, 3),
        ({"format": "crypitor"}, 3),
        ({"format": "pagerduty"}, 3),
        ({"format": "opsgenie"}, 3),
        ({"format": "slack", "ordered": True}, 3),
        ({"format": "slack", "quiet": Quiet(9, 9)}, 3),
        ({"url": "kafka://alarms"}, 3),
    ],
)
def test_programs_are_told_everything_unless_asked(how, told):
    """And who waits for each message, or has a limit of its own."""
    some = [Made(NOW)] * 3
    found = split(Hush(Quiet(1, 60)), endpoint("ep_1", **how), FIRST, some, NOW)

    assert len(found.sent) == told
    asked = split(Hush(Quiet(1, 60), webhooks=True), endpoint("ep_1", **how), FIRST, some, NOW)
    assert len(asked.sent) == (1 if how.get("format") == "standard" else told)


def test_what_came_after_the_end_of_a_full_window_is_no_rest():
    """It is told by itself."""
    late, early = Made(NOW), Made(NOW - 61_000)
    window, at = Window(NOW - 1, 0), endpoint("ep_1", format="slack")

    assert not split(Hush(Quiet(2, 60)), at, window, [late], NOW).counts
    assert split(Hush(Quiet(2, 60)), at, window, [early], NOW).counts
    assert split(Hush(), at, window, [late], NOW).sent == [late]
