"""Who comes in crowds lets a block at the head go first, for some milliseconds."""

import asyncio
from functools import partial

import pytest

from crypitor.database.engine import Database
from crypitor.runtime.precedence import LONGEST_SECONDS, Precedence
from crypitor.runtime.turnstile import Turnstile
from tests.ahead import go_ahead, stand_still
from tests.patience import HANG_SECONDS


def timed() -> Precedence:
    """Make one whose time, and that of the loop, passes only when the test says so."""
    stand_still()
    return Precedence(clock=lambda: asyncio.get_running_loop().time())


async def test_nobody_waits_longer_than_the_limit():
    """A block that gets stuck on its way holds nobody up for long."""
    precedence = timed()
    precedence.take("ethereum")
    over = asyncio.create_task(precedence.over())
    ends = []
    for seconds in (0, LONGEST_SECONDS * 0.9, LONGEST_SECONDS * 0.2):
        go_ahead(seconds)
        await asyncio.wait([over], timeout=0)
        ends.append(over.done())

    assert ends == [False, False, True]
    assert not precedence.taken


async def test_blocks_without_end_leave_half_of_the_time_to_others():
    """After precedence was over the next block has none for as long as it lasted."""
    precedence = timed()
    precedence.take("ethereum")
    go_ahead(0.01)
    precedence.leave("ethereum")
    taken = []
    for seconds in (0, 0.009, 0.002):
        go_ahead(seconds)
        precedence.take("base")
        taken.append(precedence.taken)

    assert taken == [False, False, True]


async def test_it_lasts_until_all_networks_have_left():
    """Two blocks may be under way at once."""
    precedence = timed()
    precedence.take("ethereum")
    precedence.take("base")
    precedence.leave("ethereum")
    taken = precedence.taken
    precedence.leave("base")

    assert taken
    assert not precedence.taken


async def test_where_no_block_is_matched_nobody_goes_first():
    """A process that only loads blocks would wait for a first POST that is another's."""
    precedence = Precedence(given=False)
    precedence.take("ethereum")

    assert not precedence.taken


async def test_a_request_begins_when_the_block_has_left():
    """Requests that came meanwhile pass one at each turn, in their order."""
    precedence, passed = timed(), []
    turnstile = Turnstile(precedence)

    async def come(number: int) -> None:
        await turnstile.passed()
        passed.append((number, precedence.taken))

    await turnstile.passed()  # the next is in the turn after this one
    precedence.take("ethereum")
    async with asyncio.TaskGroup() as requests:
        for number in range(3):
            requests.create_task(come(number))
        for _ in range(5):
            await asyncio.sleep(0)
        before = list(passed)
        precedence.leave("ethereum")

    assert before == []
    assert passed == [(0, False), (1, False), (2, False)]


async def test_whoever_goes_first_of_several_is_waited_for():
    """A request begins when nobody of them does any more, in whichever order they leave."""
    blocks, units = timed(), timed()
    turnstile = Turnstile(blocks, units)
    await turnstile.passed()
    units.take("database")
    blocks.take("ethereum")
    waiting = asyncio.create_task(turnstile.passed())
    for leaving in (blocks, units):
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.done()
        leaving.leave("ethereum")
        leaving.leave("database")
    async with asyncio.timeout(HANG_SECONDS):
        await waiting


async def test_a_unit_that_writes_in_its_thread_goes_first(tmp_path):
    """While it is there, and not those of who stand aside, nor those that only read."""
    seen = {}
    async with Database.open(f"sqlite:///{tmp_path}/one.db") as database:
        aside = database.aside()
        for name, run in (
            ("writes", partial(database.write, at_once=True)),
            ("reads", partial(database.read, at_once=True)),
            ("aside", partial(aside.write, at_once=True)),
        ):

            async def work(_, name=name):
                seen[name] = database.first.taken

            await run(work)

        assert aside.first is database.first
        assert not database.first.taken
    assert seen == {"writes": True, "reads": False, "aside": False}


@pytest.mark.parametrize("writes", [False, True])
async def test_units_of_those_who_stand_aside_begin_when_the_block_has_left(tmp_path, writes):
    """Others' units, the block's own among them, are not held up."""
    precedence, seen = timed(), []

    async def look(tx) -> None:
        await tx.value("select 1")
        seen.append(precedence.taken)

    async with Database.open(f"sqlite:///{tmp_path}/x.db") as database:
        aside = database.aside(precedence)
        precedence.take("ethereum")
        unit = asyncio.create_task((aside.write if writes else aside.read)(look))
        await (database.write if writes else database.read)(look)
        precedence.leave("ethereum")
        await unit

    assert seen == [True, False]
