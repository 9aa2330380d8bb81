"""Claims by circuit, and news of endpoints in trouble, on every database that is there."""

import json

import pytest

from crypitor.database.deliveries import first_queued
from crypitor.webhook.circuit import CircuitState
from crypitor.webhook.delivery import Notice, Outcome, State, Status
from crypitor.webhook.health import Queued
from tests.webhook.queued import BROKEN, GONE, OK, Store, delivery, endpoint

NOW = 1_790_000_000_000
BUSY = Outcome(0, 5, status_code=503, error="answered 503", retry_after="90")


@pytest.fixture
async def store(database) -> Store:
    store = Store(database)
    await store.prepare(
        endpoint("ep_1", "https://hooks.example/secret-path", description="mine"),
        endpoint("ep_all", events=(Notice.FAILING, Notice.DISABLED)),
        endpoint("ep_off", events=(Notice.DISABLED,), enabled=False),
        endpoint("ep_end", events=(Notice.DISABLED,)),
    )
    return store


async def fail(store: Store, times: int, now: int = NOW) -> None:
    await store.queue(*(delivery(f"de_{now}_{number}") for number in range(times)), now=now)
    for _ in range(times):
        [claimed] = await store.claim(now=now, limit=1)
        await store.record((claimed, BROKEN), now=now)


async def test_the_fourth_failure_is_told_to_those_who_asked_and_only_once(store):
    """As a delivery without monitor and match, that names the endpoint and not its URL."""
    await fail(store, 5)

    [told] = await store.claim("ep_all", now=NOW)
    assert (told.type, told.monitor_id, told.match_id) == ("endpoint.failing", None, None)
    body = json.loads(told.body)
    assert body["type"] == "endpoint.failing"
    assert body["data"]["endpoint"] == {
        "id": "ep_1",
        "description": "mine",
        "host": "hooks.example",
    }
    assert (body["data"]["state"], body["data"]["reason"]) == ("failing", "answered 500")
    assert "secret-path" not in told.body
    assert await store.claim("ep_end", now=NOW) == []


async def test_disabling_is_told_too(store):
    """But not to an endpoint that is off itself."""
    await store.queue(delivery("de_1"), now=NOW)
    [claimed] = await store.claim(now=NOW)
    recorded = await store.record((claimed, GONE), now=NOW)

    assert recorded.released == {"ep_all", "ep_end"}
    assert [one.type for one in await store.claim("ep_all", now=NOW)] == ["endpoint.disabled"]
    assert (await store.endpoint()).state is State.DISABLED


async def test_the_tenth_failure_opens_the_circuit_and_the_queue_is_kept(store):
    """Nothing is claimed until its rest is over; then one, whose success closes it."""
    await fail(store, 10)
    await store.queue(*(delivery(f"de_{number}") for number in range(3)), now=NOW)
    resting = await store.claim(now=NOW + 29_999)
    opened = await store.endpoint()
    tried = await store.claim(now=NOW + 30_000)
    beside = await store.claim(now=NOW + 30_001)
    await store.record((tried[0], OK), now=NOW + 30_002)
    closed = await store.endpoint()

    assert (opened.circuit.state, opened.circuit.until) == (CircuitState.OPEN, NOW + 30_000)
    assert (resting, len(tried), beside) == ([], 1, [])
    assert (closed.circuit.state, closed.state) == (CircuitState.CLOSED, State.HEALTHY)
    assert len(await store.claim(now=NOW + 30_003)) == 12


async def test_a_try_that_finds_nothing_due_leaves_the_circuit_as_it_was(store):
    """It is tried when something is due."""
    await fail(store, 10)
    before = await store.endpoint()
    found = await store.claim(now=NOW + 30_000, limit=10)
    await store.record(*((one, BROKEN) for one in found), now=NOW + 30_000)
    opened = await store.endpoint()
    statuses = set((await store.statuses()).values())

    async def end(tx):
        await tx.run("update deliveries set status = 'delivered' where endpoint_id = 'ep_1'")

    await store.database.write(end)
    nothing = await store.claim(now=NOW + 10**7)

    assert len(found) == 1
    assert before.circuit.openings + 1 == opened.circuit.openings
    assert statuses == {Status.PENDING}
    assert nothing == []
    assert (await store.endpoint()).circuit == opened.circuit


async def test_after_a_rest_that_was_asked_for_one_attempt_goes_first(store):
    """Its success lets the others go; an endpoint that answers is not failing meanwhile."""
    await store.queue(*(delivery(f"de_{number}") for number in range(3)), now=NOW)
    [first] = await store.claim(now=NOW, limit=1)
    await store.record((first, BUSY), now=NOW)
    resting = await store.claim(now=NOW + 89_999)
    asked = await store.endpoint()
    tried = await store.claim(now=NOW + 90_000)
    beside = await store.claim(now=NOW + 90_001)
    await store.record((tried[0], OK), now=NOW + 90_002)

    assert (asked.circuit.state, asked.state) == (CircuitState.CLOSED, State.HEALTHY)
    assert (resting, len(tried), beside) == ([], 1, [])
    assert len(await store.claim(now=NOW + 90_003)) == 2


async def test_a_sender_that_dies_with_the_try_leaves_it_to_the_next(store):
    """When nothing can be heard of it any more."""
    await fail(store, 10)
    await store.claim(now=NOW + 30_000, lease_ms=60_000)
    too_early = await store.claim(now=NOW + 89_999)
    again = await store.claim(now=NOW + 90_000)

    assert too_early == []
    assert len(again) == 1


async def test_the_first_that_is_queued_is_told_by_endpoint(store):
    """With when it was first tried; endpoints with nothing queued are left out."""
    await store.queue(delivery("de_1"), delivery("de_2"), now=NOW)
    [claimed] = await store.claim(now=NOW + 1, limit=1)
    await store.record((claimed, BROKEN), now=NOW + 2)
    queued = await store.database.read(lambda tx: first_queued(tx, ["ep_1", "ep_all"]))

    assert queued == {"ep_1": Queued("de_1", 1, NOW + 5002, NOW, 0)}
