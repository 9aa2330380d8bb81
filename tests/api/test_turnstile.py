"""Requests that come together begin one after another."""

import asyncio
import itertools

from crypitor.runtime.turnstile import Turnstile
from tests.patience import HANG_SECONDS


async def let_through(turnstile: Turnstile) -> tuple[list[int], list[int]]:
    """Let twenty through that come together; return their order, and how many had passed at each turn."""
    passed, seen = [], []

    async def come(number: int) -> None:
        await turnstile.passed()
        passed.append(number)

    async def watch() -> None:
        while len(passed) < 20:
            seen.append(len(passed))
            await asyncio.sleep(0)

    await asyncio.gather(*(come(number) for number in range(20)), watch())
    return passed, seen


async def test_one_passes_at_each_turn_of_the_loop_in_the_order_of_coming():
    """So whatever else is ready in between waits for one of them, not for all."""
    passed, seen = await let_through(Turnstile())
    steps = [after - before for before, after in itertools.pairwise(seen)]

    assert passed == list(range(20))
    assert max(steps) == 1


async def test_who_goes_away_holds_up_nobody():
    """A client may close its connection while it waits."""
    turnstile = Turnstile()
    waiting = [asyncio.create_task(turnstile.passed()) for _ in range(5)]
    await asyncio.sleep(0)
    for gone in waiting[1:4]:
        gone.cancel()
    async with asyncio.timeout(HANG_SECONDS):
        await waiting[4]
        await turnstile.passed()

    assert [one.cancelled() for one in waiting] == [False, True, True, True, False]


async def test_so_many_pass_at_each_turn_as_are_let():
    """Work that is little for itself need not wait a turn each."""
    passed, seen = await let_through(Turnstile(at_once=4))
    steps = [after - before for before, after in itertools.pairwise([0, *seen, 20])]

    assert passed == list(range(20))
    assert max(steps) == 4
