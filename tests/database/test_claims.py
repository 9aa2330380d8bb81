"""Claims of processes that are gone: ended before their lease, and nobody else's with them."""

import pytest

from crypitor.database.attempts import claim, load_endpoints
from crypitor.database.claims import claimers, end_claims
from crypitor.database.due import due_endpoints
from crypitor.process.takeover import Takeover
from crypitor.webhook.circuit import Circuit, CircuitState
from crypitor.webhook.delivery import Status
from tests.database.plans import ON_SQLITE, steps_of
from tests.webhook.queued import BROKEN, OK, Store, delivery, endpoint

NOW = 1_790_000_000_000
LEASE_MS = 60_000


@pytest.fixture
async def store(database) -> Store:
    store = Store(database)
    await store.prepare(endpoint("ep_1"), endpoint("ep_2", ordered=True))
    return store


async def claimed_by(store, life, endpoint_id="ep_1", now=NOW):
    """Claim all that is due of an endpoint, as a process in this life."""

    async def work(tx):
        endpoints = await load_endpoints(tx, [endpoint_id])
        asked = [(endpoints[endpoint_id], 100)]
        return (await claim(tx, asked, now, LEASE_MS, life))[endpoint_id].deliveries

    return await store.database.write(work)


async def open_claims(store, now=NOW + 1):
    return await store.database.read(lambda tx: claimers(tx, now))


async def end(store, *lives, now=NOW + 1):
    return await store.database.write(lambda tx: end_claims(tx, lives, now))


async def test_what_a_process_that_is_gone_had_claimed_is_due(store):
    """At every endpoint, and without what another process has claimed, or what waits by itself."""
    await store.queue(delivery("de_1"), delivery("de_2", "ep_2"), delivery("de_3", "ep_2"), now=NOW)
    await claimed_by(store, "gone")
    await claimed_by(store, "gone", "ep_2")
    await store.queue(delivery("de_4"), now=NOW)
    await claimed_by(store, "lives")
    await store.queue(delivery("de_5"), now=NOW)
    await store.record(*[(one, BROKEN) for one in await claimed_by(store, "gone")], now=NOW)
    before = await open_claims(store)
    ended = await end(store, "gone")
    due = {name: (await store.get(name)).due_at <= NOW + 1 for name in
           ("de_1", "de_2", "de_3", "de_4", "de_5")}  # fmt: skip

    assert before == {"gone", "lives"}
    assert sorted(ended) == ["ep_1", "ep_2"]
    assert due == {"de_1": True, "de_2": True, "de_3": True, "de_4": False, "de_5": False}
    assert await open_claims(store) == {"lives"}


async def test_who_was_only_thought_to_be_gone_is_fenced(store):
    """What it records counts as long as nobody else has claimed, and never twice."""
    await store.queue(delivery("de_1"), delivery("de_2"), now=NOW)
    one, other = sorted(await claimed_by(store, "paused"), key=lambda claimed: claimed.id)
    await end(store, "paused")
    counted = await store.record((one, OK), now=NOW + 2)
    again = await claimed_by(store, "lives", now=NOW + 2)
    late = await store.record((other, OK), now=NOW + 3)

    assert len(counted.results) == 1
    assert [claimed.id for claimed in again] == ["de_2"]
    assert late.results == ()
    assert (await store.get("de_1")).status is Status.DELIVERED
    assert (await store.get("de_2")).status is Status.PENDING


async def test_what_was_recorded_is_claimed_by_nobody(store):
    """Whether it was taken or is to be tried again."""
    await store.queue(delivery("de_1"), delivery("de_2"), now=NOW)
    one, other = await claimed_by(store, "life")
    await store.record((one, OK), (other, BROKEN), now=NOW)

    assert await open_claims(store) == set()
    assert await end(store, "life") == []


async def test_the_trial_of_a_circuit_ends_with_its_claim(store):
    """The endpoint need not rest until nothing can be heard any more of a dead process."""
    await store.prepare(
        endpoint("ep_3", circuit=Circuit(CircuitState.OPEN, NOW - 10, NOW - 1, openings=1)),
        endpoint("ep_4", circuit=Circuit(CircuitState.OPEN, NOW - 10, NOW + 50_000, openings=1)),
    )
    await store.queue(delivery("de_3", "ep_3"), delivery("de_4", "ep_4"), now=NOW)
    await claimed_by(store, "gone", "ep_3")
    resting = await store.endpoint("ep_3")
    await end(store, "gone")
    due = await store.database.read(lambda tx: due_endpoints(tx, NOW + 1))
    again = await claimed_by(store, "lives", "ep_3", now=NOW + 1)

    assert resting.circuit.rests(NOW + 1)
    assert [one.endpoint_id for one in due] == ["ep_3"]
    assert [one.id for one in again] == ["de_3"]


async def test_a_trial_that_somebody_else_makes_goes_on(store):
    """What a dead process had claimed before the circuit opened changes nothing of it."""
    await store.queue(delivery("de_1"), now=NOW)
    await claimed_by(store, "gone")
    await store.database.write(
        lambda tx: tx.run(
            "update endpoints set circuit = 'open', circuit_until = :until where id = 'ep_1'",
            until=NOW,
        )
    )
    await store.queue(delivery("de_2"), now=NOW)
    await claimed_by(store, "lives")
    await end(store, "gone")

    assert (await store.endpoint("ep_1")).circuit.rests(NOW + 1)


class Looks:
    """A takeover, who lives, and whom it woke."""

    def __init__(self, store):
        self.living = set()
        self.woken = []
        self.takeover = Takeover(
            store.database, "me", living=self._living, wake=self.woken.extend,
            clock=lambda: NOW + 1,
        )  # fmt: skip

    async def _living(self):
        return self.living


async def test_the_first_look_takes_over_from_the_lives_before(store):
    """Of nobody who lives, and not of its own."""
    for number, life in enumerate(("dead", "other", "me")):
        await store.queue(delivery(f"de_{number}"), now=NOW)
        await claimed_by(store, life)
    looks = Looks(store)
    looks.living = {"other"}
    await looks.takeover.step()

    assert await open_claims(store) == {"other", "me"}
    assert looks.woken == ["ep_1"]


async def test_who_goes_later_is_noticed(store):
    """And while nobody knows who lives, nothing is done."""
    await store.queue(delivery("de_1"), now=NOW)
    await claimed_by(store, "other")
    looks = Looks(store)
    for living, left in (
        (None, {"other"}), ({"other"}, {"other"}), (None, {"other"}), ({"third"}, set()),
    ):  # fmt: skip
        looks.living = living
        await looks.takeover.step()

        assert await open_claims(store) == left


@ON_SQLITE
async def test_only_what_lies_ahead_is_read(database):
    """Of each endpoint by its index; not what is due where an endpoint is down."""
    steps = await steps_of(database, lambda tx: claimers(tx, NOW))

    assert "SEARCH d USING INDEX deliveries_due (endpoint_id=? AND due_at>?)" in steps
    assert not [step for step in steps if step == "SCAN deliveries" or step.startswith("SCAN d ")]
