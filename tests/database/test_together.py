"""Brief reads that come together go in one trip; each is its own."""

import asyncio

import pytest

from crypitor.database.engine import Database
from crypitor.database.together import LONGEST_SECONDS, MOST_AT_ONCE, Together
from crypitor.errors import DatabaseUnavailable


class Trips:
    """Runs units of work, and keeps how many works each trip had."""

    def __init__(self) -> None:
        self.sizes = []
        self.down = False

    async def run(self, unit):
        await asyncio.sleep(0)
        if self.down:
            raise DatabaseUnavailable("it is down")
        results = await unit(None)
        self.sizes.append(len(results))
        return results


def reads(value):
    async def work(_):
        return value

    return work


async def fails(_):
    raise LookupError("mine")


async def test_each_gets_what_it_asked_for():
    """However they went, nobody gets another's."""
    trips = Trips()
    together = Together(trips.run, clock=lambda: 0.0)
    found = await asyncio.gather(*(together.read(reads(number)) for number in range(100)))

    assert found == list(range(100))
    assert sum(trips.sizes) == 100
    assert max(trips.sizes) == MOST_AT_ONCE


async def test_one_alone_waits_for_nobody():
    """It goes in a trip of its own, at once."""
    trips = Trips()
    together = Together(trips.run)

    assert await together.read(reads("a")) == "a"
    assert await together.read(reads("b")) == "b"
    assert trips.sizes == [1, 1]


async def test_what_one_raises_is_its_own():
    """Those beside it are answered."""
    together = Together(Trips().run)
    found = await asyncio.gather(
        together.read(reads(1)), together.read(fails), together.read(reads(3)),
        return_exceptions=True,
    )  # fmt: skip

    assert found[0::2] == [1, 3]
    assert isinstance(found[1], LookupError)


async def test_an_outage_is_everybodys():
    """And whoever comes after it finds the database as it is then."""
    trips = Trips()
    together = Together(trips.run)
    trips.down = True
    found = await asyncio.gather(
        *(together.read(reads(number)) for number in range(3)), return_exceptions=True
    )
    trips.down = False

    assert all(isinstance(one, DatabaseUnavailable) for one in found)
    assert await together.read(reads("well")) == "well"


async def test_who_goes_away_holds_up_nobody():
    """A client may close its connection while it waits."""
    together = Together(Trips().run)
    waiting = [asyncio.create_task(together.read(reads(number))) for number in range(4)]
    await asyncio.sleep(0)
    for gone in waiting[:3]:
        gone.cancel()
    found = await asyncio.gather(*waiting, return_exceptions=True)

    assert found[3] == 3
    assert all(isinstance(one, asyncio.CancelledError) for one in found[:3])


async def test_a_trip_ends_when_it_has_taken_long():
    """Those that are left come first in the next one."""
    trips, now = Trips(), 0.0

    def slow(number):
        async def work(_):
            nonlocal now
            now += LONGEST_SECONDS * 0.6
            return number

        return work

    together = Together(trips.run, clock=lambda: now)
    found = await asyncio.gather(*(together.read(slow(number)) for number in range(6)))

    assert found == list(range(6))
    assert trips.sizes == [2, 2, 2]


async def test_a_read_sees_what_was_committed_before_it(database: Database):
    """Whoever changed something and then asks must see it, also beside others that ask."""
    await database.write(lambda tx: tx.run("create table numbers (value integer not null)"))
    await database.write(lambda tx: tx.run("insert into numbers values (0)"))
    count = "select value from numbers"

    async def change_and_read() -> None:
        for _ in range(20):
            before = await database.write(
                lambda tx: tx.value("update numbers set value = value + 1 returning value")
            )
            seen = await database.read(lambda tx: tx.value(count), at_once=True, brief=True)
            assert seen >= before

    await asyncio.gather(*(change_and_read() for _ in range(8)))

    assert await database.read(lambda tx: tx.value(count), brief=True, at_once=True) == 160


async def test_a_brief_read_is_no_part_of_a_unit_of_work(database: Database):
    """It would wait for the connection that its own unit holds."""

    async def unit(_):
        await database.read(reads(1), at_once=True, brief=True)

    with pytest.raises(RuntimeError, match="another"):
        await database.read(unit)
