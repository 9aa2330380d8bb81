"""Hours in which an endpoint is told nothing."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.database.due import due_endpoints
from crypitor.database.endpoints import update_endpoint
from crypitor.database.standstill import first_due
from crypitor.errors import Invalid
from crypitor.webhook.circuit import Circuit, CircuitState
from crypitor.webhook.health import Queued, WaitingFor, reopened, rest_of, waiting_of
from crypitor.webhook.quiet import FIRST, Quiet, Window
from crypitor.webhook.silence import (
    Silence,
    check_silences,
    clock_of,
    minutes_of,
    silence_text,
    silent_until,
    stored_silence,
)
from tests.webhook.queued import delivery, endpoint
from tests.webhook.receivers import Receiver

HOUR_MS = 3_600_000
ZONES = ("UTC", "Asia/Kolkata", "America/Phoenix", "Pacific/Kiritimati")
"""Whose clocks are never set."""

silences = st.lists(
    st.builds(
        Silence,
        st.integers(0, 1439),
        st.integers(0, 1439),
        st.sampled_from(ZONES),
        st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    ),
    max_size=4,
)
instants = st.integers(1_700_000_000_000, 1_900_000_000_000)


def at(text, zone="UTC"):
    """Unix milliseconds of a clock on the wall."""
    moment = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone))
    return round(moment.timestamp() * 1000)


def is_silent(asked, now):
    """Whether a clock on the wall shows one of the hours; read from its hands and its calendar."""
    for one in asked:
        local = datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(one.timezone))
        minute, today = 60 * local.hour + local.minute, local.weekday()
        yesterday = (local - timedelta(days=1)).weekday()
        if one.begins < one.ends:
            if today in one.days and one.begins <= minute < one.ends:
                return True
        elif (today in one.days and minute >= one.begins) or (
            yesterday in one.days and minute < one.ends
        ):
            return True
    return False


@given(silences, instants)
def test_it_is_silent_while_a_clock_shows_the_hours(asked, now):
    """And just not any more when they are said to end."""
    until = silent_until(asked, now)

    assert (until is not None) == is_silent(asked, now)
    if until is not None:
        assert until > now
        assert is_silent(asked, until - 1)
        assert not is_silent(asked, until) or until - now >= 8 * 24 * HOUR_MS


@pytest.mark.parametrize(
    ("now", "ends", "hours"),
    [("2026-03-28 22:00", "2026-03-29 07:00", 8), ("2026-10-24 22:00", "2026-10-25 07:00", 10)],
)
def test_nights_in_which_clocks_are_set_are_as_long_as_the_wall_says(now, ends, hours):
    """An hour shorter in spring, and longer in autumn."""
    zone = "Europe/Berlin"
    begins = at(now, zone)

    until = silent_until([Silence(22 * 60, 7 * 60, zone)], begins)

    assert until == at(ends, zone)
    assert until - begins == hours * HOUR_MS


def test_hours_are_stored_as_they_are():
    """Text and back; the clock as people write it."""
    asked = (Silence(1320, 420, "Europe/Berlin", (0, 4)), Silence(0, 0))

    assert stored_silence(silence_text(asked)) == asked
    assert stored_silence(silence_text(())) == ()
    assert (minutes_of("22:05"), clock_of(65)) == (1325, "01:05")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "", "Europe"])
def test_a_place_that_is_unknown_is_refused_and_never_silences(zone):
    """Also where it was known when it was written down."""
    with pytest.raises(Invalid) as refused:
        check_silences([Silence(0, 60), Silence(0, 60, zone)])

    assert [one.pointer for one in refused.value.mistakes] == ["/silence/1/timezone"]
    assert silent_until([Silence(0, 0, zone)], 1_790_000_000_000) is None


def around(now, hours):
    """Hours of silence that began an hour ago."""
    begins = datetime.fromtimestamp(now / 1000 - 3600, UTC)
    minutes = 60 * begins.hour + begins.minute
    return (Silence(minutes, (minutes + 60 * (hours + 1)) % 1440),)


async def test_what_comes_in_them_is_sent_when_they_are_over(world):
    """All of it, and nothing before; its owner is told why it waits, and nobody else asks."""
    async with Receiver() as receiver:
        silence = around(world.clock(), 2)
        await world.store.prepare(endpoint("ep_1", receiver.url, silence=silence))
        await world.queue(*(delivery(f"de_{n}") for n in range(5)))
        await world.sender().settle()
        silent, now = len(receiver.received), world.clock()
        one, read = await world.store.endpoint(), world.store.database.read
        due = await read(lambda tx: due_endpoints(tx, now + 1000))
        standing = await read(lambda tx: first_due(tx, now))
        world.clock.advance(2 * 3600 + 60)
        await world.sender().settle()

    until = silent_until(silence, now)
    waiting = waiting_of(one, Queued("de_1", 0, now, now, None), now)
    assert (silent, due, standing) == (0, [], {})
    assert (waiting.reason, waiting.next_at) == (WaitingFor.SILENCE, until)
    assert rest_of(one, now) == until
    assert len(receiver.ids) == 5
    assert set((await world.store.statuses()).values()) == {"delivered"}


async def test_a_quiet_endpoint_is_told_afterwards_how_many_there_were(world):
    """In one message; what comes after that is told by itself."""
    async with Receiver() as receiver:
        how = {"silence": around(world.clock(), 2), "quiet": Quiet(3, 60)}
        await world.store.prepare(endpoint("ep_1", receiver.url, **how))
        await world.queue(*(delivery(f"de_{n}") for n in range(9)))
        await world.sender().settle()
        world.clock.advance(2 * 3600 + 60)
        await world.sender().settle()
        await world.queue(delivery("later"))
        await world.sender().settle()

    told = [json.loads(one.body) for one in receiver.received]
    assert [one.get("data", {}).get("count", one.get("id")) for one in told] == [9, "later"]


@pytest.mark.parametrize("how", ["silence", "quiet", "circuit"])
async def test_a_rest_that_its_owner_ends_is_over_at_once(world, how):
    """Also for the sender that has been leaving it alone; after a circuit it drains slowly."""
    rests = {
        "silence": {"silence": around(world.clock(), 2)},
        "quiet": {"quiet": Quiet(1, 3600), "window": Window(world.clock() + 1_800_000, 0)},
        "circuit": {"circuit": Circuit(CircuitState.OPEN, 0, world.clock() + 1_800_000)},
    }
    async with Receiver() as receiver:
        await world.store.prepare(endpoint("ep_1", receiver.url, **rests[how]))
        await world.queue(*(delivery(f"de_{n}") for n in range(3)))
        sender = world.sender()
        sender.wake(["ep_1"])
        await sender.settle()
        before = len(receiver.ids)
        free = replace(await world.store.endpoint(), silence=(), quiet=None, window=FIRST)
        free = reopened(free, world.clock())
        await world.store.database.write(lambda tx: update_endpoint(tx, free))
        sender.wake(["ep_1"])
        await sender.settle()

    assert (before, len(receiver.ids)) == (0, 1 if how == "circuit" else 3)
