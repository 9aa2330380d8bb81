"""What is removed after its time, and what is not, on every database that is there."""

from dataclasses import replace

import pytest

from crypitor.database.pruning import START
from crypitor.database.removed import removed_blocks, removed_position
from crypitor.database.retention import AGAIN_FULL_MS, AGAIN_MS, DAY_MS, Kept, plan, prune
from crypitor.database.statistics import count_more
from crypitor.monitor.models import Phase
from crypitor.process.retention import FEWEST, Retention
from crypitor.webhook.delivery import Status
from tests.webhook.queued import BROKEN, OK, Store, delivery, endpoint

NOW = 1_790_000_000_000
KEPT = Kept(attempts=10 * DAY_MS, bodies=20 * DAY_MS, deliveries=30 * DAY_MS, matches=40 * DAY_MS)

INSERT_MATCH = """insert into matches (id, position, project_id, monitor_id, network, kind, direction,
        address, block_number, block_hash, transaction_hash, phase, returns, confirm_block,
        confirm_tag, document, origin, created_at)
    values (:id, :position, 'pr_1', 'mo_1', 'dev', 'native', 'in', '0xa', :block, '0xb', '0xc',
        :phase, 0, 1, null, '{}', null, :created_at)"""

INSERT_EVENT = """insert into events (project_id, position, type, at, match_id, confirmations, body)
    values ('pr_1', :position, 'match.confirmed', :at, :match, 1, null)"""


@pytest.fixture
async def store(database) -> Store:
    """Return a store in which the headers of the blocks 100 to 164 are kept."""
    store = Store(database)
    await store.prepare(endpoint("ep_1"))

    async def unit(tx):
        await tx.many(
            """insert into headers (network, number, hash, parent_hash, timestamp)
                values ('dev', :number, '0xa', '0xb', 0)""",
            [(number,) for number in range(100, 165)],
        )

    await database.write(unit)
    return store


async def sent(store, *names, days, outcome=OK, **more):
    """Queue and attempt deliveries so many days ago."""
    then = NOW - days * DAY_MS
    await store.queue(*(delivery(name, **more) for name in names), now=then)
    claimed = await store.claim(now=then)
    results = [(one, replace(outcome, started_at=then)) for one in claimed]
    await store.record(*results, now=then, schedule=())


async def matched(store, name, *, days, position, phase="confirmed", block=1):
    values = {
        "id": name, "position": position, "block": block, "phase": phase,
        "created_at": NOW - days * DAY_MS,
    }  # fmt: skip
    await store.database.write(lambda tx: tx.run(INSERT_MATCH, **values))


async def told(store, position, match, *, days):
    """Note that a match was told, so many days ago."""
    values = {"position": position, "match": match, "at": NOW - days * DAY_MS}

    async def unit(tx):
        await tx.run(INSERT_EVENT, **values)
        await tx.run(
            "update counters set value = :position where name = 'events'", position=position
        )

    await store.database.write(unit)


async def all_steps(store, kept=KEPT, now=NOW, limit=3) -> int:
    """Make every step that is due; return how many there were."""

    async def step(tx):
        await plan(tx, now)
        return await prune(tx, kept, now, limit)

    # Nothing goes before it is counted.
    await store.database.write(lambda tx: count_more(tx, now, 1000))
    steps = 0
    while await store.database.write(step):
        steps += 1
    return steps


async def ids(store, table) -> set[str]:
    column = "delivery_id" if table == "attempts" else "id"
    rows = await store.database.read(lambda tx: tx.all(f"select {column} as id from {table}"))
    return {row["id"] for row in rows}


async def test_each_thing_has_its_own_time(store):
    """Attempts go first, then bodies, then the deliveries, in any number of steps."""
    for days in (5, 15, 25, 35):
        await sent(store, *(f"de_{days}_{number}" for number in range(7)), days=days)
    await all_steps(store)

    left = await ids(store, "deliveries")
    bodies = {name for name in left if (await store.get(name)).body}
    assert {name.split("_")[1] for name in left} == {"5", "15", "25"}
    assert {name.split("_")[1] for name in await ids(store, "attempts")} == {"5"}
    assert {name.split("_")[1] for name in bodies} == {"5", "15"}
    assert len(left) == 21


async def test_what_was_not_sent_stays(store):
    """Pending, waiting or being retried, however old: with body and attempts."""
    await store.queue(delivery("de_pending"), now=0)
    await store.queue(delivery("de_waiting", follows="de_pending"), now=0)
    await store.queue(delivery("de_retried"), now=0)
    for claimed in await store.claim(now=0):
        if claimed.id == "de_retried":
            await store.record((claimed, BROKEN), now=0)
    await all_steps(store)

    assert await store.statuses() == {
        "de_pending": "pending",
        "de_waiting": "waiting",
        "de_retried": "pending",
    }
    assert (await store.get("de_retried")).body
    assert len(await store.attempts("de_retried")) == 1


async def test_what_ended_late_is_removed_later(store):
    """A delivery that was passed over is looked at again, once it has ended for long enough."""
    await store.queue(delivery("de_1"), now=0)
    await all_steps(store)
    [claimed] = await store.claim(now=NOW)
    await store.record((claimed, OK), now=NOW)
    await all_steps(store, now=NOW + 29 * DAY_MS)
    still = await ids(store, "deliveries")
    await all_steps(store, now=NOW + 31 * DAY_MS)
    await all_steps(store, now=NOW + 31 * DAY_MS + AGAIN_MS)

    assert still == {"de_1"}
    assert await ids(store, "deliveries") == set()


@pytest.mark.parametrize(
    "phase, block, stays",
    [
        ("detected", 1, True),
        ("confirmed", 100, True),
        ("reverted", 100, True),
        ("confirmed", 99, False),
        ("reverted", 99, False),
    ],
)
async def test_what_could_be_retracted_stays(store, phase, block, stays):
    """A match that is not confirmed, or in a block whose header is kept, with its deliveries."""
    await matched(store, "ma_1", days=99, position=1, phase=phase, block=block)
    await sent(store, "de_1", days=99, match_id="ma_1")
    await all_steps(store)

    assert await ids(store, "matches") == ({"ma_1"} if stays else set())
    assert await ids(store, "deliveries") == ({"de_1"} if stays else set())


async def test_a_match_with_a_phase_that_is_still_sent_stays(store):
    """Until its last delivery has ended."""
    await matched(store, "ma_1", days=99, position=1)
    await store.queue(delivery("de_1", match_id="ma_1", phase=Phase.CONFIRMED), now=0)
    await all_steps(store)

    assert await ids(store, "matches") == {"ma_1"}


async def test_removed_matches_leave_word_of_their_blocks_and_positions(store):
    """So that a backfill does not bring them back, and a feed is told what it has missed."""
    for position, (days, block) in enumerate([(99, 7), (98, 3), (97, 5), (5, 9)], 1):
        await matched(store, f"ma_{position}", days=days, position=position, block=block)
    await all_steps(store)

    async def word(tx):
        return await removed_blocks(tx, "mo_1", "dev"), await removed_position(tx, "pr_1")

    assert await ids(store, "matches") == {"ma_4"}
    assert await store.database.read(word) == (range(3, 8), 3)


async def test_nothing_goes_where_all_is_kept_for_ever(store):
    """Without limits every row stays."""
    await matched(store, "ma_1", days=9999, position=1)
    await sent(store, "de_1", days=9999, match_id="ma_1")
    await all_steps(store, Kept())

    assert await ids(store, "matches") == {"ma_1"}
    assert await ids(store, "attempts") == {"de_1"}
    assert (await store.get("de_1")).body


async def test_changes_are_removed_once_a_later_one_has_replaced_them(store):
    """The last one of each monitor stays, so that whoever is behind misses none."""
    rows = list(enumerate(["mo_1", "mo_2", "mo_1", "mo_3", "mo_2"], 1))
    await store.database.write(
        lambda tx: tx.many("insert into changes (revision, monitor_id) values (:r, :m)", rows)
    )
    await all_steps(store)
    left = await store.database.read(lambda tx: tx.all("select revision from changes"))

    assert sorted(row["revision"] for row in left) == [3, 4, 5]


async def test_old_keys_jobs_and_tokens_go(store):
    """Answers of yesterday, jobs that ended, tokens that nobody has met for long."""

    async def unit(tx):
        for key, age in (("old", 2), ("new", 0)):
            await tx.run(
                "insert into idempotency values ('pr_1', :key, '', 200, '', :at)",
                key=key,
                at=NOW - age * DAY_MS,
            )
        for contract, age, wanted in (("0xa", 99, 0), ("0xb", 99, 1), ("0xc", 1, 0)):
            await tx.run(
                "insert into tokens values ('dev', :contract, null, null, null, :at, :wanted)",
                contract=contract,
                at=NOW - age * DAY_MS,
                wanted=wanted,
            )
        for name, finished_at in (("jo_1", NOW - 31 * DAY_MS), ("jo_2", NOW), ("jo_3", None)):
            await tx.run(
                """insert into replays values (:id, 'pr_1', 'mo_1', null, '["failed"]', 0, 0,
                    'done', 0, '', 0, 0, 0, 0, null, 0, 0, :at)""",
                id=name,
                at=finished_at,
            )

    await store.database.write(unit)
    await all_steps(store, limit=1)

    async def left(tx):
        return (
            [row["key"] for row in await tx.all("select key from idempotency")],
            [row["contract"] for row in await tx.all("select contract from tokens order by 1")],
            [row["id"] for row in await tx.all("select id from replays order by 1")],
        )

    assert await store.database.read(left) == (["new"], ["0xb", "0xc"], ["jo_2", "jo_3"])


async def test_walks_go_on_where_they_were(store):
    """What was looked at is not looked at again: a second round costs one step for each walk."""
    await sent(store, *(f"de_{number}" for number in range(60)), days=15)
    first = await all_steps(store)
    await sent(store, "de_last", days=14)
    second = await all_steps(store, now=NOW + AGAIN_MS)

    assert first > 20
    assert second == 13
    assert await ids(store, "attempts") == set()


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_a_file_that_is_too_large_loses_its_oldest_first(store):
    """However young: what has ended goes until the file fits, and what is pending stays."""
    body = "x" * 20_000
    for hour in range(40):
        await sent(store, f"de_{hour:02}", days=2 - hour / 24, body=body)
    await store.queue(delivery("de_pending", body=body), now=NOW)
    await all_steps(store, replace(KEPT, most_bytes=800_000), limit=1)

    left = sorted(await ids(store, "deliveries"))
    assert 5 < len(left) < 35
    assert left == [*(f"de_{hour:02}" for hour in range(41 - len(left), 40)), "de_pending"]


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_all_of_the_oldest_goes_together_from_a_file_that_is_too_large(store):
    """However many deliveries a match has: what is kept of both begins at the same time."""
    for hour in range(40):
        days, match = 2 - hour / 24, f"ma_{hour:02}"
        await matched(store, match, days=days, position=hour + 1)
        await sent(
            store, *(f"de_{hour:02}_{number}" for number in range(6)),
            days=days, match_id=match, body="x" * 4_000,
        )  # fmt: skip
        await told(store, hour + 1, match, days=days)
    await all_steps(store, replace(KEPT, most_bytes=800_000), limit=6)

    deliveries = {name.split("_")[1] for name in await ids(store, "deliveries")}
    matches = {name.split("_")[1] for name in await ids(store, "matches")}
    assert 5 < len(deliveries) < 35
    assert len(deliveries ^ matches) <= 6
    assert min(matches) <= max(min(deliveries), "01")


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_what_is_too_young_to_go_from_a_file_that_is_too_large_is_looked_at_again(store):
    """Once a reorg cannot reach it any more; nothing is passed over for a day."""
    for number in range(40):
        await matched(store, f"ma_{number}", days=0.001, position=number + 1, block=120)
        await sent(store, f"de_{number}", days=0.001, match_id=f"ma_{number}", body="x" * 20_000)
    kept = replace(KEPT, most_bytes=550_000)
    await all_steps(store, kept)
    before = await ids(store, "deliveries")
    await store.database.write(lambda tx: tx.run("delete from headers where number <= 120"))
    await all_steps(store, kept, now=NOW + AGAIN_FULL_MS)

    assert len(before) == 40
    assert 0 < len(await ids(store, "deliveries")) < 30


async def test_steps_find_their_own_size(store):
    """A role that steps until nothing is due has removed everything, in steps that differ."""
    for batch in range(10):
        names = [f"de_{batch}_{number}" for number in range(100)]
        await sent(store, *names, days=99 - batch)
    retention = Retention(store.database, KEPT, clock=lambda: NOW)
    steps = 0
    while await retention.step():
        steps += 1

    assert await ids(store, "deliveries") == set()
    assert 8 <= steps <= 4 * 1000 / FEWEST
    assert START.at < 0


async def test_a_delivery_without_its_body_says_so(store):
    """It can be read as before, but there is nothing to be sent."""
    await sent(store, "de_1", days=25)
    await all_steps(store)
    found = await store.get("de_1")

    assert (found.status, found.body, found.attempts) == (Status.DELIVERED, "", 1)
