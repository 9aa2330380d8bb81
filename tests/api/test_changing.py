"""Turns of those who change monitors, and the way that long work gives."""

import asyncio

from crypitor.api.serving.changing import Changing
from crypitor.runtime.loop import give_way
from tests.patience import HANG_SECONDS


async def taken(*wanted, cancelled=()):
    """Ask for turns in this order, end them in their order; return who held one beside whom."""
    changing, held, beside = Changing(), [], []

    async def change(place, monitor_id):
        async with changing.turn(monitor_id):
            held.append(place)
            beside.append((place, [*held]))
            for _ in range(5):
                await asyncio.sleep(0)
            held.remove(place)

    tasks = [asyncio.create_task(change(*one)) for one in enumerate(wanted)]
    await asyncio.sleep(0)
    for place in cancelled:
        tasks[place].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return beside


async def test_changes_of_one_monitor_come_one_after_the_other():
    """They keep the order in which they were asked for."""
    assert await taken("mo_1", "mo_1", "mo_1") == [(0, [0]), (1, [1]), (2, [2])]


async def test_changes_of_other_monitors_do_not_wait():
    """Who gives one monitor a million addresses holds up nobody at another."""
    assert await taken("mo_1", "mo_2", "mo_1") == [(0, [0]), (1, [0, 1]), (2, [2])]


async def test_a_change_of_any_monitor_is_alone():
    """It waits for all before it, and all after it wait for it."""
    assert await taken("mo_1", "mo_2", None, "mo_1") == [
        (0, [0]),
        (1, [0, 1]),
        (2, [2]),
        (3, [3]),
    ]


async def test_who_goes_away_while_waiting_holds_up_nobody():
    """A turn that was asked for and given up is as if it never was, and none is taken early."""
    assert await taken("mo_1", "mo_1", "mo_1", cancelled=[1]) == [(0, [0]), (2, [2])]


async def test_long_work_gives_way_to_whoever_stores_something():
    """It waits until nobody is at it, and goes on all the same where somebody always is."""
    asked = []

    def busy():
        asked.append(len(asked))
        return len(asked) < 2

    await asyncio.wait_for(give_way(busy), HANG_SECONDS)
    await asyncio.wait_for(give_way(lambda: True), HANG_SECONDS)

    assert asked == [0, 1]
