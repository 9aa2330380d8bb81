"""Wrong keys are counted and wait, right ones never do."""

import asyncio

import pytest

from crypitor.api.serving.guesses import (
    FREE_IN_ALL,
    FREE_OF_ADDRESS,
    LONGEST_DELAY_SECONDS,
    MOST_ADDRESSES,
    WINDOW_MS,
    Guesses,
)

NOW = 1_790_000_000_000


def test_the_first_of_an_address_do_not_wait():
    """Somebody may have mistyped a key; the next ones wait longer and longer, up to a limit."""
    guesses = Guesses()
    delays = [guesses.delay_seconds("192.0.2.1", NOW + number) for number in range(150)]

    assert delays[:FREE_OF_ADDRESS] == [0] * FREE_OF_ADDRESS
    assert all(delay >= 1 for delay in delays[FREE_OF_ADDRESS:])
    assert delays == sorted(delays)
    assert delays[-1] == LONGEST_DELAY_SECONDS
    assert guesses.delay_seconds("192.0.2.2", NOW) == 0


def test_many_addresses_together_wait_too():
    """Each with one guess."""
    guesses = Guesses()
    delays = [guesses.delay_seconds(f"192.0.2.{n}", NOW) for n in range(FREE_IN_ALL + 10)]

    assert delays[:FREE_IN_ALL] == [0] * FREE_IN_ALL
    assert all(delay >= 1 for delay in delays[FREE_IN_ALL:])


@pytest.mark.parametrize("later", [WINDOW_MS, -1])
def test_what_is_long_ago_does_not_count(later):
    """Nor does a clock that was set back make anybody wait for longer than it says."""
    guesses = Guesses()
    for _ in range(100):
        guesses.delay_seconds("192.0.2.1", NOW)

    assert guesses.delay_seconds("192.0.2.1", NOW + later) == 0


def test_not_more_addresses_are_kept_than_memory_is_meant_for():
    """Whoever has a network of them fills nothing."""
    guesses = Guesses()
    for number in range(MOST_ADDRESSES + 100):
        guesses.delay_seconds(f"2001:db8:{number:x}::/64", NOW)

    assert len(guesses._of) == MOST_ADDRESSES


async def test_a_right_key_never_waits(api):
    """Also from the address, and on the connections, of which many were wrong."""
    path = "/v1/networks"
    for _ in range(FREE_OF_ADDRESS):
        answer, _ = await api.call("GET", path, key="ke_wrong")
        assert answer.status == 401
    waiting = [asyncio.create_task(api.call("GET", path, key="ke_wrong")) for _ in range(10)]
    for _ in range(20):
        answer, _ = await api.call("GET", path)
        assert answer.status == 200

    assert not any(task.done() for task in waiting)
    for answer, _ in await asyncio.gather(*waiting):
        assert answer.status == 401
