"""Endpoints that are told so much in a window, and then how much more there was."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.database.due import due_endpoints
from crypitor.database.monitors import insert_monitor
from crypitor.database.standstill import first_due
from crypitor.monitor.models import Phase
from crypitor.webhook.health import Queued, WaitingFor, rest_of, waiting_of
from crypitor.webhook.quiet import (
    FIRST,
    Quiet,
    Window,
    changed,
    is_full,
    is_over,
    may_have_left,
    opened,
    returned,
    used,
)
from tests.monitor.test_match import MONITOR
from tests.webhook.queued import delivery, endpoint
from tests.webhook.receivers import Receiver

NOW = 1_790_000_000_000
QUIET = Quiet(3, 60)


@given(
    most=st.integers(1, 5),
    seconds=st.integers(1, 100),
    steps=st.lists(st.tuples(st.integers(0, 50_000), st.booleans()), max_size=60),
)
def test_windows_hold_what_they_may_and_do_not_overlap(most, seconds, steps):
    """Whatever is tried as soon as it may be, and whether or not it is taken."""
    quiet, window, now = Quiet(most, seconds), FIRST, NOW
    taken, begun = Counter(), {}
    for gap_ms, succeeds in steps:
        now += gap_ms
        if is_full(quiet, window, now):
            continue
        window = used(opened(quiet, window, now), 1)
        begun.setdefault(window.until, now)
        taken[window.until] += succeeds
        if not succeeds:
            window = returned(quiet, window, now, counted=False)

    assert all(count <= most for count in taken.values())
    ends = sorted(begun)
    assert all(begun[later] >= earlier for earlier, later in pairwise(ends))


@given(st.integers(1, 86_400), st.integers(0, 10**12))
def test_no_window_lasts_longer_than_its_length(seconds, back_ms):
    """However far the clock is set back within it."""
    quiet = Quiet(1, seconds)
    full = used(opened(quiet, FIRST, NOW), 1)

    assert is_full(quiet, full, NOW)
    assert is_over(quiet, full, NOW - 1 - back_ms)
    assert is_over(quiet, full, full.until)


def test_what_counted_others_and_failed_gathers_again():
    """The next try is one message too; a window of single ones has room for one more."""
    full = Window(NOW + 60_000, 0)

    again = returned(QUIET, full, NOW, counted=True)

    assert may_have_left(QUIET, again, NOW)
    assert returned(QUIET, full, NOW, counted=False) == Window(NOW + 60_000, 1)
    assert returned(QUIET, full, NOW + 60_000, counted=False) == full
    assert returned(QUIET, opened(QUIET, FIRST, NOW), NOW, counted=False).left == 3


def test_another_limit_begins_another_window():
    """What has gathered is counted at once, and what was not full begins anew."""
    full = Window(NOW + 60_000, 0)

    assert changed(QUIET, QUIET, full) is full
    assert changed(QUIET, None, full) == FIRST
    assert may_have_left(Quiet(1, 5), changed(QUIET, Quiet(1, 5), full), NOW)
    assert not may_have_left(QUIET, changed(None, QUIET, FIRST), NOW)


async def test_beyond_the_limit_one_message_counts_the_rest(world):
    """Each is told or counted, once; the message says how many of what, and of whom."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url, quiet=QUIET))
        await named(world, mo_1="Treasury", mo_2="Hot wallet")
        await world.queue(*(delivery(f"de_{n}") for n in range(10)))
        sender = world.sender()
        await sender.settle()
        world.clock.advance(30)
        more = (delivery(f"late_{n}", monitor_id="mo_2", phase=Phase.CONFIRMED) for n in range(4))
        await world.queue(*more)
        await sender.settle()
        within = len(receiver.received)
        world.clock.advance(31)
        await sender.settle()
        world.clock.advance(600)
        await sender.settle()

    told = json.loads(receiver.received[-1].body)
    assert (within, len(receiver.received)) == (3, 4)
    assert told["type"] == "deliveries.counted"
    assert told["data"]["count"] == 11
    assert told["data"]["types"] == {"match.confirmed": 4, "match.detected": 7}
    assert told["data"]["monitors"] == [
        {"id": "mo_1", "name": "Treasury", "count": 7},
        {"id": "mo_2", "name": "Hot wallet", "count": 4},
    ]
    assert Counter((await world.store.statuses()).values()) == {"delivered": 3, "counted": 11}


async def test_people_read_how_many_there_were(world):
    """In one sentence, with the monitors' names as no links."""
    async with Receiver() as receiver:
        how = {"format": "slack", "rate_per_second": 10_000}
        await world.store.prepare(endpoint("ep_1", receiver.url, quiet=Quiet(1, 60), **how))
        await named(world, mo_1="Treasury @here")
        await world.queue(*(delivery(f"de_{n}") for n in range(6)))
        sender = world.sender()
        await sender.settle()
        world.clock.advance(61)
        await sender.settle()

    text = json.loads(receiver.received[1].body)["text"]
    assert text.startswith("*5 more messages since ")
    assert text.endswith(" UTC: 5 of Treasury @\u2060here*")


async def test_a_full_window_that_left_nothing_is_followed_by_single_messages(world):
    """What comes after its end is none of its rest."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url, quiet=QUIET))
        sender = world.sender()
        for name in ("a", "b"):
            await world.queue(*(delivery(f"{name}_{n}") for n in range(3)))
            await sender.settle()
            world.clock.advance(61)

    assert len(receiver.ids) == 6
    assert set((await world.store.statuses()).values()) == {"delivered"}


async def test_what_counts_and_fails_is_one_failure_and_tried_again_as_one(world):
    """Later phases wait for what it counts, and go when it was taken."""
    async with Receiver([204, 500, 204]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url, quiet=Quiet(1, 60)))
        await world.queue(*(delivery(f"de_{n}") for n in range(9)))
        await world.queue(delivery("next", phase=Phase.CONFIRMED, follows="de_5"))
        sender = world.sender()
        await sender.settle()
        world.clock.advance(61)
        await sender.settle()
        failed = await world.store.endpoint()
        world.clock.advance(6)
        await sender.settle()
        counted = Counter((await world.store.statuses()).values())
        world.clock.advance(61)
        await sender.settle()

    assert failed.failures_in_row == 1
    assert counted == {"delivered": 1, "counted": 8, "pending": 1}
    assert (await world.store.statuses())["next"] == "delivered"
    assert receiver.ids[1] == receiver.ids[2]


async def test_a_message_that_was_not_taken_uses_no_room(world):
    """It is tried again by its schedule, not at the end of the window."""
    async with Receiver([500, 204]) as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url, quiet=Quiet(1, 3600)))
        await world.queue(delivery("de_1"))
        sender = world.sender()
        await sender.settle()
        world.clock.advance(6)
        await sender.settle()

    assert receiver.ids == ["de_1", "de_1"]
    assert await world.store.statuses() == {"de_1": "delivered"}


@pytest.mark.parametrize("seconds", [0, 61])
async def test_a_sender_that_dies_after_its_claim_loses_nothing(world, seconds):
    """Of single messages or of a rest: all is told or counted when its lease is over."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url, quiet=QUIET))
        await world.queue(*(delivery(f"de_{n}") for n in range(20)))
        if seconds:
            await world.sender().settle()
            world.clock.advance(seconds)
        claimed = await world.store.claim(now=world.clock())
        for _ in range(4):
            world.clock.advance(61)
            await world.sender().settle()

    assert len(claimed) == (17 if seconds else 3)
    assert {"pending", "waiting"}.isdisjoint((await world.store.statuses()).values())
    single = [name for name in receiver.ids if name.startswith("de_")]
    assert len(single) == len({*single})


async def test_several_senders_have_one_window(world):
    """Together they send no more than one alone."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url, quiet=QUIET))
        await world.queue(*(delivery(f"de_{n}") for n in range(30)))
        senders = [world.sender() for _ in range(3)]
        await asyncio.gather(*(sender.settle() for sender in senders))
        first = len(receiver.ids)
        world.clock.advance(61)
        await asyncio.gather(*(sender.settle() for sender in senders))

    assert (first, len(receiver.ids)) == (3, 4)
    assert Counter((await world.store.statuses()).values()) == {"delivered": 3, "counted": 27}


async def test_what_gathers_is_not_due_and_no_standstill(world):
    """The endpoint says until when; sweeps and the watch leave it alone until then."""
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url, quiet=Quiet(1, 60)))
        await world.queue(*(delivery(f"de_{n}") for n in range(3)))
        await world.sender().settle()
    now, read = world.clock(), world.store.database.read
    one = await world.store.endpoint()
    waiting = waiting_of(one, Queued("de_1", 0, now, now, None), now)

    assert (waiting.reason, waiting.next_at) == (WaitingFor.QUIET, now + 60_000)
    assert rest_of(one, now) == now + 60_000
    assert await read(lambda tx: due_endpoints(tx, now + 1000)) == []
    assert await read(lambda tx: first_due(tx, now)) == {}
    assert len(await read(lambda tx: due_endpoints(tx, now + 60_000))) == 1
    assert len(await read(lambda tx: first_due(tx, now - 60_001))) == 1


async def named(world, **names) -> None:
    """Store monitors of which no more than the name matters."""

    async def work(tx):
        for monitor_id, name in names.items():
            await insert_monitor(tx, replace(MONITOR, id=monitor_id, project_id="pr_1", name=name))

    await world.store.database.write(work)
