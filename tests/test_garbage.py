"""Memory that was taken comes back."""

import gc
import weakref

import pytest

from crypitor.runtime.garbage import (
    AGAIN_FOR_SECONDS,
    AGAIN_SECONDS,
    GROWN_BYTES,
    QUIET_SECONDS,
    Garbage,
)


class Held:
    """Holds itself, as the trace of an error holds what raised it."""

    def __init__(self):
        self.me = self


@pytest.fixture
def held():
    """Return a reference to what nobody has any more, with the interpreter's own search off."""
    gc.collect()
    gc.disable()
    yield weakref.ref(Held())
    gc.enable()


class World:
    now = 0.0
    resident = 1 << 30
    busy = False


def garbage_of(world):
    return Garbage(lambda: world.busy, now=lambda: world.now, resident=lambda: world.resident)


async def test_it_is_searched_for_once_a_minute(held):
    """Though nothing has grown."""
    world = World()
    garbage = garbage_of(world)
    await garbage.step()
    assert held() is not None
    world.now += QUIET_SECONDS
    await garbage.step()

    assert held() is None


async def test_it_is_searched_for_when_memory_has_grown(held):
    """At once, and not again for the same memory."""
    world = World()
    garbage = garbage_of(world)
    world.resident += GROWN_BYTES + 1
    await garbage.step()
    assert held() is None

    again = weakref.ref(Held())
    await garbage.step()
    assert again() is not None


async def test_it_is_searched_for_again_until_memory_is_at_rest(held):
    """Who took the memory may let it go after the first search."""
    world = World()
    garbage = garbage_of(world)
    world.resident *= 2
    await garbage.step()
    again = weakref.ref(Held())
    world.now += AGAIN_SECONDS - 1
    await garbage.step()
    assert again() is not None
    world.now += 1
    await garbage.step()
    assert again() is None

    world.resident //= 2
    last = weakref.ref(Held())
    world.now += AGAIN_SECONDS
    await garbage.step()
    assert last() is not None


async def test_memory_that_stays_is_at_rest(held):
    """A million addresses that were added are no reason to search all the time."""
    world = World()
    garbage = garbage_of(world)
    world.resident *= 2
    await garbage.step()
    world.now += AGAIN_FOR_SECONDS
    await garbage.step()
    world.now += QUIET_SECONDS
    await garbage.step()
    again = weakref.ref(Held())
    world.now += AGAIN_SECONDS
    await garbage.step()

    assert again() is not None


async def test_growth_counts_from_the_least_that_there_was(held):
    """Memory that came back and is taken again has grown."""
    world = World()
    garbage = garbage_of(world)
    world.resident -= GROWN_BYTES
    await garbage.step()
    world.resident += GROWN_BYTES + 1
    await garbage.step()

    assert held() is None


async def test_a_quiet_moment_is_waited_for_but_not_forever(held):
    """Who stores a block goes on; who never ends has to let it be done."""
    world = World()
    garbage = garbage_of(world)
    world.busy = True
    world.now += QUIET_SECONDS
    await garbage.step()
    assert held() is not None
    for _ in range(10):
        await garbage.step()

    assert held() is None
