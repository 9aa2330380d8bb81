"""When outcomes are enough for a turn of the sender, and whose slots are free then."""

import asyncio
from dataclasses import replace

import pytest

from crypitor.webhook.delivery import Delivery, Outcome, Result, Status, Verdict
from crypitor.webhook.gathering import Gathering
from crypitor.webhook.turns import Turns
from tests.patience import HANG_SECONDS

LONG_SECONDS = 10 * HANG_SECONDS


def result(endpoint_id: str) -> Result:
    return Result(
        Delivery(
            id="de_1", project_id="pr_1", monitor_id="mo_1", match_id="ma_1",
            endpoint_id=endpoint_id, phase="detected", status=Status.PENDING, attempts=0, due_at=0,
            token=1, follows=None, body="{}", error=None, created_at=0, finished_at=None,
            earlier_attempts=0, position=1,
        ),
        Outcome(started_at=0, duration_ms=1, status_code=204, error=None, answer=""),
        Verdict(Status.DELIVERED, None),
        ended_at=1,
    )  # fmt: skip


def holding(endpoint_id: str, slots: int) -> Turns:
    """Return turns in which an endpoint holds so many slots, and has more that is due."""
    turns = Turns(100, slots, 100)
    while turns.held(endpoint_id) < slots:
        turns.is_due(endpoint_id)
        for name, granted in turns.next_turns(0, 1):
            turns.claimed(name, granted, granted)
        if turns.held(endpoint_id) < slots:
            for _ in range(turns.held(endpoint_id)):
                turns.ended(endpoint_id, succeeded=True)
    return turns


@pytest.mark.parametrize(("slots", "enough"), [(1, 1), (2, 2), (3, 3), (4, 3), (10, 8)])
async def test_three_quarters_of_what_an_endpoint_holds_are_enough(slots, enough):
    """Then the sender is woken; before, it sleeps on."""
    woken: list[int] = []
    gathered = Gathering(
        holding("a", slots), lambda: woken.append(1), most=50, seconds=LONG_SECONDS
    )

    for _ in range(enough - 1):
        gathered.add([result("a")], "a")
    before = gathered.enough, len(woken)
    gathered.add([result("a")], "a")

    assert before == (False, 0)
    assert (gathered.enough, len(woken)) == (True, 1)
    gathered.begin()


async def test_what_hangs_keeps_nobody_waiting_for_long():
    """One of ten ends, the others do not: soon that one is enough."""
    woken = asyncio.Event()
    gathered = Gathering(holding("a", 10), woken.set, most=50, seconds=0.001)

    gathered.add([result("a")], "a")

    async with asyncio.timeout(HANG_SECONDS):
        await woken.wait()
    assert gathered.enough


async def test_another_endpoint_that_hangs_does_not_count():
    """Its attempts are none of those that could come."""
    turns = holding("hangs", 10)
    turns.is_due("a")
    turns.next_turns(0, 1)
    gathered = Gathering(turns, lambda: None, most=50, seconds=LONG_SECONDS)

    gathered.add([result("a")], "a")

    assert gathered.enough


async def test_slots_are_free_for_the_turn_that_records_and_only_once():
    """What is due behind them is claimed by the same turn."""
    turns = holding("a", 2)
    gathered = Gathering(turns, lambda: None, most=50, seconds=LONG_SECONDS)
    gathered.add([result("a")], "a")
    gathered.free()
    too_early = turns.held("a")
    gathered.add([result("a")], "a")

    gathered.free()
    freed, results = turns.held("a"), gathered.begin()
    gathered.recorded(results)

    assert (too_early, freed, turns.held("a")) == (2, 0, 0)
    assert gathered.outcomes == []


async def test_what_could_not_be_recorded_stays_and_stops_what_is_new():
    """Until it is recorded."""
    gathered = Gathering(holding("a", 1), lambda: None, most=50, seconds=LONG_SECONDS)
    gathered.add([result("a")], "a")
    gathered.free()
    gathered.begin()
    gathered.failed()
    during = gathered.stuck, gathered.enough, len(gathered.outcomes)

    gathered.free()
    gathered.recorded(gathered.begin())

    assert during == (True, True, 1)
    assert (gathered.stuck, gathered.outcomes) == (False, [])


async def test_a_turn_records_the_oldest_and_no_part_of_a_letter():
    """What is left is enough for the next turn at once, and its slots stay taken until then."""
    turns = holding("a", 2)
    gathered = Gathering(turns, lambda: None, most=2, seconds=LONG_SECONDS)
    letter = [result("a"), *(replace(result("a"), leads=False) for _ in range(2))]
    gathered.add(letter, "a")
    gathered.add([result("a")], "a")

    gathered.free()
    held, first = turns.held("a"), gathered.begin()
    gathered.recorded(first)
    more = gathered.enough
    gathered.free()
    second = gathered.begin()
    gathered.recorded(second)

    assert (len(first), held, more) == (3, 1, True)
    assert (len(second), turns.held("a"), gathered.enough) == (1, 0, False)
