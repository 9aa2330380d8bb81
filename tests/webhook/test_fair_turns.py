"""What projects leave to one another: slots, turns, and what a block at the head brings."""

import asyncio
import sys

import pytest

from crypitor.runtime.precedence import Precedence
from crypitor.webhook.delivery import Outcome
from crypitor.webhook.post import Poster
from crypitor.webhook.turns import Turns
from tests.webhook.queued import delivery, endpoint
from tests.webhook.receivers import Receiver
from tests.webhook.test_claiming import queue_and_claim
from tests.webhook.test_turns import prove, served
from tests.webhook.world import Flaky, until

LOUD = [f"loud{number}" for number in range(60)]


def crowd(turns: Turns, names: list[str], project: str) -> None:
    """Let endpoints of a project that answer well ask for all they may have."""
    for name in names:
        prove(turns, name)
    for name in names:
        turns.is_due(name, project=project)


def test_one_project_leaves_a_quarter_of_the_earned_slots():
    """So another's endpoint is claimed for as much as ever in the midst of a burst."""
    turns = Turns(100, 10, 200)
    crowd(turns, LOUD, "loud")
    of_loud = sum(served(turns).values())
    crowd(turns, ["quiet"], "quiet")

    assert of_loud == len(LOUD) + 75
    assert served(turns) == {"quiet": 10}


def test_a_project_that_has_its_most_keeps_its_turn():
    """It is served as soon as some of its own are free, though others have come meanwhile."""
    turns = Turns(8, 5, 200)
    crowd(turns, ["loud0", "loud1"], "loud")
    first = served(turns)
    crowd(turns, ["quiet"], "quiet")
    second = served(turns)
    turns.ended("loud0", succeeded=True)
    turns.ended("loud1", succeeded=True)

    assert (first, second) == ({"loud0": 5, "loud1": 3}, {"quiet": 3})
    assert sum(served(turns).values()) == 2


def test_slots_follow_an_endpoint_to_its_project():
    """Whose it is may be known only after its first claim."""
    turns = Turns(4, 10, 200)
    turns.is_due("a")
    [(_, slots)] = turns.next_turns(0, 1)
    turns.claimed("a", slots, slots, project="one")
    turns.ended("a", succeeded=True)
    turns.claimed("a", 0, 0, project="two")
    for name in ("a", "b"):
        turns.is_due(name, project="two")
    served(turns)

    assert turns._earned_by.keys() <= {"two"}


@pytest.mark.parametrize("waiting", [10, 1000])
def test_what_a_block_brings_stands_before_all_that_waits(waiting):
    """However many endpoints of others wait, and whoever's turn it would be."""
    turns = Turns(1000, 10, 2000)
    for number in range(waiting):
        turns.is_due(f"loud{number}", project="loud")

    assert turns.turns_of(["quiet"], 0, 16) == [("quiet", 1)]
    assert len(served(turns)) == waiting


def test_a_block_serves_its_projects_in_turn():
    """Of one with a hundred endpoints in a block and one with a single, both are told with it."""
    turns = Turns(1000, 10, 1000)
    names = [f"many{number}" for number in range(100)]
    for name in names:
        turns.is_due(name, project="big")
    turns.is_due("single", project="small")
    granted = [name for name, _ in turns.turns_of([*names, "single"], 0, 16)]

    assert len(granted) == 16
    assert "single" in granted


def test_a_block_takes_no_more_than_each_may_have():
    """What stands first is bounded as all else: the share, the rest, and the project's part."""
    turns = Turns(4, 10, 200)
    crowd(turns, ["a"], "one")
    turns.rest("b", 1000)
    granted = dict(turns.turns_of(["a", "b"], 0, 16))

    assert granted == {"a": 4}
    assert turns.turns_of(["a"], 0, 16) == []


def test_a_turn_hands_out_few_slots():
    """One transaction is bounded, in which others' would have to wait."""
    turns = Turns(1000, 10, 2000)
    crowd(turns, LOUD, "loud")

    assert 64 <= sum(slots for _, slots in turns.next_turns(0, 16, 64)) < 64 + 10


def steps(work) -> int:
    """Count the lines that a piece of work runs."""
    count = 0

    def trace(*_):
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("served_by", ["next_turns", "turns_of"])
def test_a_turn_costs_the_same_beside_very_many_projects(served_by):
    """Also where the first of them has all that one may have, and nothing is left."""
    costs = []
    for projects in (10, 10_000):
        turns = Turns(8, 10, 100_000)
        crowd(turns, ["loud0", "loud1"], "loud")
        served(turns)
        for name in ("loud0", "loud1"):
            turns.is_due(name)
        for number in range(projects):
            turns.is_due(f"one{number}", project=f"of{number}")
        ask = (
            (lambda turns=turns: turns.next_turns(0, 4))
            if served_by == "next_turns"
            else (lambda turns=turns: turns.turns_of(["one7", "loud0"], 0, 4))
        )
        costs.append(steps(ask))

    assert costs[1] == costs[0]


def test_a_house_that_is_full_costs_no_look_at_each_project():
    """While nothing is free it is not asked again and again for whom there would be room."""
    costs = []
    for projects in (10, 10_000):
        turns = Turns(0, 1, 4)
        for number in range(projects):
            turns.is_due(f"one{number}", project=f"of{number}")
        served(turns)
        costs.append(steps(lambda turns=turns: turns.next_turns(0, 16)))

    assert costs[1] == costs[0]


async def test_a_block_of_one_project_is_told_with_it_in_the_midst_of_a_burst(world):
    """Hundreds of deliveries of another wait, and the sender's own transactions all fail."""
    database = Flaky(world.store.database)
    database.down_before = True
    async with Receiver() as loud, Receiver() as quiet:
        names = [f"ep_loud{number}" for number in range(40)]
        await world.store.prepare(
            *(endpoint(name, loud.url) for name in names), endpoint("ep_quiet", quiet.url)
        )
        await world.queue(
            *(delivery(f"de_{name}_{number}", name) for name in names for number in range(10))
        )
        sender = world.sender(database)
        async with world.running(sender):
            await asyncio.sleep(0)
            sender.wake(names)
            await queue_and_claim(world, sender, delivery("de_quiet", "ep_quiet"))
            await until(lambda: quiet.received)
            before = len(loud.received)
            database.down_before = False
            sender.wake(names)
            await until(lambda: len(loud.received) == 400)

    assert before == 0
    assert quiet.ids == ["de_quiet"]
    assert set((await world.store.statuses()).values()) == {"delivered"}


async def test_nothing_begins_while_a_block_goes_first(world):
    """But what has passed the turnstile in the turn before."""
    precedence, posted, seen = Precedence(), 0, []

    class Counting(Poster):
        async def post(self, *_):
            nonlocal posted
            posted += 1
            return Outcome(started_at=world.clock(), duration_ms=1, status_code=204)

    world.poster = Counting()
    names = [f"ep_{number}" for number in range(20)]
    await world.store.prepare(*map(endpoint, names))
    await world.queue(
        *(delivery(f"de_{name}_{number}", name) for name in names for number in range(10))
    )
    sender = world.sender(precedence=precedence)
    async with world.running(sender):
        sender.wake(names)
        while posted < 200:
            precedence.take("ethereum")
            await asyncio.sleep(0)
            before = posted
            for _ in range(5):
                await asyncio.sleep(0)
                if precedence.taken:  # it ends by itself after a while
                    seen.append(posted - before)
            precedence.leave("ethereum")
            await asyncio.sleep(0.001)

    assert len(seen) > 5
    assert set(seen) == {0}
