import asyncio

import pytest

from crypitor.errors import NodeUnavailable
from crypitor.worker.ahead import Ahead


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
