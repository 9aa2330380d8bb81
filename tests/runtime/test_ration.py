"""Many who sent much have their turns one after another, and others in between."""

import asyncio

from crypitor.runtime.precedence import Precedence
from crypitor.runtime.ration import Ration
from tests.patience import HANG_SECONDS


class Time:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


async def worked(seconds_each, count, ration):
    """Let some work come at once; return who was at work in each turn of the loop."""
    clock, turns, done = ration.clock, [[]], asyncio.Event()

    def work(number):
        began = clock()
        clock.seconds += seconds_each
        turns[-1].append(number)
        ration.spend(clock() - began)
        if number == count - 1:
            done.set()

    def come(number):
        if ration.is_spent:
            ration.then(lambda: come(number))
        else:
            work(number)

    async def turn():
        while not done.is_set():
            await asyncio.sleep(0)
            turns.append([])

    for number in range(count):
        come(number)
    turns.append([])
    async with asyncio.timeout(HANG_SECONDS):
        await turn()
    return [one for one in turns if one]


async def test_what_is_beyond_the_ration_waits_in_its_order():
    """A turn ends with the piece that took it over the limit."""
    turns = await worked(0.004, 8, Ration(0.01, clock=Time()))

    assert turns == [[0, 1, 2], [3, 4, 5], [6, 7]]


async def test_a_piece_that_takes_long_has_a_turn_for_itself():
    """Whatever else came meanwhile."""
    assert await worked(5.0, 4, Ration(0.01, clock=Time())) == [[0], [1], [2], [3]]


async def test_little_has_no_turn_to_wait_for():
    """As those who ask for little are served today."""
    assert await worked(0.0001, 50, Ration(0.01, clock=Time())) == [list(range(50))]


async def test_nothing_has_a_turn_while_somebody_goes_first():
    """What came meanwhile has its turn when that is over."""
    first, clock = Precedence(), Time()
    ration, done, looks = Ration(0.01, first=(first,), clock=clock), asyncio.Event(), []
    first.take("dev")
    assert ration.is_second
    ration.then(done.set)
    while first.taken:
        looks.append(done.is_set())
        await asyncio.sleep(0.002)
    async with asyncio.timeout(HANG_SECONDS):
        await done.wait()

    assert looks
    assert not any(looks)
