"""Endpoints as the first page shows them."""

import pytest

from crypitor.database.troubles import MOST_COUNTED, count_standings, standings
from crypitor.webhook.circuit import Circuit, CircuitState
from crypitor.webhook.delivery import State
from tests.webhook.queued import BROKEN, Store, delivery, endpoint

OPEN = Circuit(CircuitState.OPEN, 1, 2, 1)


@pytest.fixture
def store(database) -> Store:
    """Return the units of work of sender and matcher."""
    return Store(database)


async def test_those_in_trouble_come_first_and_the_newest_of_the_others(store):
    """Disabled, failing, unwell, switched off, healthy; as many as are asked for."""
    await store.prepare(
        endpoint("ep_1", state=State.FAILING, state_reason="refused"),
        endpoint("ep_2"),
        endpoint("ep_3", enabled=False),
        endpoint("ep_4", circuit=OPEN),
        endpoint("ep_5"),
        endpoint("ep_6", state=State.DISABLED, enabled=False, state_reason="gone"),
        endpoint("ep_7", failures_in_row=1),
        endpoint("ep_8"),
    )

    shown = await store.database.read(lambda tx: standings(tx, "pr_1", 6))
    counts = await store.database.read(lambda tx: count_standings(tx, "pr_1"))
    assert [one.endpoint.id for one in shown] == ["ep_6", "ep_1", "ep_7", "ep_4", "ep_3", "ep_8"]
    assert [one.error for one in shown] == ["gone", "refused", None, None, None, None]
    assert counts == {"healthy": 6, "failing": 1, "disabled": 1}


async def test_an_endpoint_is_shown_with_its_queue_and_the_last_error_in_it(store):
    """What ended is not counted."""
    await store.prepare(endpoint("ep_1"))
    await store.queue(delivery("de_1"), delivery("de_2"), delivery("de_3"))
    first, second, _ = await store.claim()
    await store.record((first, BROKEN), (second, BROKEN), schedule=(5,))

    [shown] = await store.database.read(lambda tx: standings(tx, "pr_1", 9))
    assert (shown.pending, shown.first.id, shown.error) == (3, "de_1", "answered 500")


async def test_a_long_queue_is_not_counted_to_its_end(store):
    """One more than the most says that there are more."""
    await store.prepare(endpoint("ep_1"))
    await store.queue(*(delivery(f"de_{number}") for number in range(MOST_COUNTED + 5)))

    [shown] = await store.database.read(lambda tx: standings(tx, "pr_1", 9))
    assert shown.pending == MOST_COUNTED + 1


async def test_other_projects_endpoints_are_not_shown(store):
    """Nor counted."""
    await store.prepare(endpoint("ep_1"))

    assert await store.database.read(lambda tx: standings(tx, "pr_2", 9)) == []
    assert await store.database.read(lambda tx: count_standings(tx, "pr_2")) == {}
