import asyncio

import pytest

from crypitor.errors import NodeUnavailable
from crypitor.worker.ahead import Ahead
from tests.patience import HANG_SECONDS


async def echo(number):
    await asyncio.sleep(0)
    return number


async def test_looks_at_no_more_than_its_width():
    """At most `width` heights from the first one on are looked at."""
    looked = []

    async def look(number):
        looked.append(number)

    ahead = Ahead(look, width=3)
    ahead.reach(5, 100)
    await ahead.take(5)
    await ahead.drop()

    assert looked == [5, 6, 7]


async def test_looks_once_at_each_height():
    """Reaching further does not look again at what is under way."""
    looked = []

    async def look(number):
        looked.append(number)

    ahead = Ahead(look, width=2)
    ahead.reach(5, 6)
    ahead.reach(5, 100)
    await ahead.take(5)
    ahead.reach(6, 100)
    await ahead.take(6)
    await ahead.take(7)

    assert looked == [5, 6, 7]


async def test_gives_what_was_seen():
    """A height that was reached gives what it showed, another one gives None."""
    ahead = Ahead(echo, width=2)
    ahead.reach(5, 6)

    assert await ahead.take(6) == 6
    assert await ahead.take(9) is None
    assert await ahead.take(6) is None
    await ahead.drop()


async def test_gives_none_where_no_node_answered():
    """A failure ahead of time is not raised: the height is asked for again when it is needed."""

    async def look(number):
        raise NodeUnavailable("down")

    ahead = Ahead(look, width=1)
    ahead.reach(5, 5)

    assert await ahead.take(5) is None


async def test_does_not_hide_a_mistake_of_ours():
    """An unexpected error passes through, also from a look that nobody takes any more."""

    async def look(number):
        raise KeyError(number)

    ahead = Ahead(look, width=2)
    ahead.reach(5, 6)

    with pytest.raises(KeyError):
        await ahead.take(5)
    with pytest.raises(KeyError):
        await ahead.drop()


async def test_leaves_nothing_under_way():
    """After `drop` every look has ended."""
    ended = []

    async def look(number):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    ahead = Ahead(look, width=3)
    ahead.reach(1, 3)
    await asyncio.sleep(0)

    await ahead.drop()

    assert sorted(ended) == [1, 2, 3]


async def test_a_look_ends_although_a_library_loses_its_cancellation():
    """One that comes together with an answer may be swallowed: it is told again, until it ends."""
    lost, ended = [], []

    async def look(number):
        answered = asyncio.Event()
        while True:
            try:
                await answered.wait()
            except asyncio.CancelledError:
                if number not in lost:
                    lost.append(number)
                    continue
                ended.append(number)
                raise

    ahead = Ahead(look, width=3)
    ahead.reach(1, 3)
    await asyncio.sleep(0)

    async with asyncio.timeout(HANG_SECONDS):
        await ahead.drop()

    assert sorted(lost) == [1, 2, 3]
    assert sorted(ended) == [1, 2, 3]


class Reading:
    """Looks at heights, each of which waits for its turn; `read` has those that had it."""

    def __init__(self, **options):
        self.read = []
        self.ahead = Ahead(self._look, width=5, **options)

    async def _look(self, number):
        await self.ahead.turn(number)
        self.read.append(number)
        return number

    async def others(self):
        for _ in range(5):
            await asyncio.sleep(0)


async def test_what_was_asked_for_ahead_waits_for_its_turn():
    """A block is not read before the one below it was taken, however early it arrives."""
    reading = Reading()
    reading.ahead.begin(3)
    reading.ahead.reach(3, 10)

    assert await reading.ahead.take(3) == 3
    await reading.others()
    assert reading.read == [3]

    reading.ahead.begin(4)
    assert await reading.ahead.take(4) == 4
    await reading.ahead.drop()


async def test_some_are_read_ahead_where_that_is_wanted():
    """While one is on its way to a broker the next one is read."""
    reading = Reading(read_ahead=2)
    reading.ahead.begin(3)
    reading.ahead.reach(3, 10)
    await reading.ahead.take(3)
    await reading.others()

    assert reading.read == [3, 4, 5]

    await reading.ahead.drop()


async def test_a_lower_height_has_its_turn_after_a_reorg():
    """What was given up does not keep its turn, and what is below has it."""
    reading = Reading()
    reading.ahead.begin(7)
    reading.ahead.reach(7, 10)
    await reading.ahead.take(7)
    await reading.ahead.drop()

    reading.ahead.begin(5)
    reading.ahead.reach(5, 10)

    assert await reading.ahead.take(5) == 5
    assert reading.read == [7, 5]
    await reading.ahead.drop()
