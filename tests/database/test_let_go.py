"""A unit of work that fails leaves nothing behind, however it fails."""

import asyncio
import contextlib

import pytest

from crypitor.errors import DatabaseUnavailable, NotFound
from tests.garbage import left_behind

TIMES = 5


async def refuse(tx):
    await tx.value("select 1")
    raise NotFound("there is no such thing")


async def be_away(tx):
    await tx.value("select 1")
    raise DatabaseUnavailable("it is away")


async def say_nonsense(tx):
    await tx.all("select nonsense")


async def say_it_twice(tx):
    for _ in range(2):
        await tx.run("insert into counters (name, value) values ('twice', 1)")


FAILING = [refuse, be_away, say_nonsense, say_it_twice]
WAYS = {
    "write": lambda database, work: database.write(work),
    "write at once": lambda database, work: database.write(work, at_once=True),
    "read": lambda database, work: database.read(work),
    "brief": lambda database, work: database.read(work, at_once=True, brief=True),
}


@pytest.mark.parametrize("work", FAILING)
@pytest.mark.parametrize("way", WAYS)
async def test_a_unit_that_fails_leaves_nothing(database, way, work):
    """By a refusal, an outage, or a mistake of ours that the driver finds."""

    async def once():
        with contextlib.suppress(Exception):
            await WAYS[way](database, work)

    await once()
    async with left_behind() as left:
        for _ in range(TIMES):
            await once()
    assert left == []


async def test_a_unit_whose_caller_is_gone_leaves_nothing(database):
    """It is told in the log, and forgotten."""

    async def once():
        calling = asyncio.create_task(database.write(refuse))
        await asyncio.sleep(0)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
        await database.write(lambda tx: tx.value("select 1"))

    await once()
    async with left_behind() as left:
        for _ in range(TIMES):
            await once()
    assert left == []


async def test_units_that_fail_together_each_raise_their_own(database):
    """Of many that go in one trip each has its error, or its answer."""

    async def work(tx, number):
        await tx.value("select 1")
        if number % 2:
            raise NotFound(str(number))
        return number

    found = await asyncio.gather(
        *(
            database.read(lambda tx, number=number: work(tx, number), at_once=True, brief=True)
            for number in range(20)
        ),
        return_exceptions=True,
    )

    assert [str(one) for one in found] == [str(number) for number in range(20)]
    assert [isinstance(one, NotFound) for one in found] == [False, True] * 10
