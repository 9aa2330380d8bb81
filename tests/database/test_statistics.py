"""Counts by minute and hour, held against the rows that they are made of, on every database."""

import asyncio
import random
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from crypitor.database.cancellations import cancel_for_endpoint
from crypitor.database.engine import Database
from crypitor.database.migrate import migrate
from crypitor.database.retention import DAY_MS, Kept, plan, prune
from crypitor.database.series import Window, count_pending, read_series, read_sums
from crypitor.database.statistics import HOUR_MS, MINUTE_MS, Counts, count_more, is_counted
from crypitor.webhook.delivery import Outcome
from tests.database.chain import PROJECT
from tests.schemas import ALL, make_database
from tests.webhook.queued import BROKEN, OK, Store, delivery, endpoint

NOW = 1_790_000_000_000
SILENT = Outcome(0, 5, error="no answer within 15 s")
OUTCOMES = (OK, BROKEN, SILENT)
NUMBERS = {
    "taken": "select count(*) from attempts where error is null",
    "refused": "select count(*) from attempts where error is not null and status_code is not null",
    "unanswered": "select count(*) from attempts where status_code is null",
    "detected": "select count(*) from events where type = 'match.detected'",
    "confirmed": "select count(*) from events where type = 'match.confirmed'",
    "reverted": "select count(*) from events where type = 'match.reverted'",
}
"""What counts → how many rows there are of it."""


async def step(database, limit=1000, now=NOW):
    return await database.write(lambda tx: count_more(tx, now, limit), at_once=True)


async def all_steps(database, limit=1000, now=NOW):
    while (await step(database, limit, now)).more:
        pass


async def series(database, kind="project", subject="", span="hour", project="pr_1"):
    window = Window(project, kind, subject, span, 0, NOW + DAY_MS)
    return await database.read(lambda tx: read_series(tx, window))


async def total(database, **where) -> Counts:
    """Return the sum of a series."""
    counts = Counts()
    for _, each in await series(database, **where):
        counts.merge(each)
    return counts


async def rows(database, sql, **values):
    return await database.read(lambda tx: tx.value(sql, **values))


async def attempted(store, names, outcomes, *, now, schedule=(0,), waited=0, **more):
    """Queue deliveries and attempt each, with these outcomes after so long."""
    await store.queue(*(delivery(name, **more) for name in names), now=now - waited)
    claimed = await store.claim(now=now)
    results = [
        (one, replace(outcome, started_at=now - outcome.duration_ms))
        for one, outcome in zip(claimed, outcomes, strict=True)
    ]
    await store.record(*results, now=now, schedule=schedule)


@pytest.mark.parametrize("seed", range(4))
async def test_counts_are_those_of_the_rows(chain, seed):
    """
    However blocks, reorgs, attempts and steps of all sizes follow each other.
    """
    chance = random.Random(seed)
    store = Store(chain.database)
    names, tip, now = iter(range(10_000)), None, 2000
    for _ in range(40):
        now += chance.randrange(HOUR_MS // 2)
        match chance.randrange(5):
            case 0 | 1:
                branch = chance.choice([tip, *list(chain.headers)[-3:]]) if tip else None
                if branch is None or chain.headers[branch].number > chain.headers[tip].number - 3:
                    name = f"b{next(names)}"
                    await chain.take(name, branch, matches=chance.randrange(4))
                    tip = name
            case 2 | 3:
                some = [f"de_{next(names)}" for _ in range(chance.randrange(1, 4))]
                claimed = await store.claim(now=now)
                await store.queue(*(delivery(name) for name in some), now=now)
                claimed += await store.claim(now=now, limit=2)
                tried = [(one, replace(chance.choice(OUTCOMES), started_at=now)) for one in claimed]
                await store.record(*tried, now=now + 5, schedule=(0, 0))
            case 4:
                await step(chain.database, limit=chance.randrange(1, 6), now=now)
    await all_steps(chain.database, limit=3, now=now)

    counted = await total(chain.database)
    for name, sql in NUMBERS.items():
        assert getattr(counted, name) == await rows(chain.database, sql), name
    ended = "select count(*) from deliveries where status = :status"
    for status in ("delivered", "failed"):
        assert getattr(counted, status) == await rows(chain.database, ended, status=status)
    first = "select count(*) from attempts where number = 1"
    assert counted.first.count == await rows(chain.database, first)
    assert counted.success.count == counted.taken > 5
    assert counted.detected > 5
    assert await chain.database.read(is_counted)
    for span_ms, span in ((HOUR_MS, "hour"), (MINUTE_MS, "minute")):
        by_time = "select count(*) from attempts where (started_at + duration_ms) / :ms = :at"
        for at, counts in await series(chain.database, span=span):
            tries = counts.taken + counts.refused + counts.unanswered
            assert tries == await rows(chain.database, by_time, ms=span_ms, at=at // span_ms)


async def test_other_news_of_a_match_is_passed_over(chain):
    """
    What is told beside the three phases is no match of its own, and stops nothing.
    """
    await chain.take("a1")
    await chain.change("""insert into events (project_id, position, type, at, match_id, confirmations)
        select 'pr_1', value + 1, 'match.ended', 1000, (select min(id) from matches), 1
        from counters where name = 'events'""")
    await chain.change("update counters set value = value + 1 where name = 'events'")
    await all_steps(chain.database, now=2000)

    assert await chain.database.read(is_counted)
    counted = await total(chain.database)
    assert (counted.detected, counted.confirmed, counted.reverted) == (1, 0, 0)


async def test_each_kind_of_subject_has_its_own(chain):
    """
    A match counts for its monitor and network, an attempt for its endpoint too; sums are of all.
    """
    await chain.take("a1", matches=2)
    (monitor,) = {row["monitor_id"] for row in await told(chain)}
    store = Store(chain.database)
    claimed = await store.claim(now=NOW)
    await store.record(*((one, replace(OK, started_at=NOW)) for one in claimed), now=NOW + 5)
    await all_steps(chain.database, now=2000)

    for kind, subject in (("network", "ethereum"), ("monitor", monitor)):
        counted = await total(chain.database, kind=kind, subject=subject)
        assert (counted.detected, counted.taken, counted.delivered) == (2, 2, 2), kind
    counted = await total(chain.database, kind="endpoint", subject="ep_1")
    assert (counted.detected, counted.taken) == (0, 2)
    assert await total(chain.database, kind="endpoint", subject="ep_2") == Counts()
    window = Window("pr_1", "project", "", "hour", 0, NOW + DAY_MS)
    (sums,) = await chain.database.read(lambda tx: read_sums(tx, window, "monitor", 10))
    assert (sums[0], sums[1].detected, sums[1].success.count) == (monitor, 2, 2)


async def told(chain):
    return await chain.database.read(lambda tx: tx.all("select * from deliveries"))


async def test_a_step_that_does_not_end_counts_nothing(chain):
    """
    What dies before its commit leaves position, notes and counts as they were.
    """
    store = Store(chain.database)
    await chain.take("a1", matches=2)
    await attempted(store, ["de_x"], [OK, OK, OK], now=NOW)

    async def dies(tx):
        await count_more(tx, NOW, 1000)
        raise RuntimeError("killed")

    for _ in range(2):
        with pytest.raises(RuntimeError, match="killed"):
            await chain.database.write(dies)
    assert await series(chain.database) == []

    await all_steps(chain.database, now=2000)
    counted = await total(chain.database)
    assert (counted.detected, counted.taken) == (2, 3)


async def test_many_processes_count_once(chain):
    """
    Steps at the same time, beside those who record, count each row once.
    """
    store = Store(chain.database)
    await store.queue(*(delivery(f"de_{number}") for number in range(60)), now=NOW)
    claimed = await store.claim(now=NOW)
    parts = [claimed[at : at + 6] for at in range(0, 60, 6)]
    recording = [
        store.record(*((one, replace(OK, started_at=NOW)) for one in part), now=NOW + 5)
        for part in parts
    ]
    await asyncio.gather(*recording, *(step(chain.database, limit=7) for _ in range(20)))
    await all_steps(chain.database)

    counted = await total(chain.database)
    assert (counted.taken, counted.delivered, counted.first.count) == (60, 60, 60)


async def test_what_comes_late_is_counted_where_it_belongs(database):
    """
    An attempt that is stored after later ones were counted is in the minute in which it ended.
    """
    store = Store(database)
    await store.prepare(endpoint("ep_1"))
    await attempted(store, ["de_new"], [OK], now=NOW)
    await all_steps(database)
    await attempted(store, ["de_old"], [OK], now=NOW - 3 * MINUTE_MS)
    await all_steps(database)

    begin = NOW - NOW % MINUTE_MS
    minutes = [(at, counts.taken) for at, counts in await series(database, span="minute")]
    assert minutes == [(begin - 3 * MINUTE_MS, 1), (begin, 1)]


async def test_how_long_it_took_is_from_the_queueing_on(database):
    """
    To the first attempt, and to the end of the one that was taken; quantiles are right to 9 %.
    """
    store = Store(database)
    await store.prepare(endpoint("ep_1"))
    for number in range(1, 101):
        await attempted(store, [f"de_{number}"], [OK], now=NOW, waited=number * 10)
    await all_steps(database)

    counted = await total(database)
    assert counted.first.total_ms == sum(number * 10 - 5 for number in range(1, 101))
    assert counted.success.total_ms == sum(number * 10 for number in range(1, 101))
    for part, exact in ((0.5, 500), (0.95, 950), (0.99, 990)):
        assert counted.success.quantile(part) == pytest.approx(exact, rel=0.1)


async def test_sent_again_is_no_latency(database):
    """
    A delivery that is opened again counts as attempt and delivery, and not as slow.
    """
    store = Store(database)
    await store.prepare(endpoint("ep_1"))
    await attempted(store, ["de_1"], [BROKEN], now=NOW, schedule=())
    again = """update deliveries set status = 'pending', earlier_attempts = attempts, due_at = 0,
        finished_at = null"""
    await database.write(lambda tx: tx.run(again))
    (claimed,) = await store.claim(now=NOW + HOUR_MS)
    await store.record((claimed, replace(OK, started_at=NOW + HOUR_MS)), now=NOW + HOUR_MS + 5)
    await all_steps(database)

    counted = await total(database)
    assert (counted.failed, counted.delivered, counted.refused, counted.taken) == (1, 1, 1, 1)
    assert (counted.first.count, counted.success.count) == (1, 0)


async def test_what_is_given_up_is_counted(database):
    """
    Deliveries of a deleted endpoint count as cancelled, those that had ended do not.
    """
    store = Store(database)
    await store.prepare(endpoint("ep_1"))
    await attempted(store, ["de_1"], [OK], now=NOW)
    await store.queue(delivery("de_2"), delivery("de_3"), now=NOW)
    await database.write(lambda tx: cancel_for_endpoint(tx, "ep_1", NOW))
    await all_steps(database)

    counted = await total(database, kind="endpoint", subject="ep_1")
    assert (counted.cancelled, counted.delivered) == (2, 1)


async def test_projects_do_not_see_each_other(chain):
    """
    Each project has its own counts.
    """
    await chain.change(PROJECT.replace("pr_1", "pr_2"))
    await chain.take("a1")
    await all_steps(chain.database, now=2000)

    assert (await total(chain.database)).detected == 1
    assert await series(chain.database, project="pr_2") == []


async def pruned(database, kept, now):
    """Make all steps of the retention that are due."""

    async def unit(tx):
        await plan(tx, now)
        return await prune(tx, kept, now, 3)

    while await database.write(unit):
        pass


async def test_minutes_stay_for_a_day_and_hours_for_ninety(database):
    """
    Neither longer nor shorter.
    """
    store = Store(database)
    await store.prepare(endpoint("ep_1"))
    for days in (0, 2, 80):
        await attempted(store, [f"de_{days}"], [OK], now=NOW - days * DAY_MS)
        await all_steps(database, now=NOW - days * DAY_MS)
    assert len(await series(database, span="minute")) == 3
    await pruned(database, Kept(), NOW)

    assert len(await series(database, span="minute")) == 1
    assert len(await series(database, span="hour")) == 3
    await pruned(database, Kept(), NOW + 20 * DAY_MS)
    assert len(await series(database, span="hour")) == 2


async def test_nothing_is_removed_before_it_is_counted(chain):
    """
    Events, and the matches by which they are counted, wait for it.
    """
    await chain.take("a1")
    for number in range(2, 6):
        await chain.take(f"a{number}", f"a{number - 1}", matches=0)
    await chain.change("delete from headers where number < 5")
    await chain.change("update deliveries set status = 'delivered', finished_at = 1")
    kept = Kept(deliveries=1, matches=1)
    await pruned(chain.database, kept, NOW)
    await all_steps(chain.database, now=2000)

    counted = await total(chain.database, kind="network", subject="ethereum")
    assert (counted.detected, counted.confirmed) == (1, 1)
    for days in (1, 2):  # a walk looks once a day at what it had to leave
        await pruned(chain.database, kept, NOW + days * DAY_MS)
    for table in ("events", "matches"):
        assert await rows(chain.database, f"select count(*) from {table}") == 0


async def test_what_waits_is_counted_up_to_a_limit(chain):
    """
    Pending deliveries of the project, or of one endpoint.
    """
    await chain.take("a1", matches=3)

    async def count(endpoint_id="", most=10):
        return await chain.database.read(lambda tx: count_pending(tx, "pr_1", endpoint_id, most))

    assert [await count(), await count(most=2), await count("ep_1"), await count("ep_2")] == [
        3, 2, 3, 0,
    ]  # fmt: skip


@pytest.mark.parametrize("revision", [one for one in ALL if one < "0027"])
async def test_what_was_there_before_is_counted(tmp_path, revision):
    """
    An upgrade counts the attempts of the last 90 days, and the events.
    """
    path = tmp_path / "crypitor.db"
    make_database(path, revision)
    with closing(sqlite3.connect(path)) as before:
        before.execute("update attempts set started_at = cast(strftime('%s') as integer) * 1000")
        before.commit()
        (now,) = before.execute("select cast(strftime('%s') as integer) * 1000").fetchone()
    await migrate(f"sqlite:///{path}")
    async with Database.open(f"sqlite:///{path}") as database:
        project = await rows(database, "select min(id) from projects")
        await database.write(lambda tx: tx.run("update events set at = :now", now=now))
        await all_steps(database, now=now)
        window = Window(project, "project", "", "hour", now - DAY_MS, now + DAY_MS)
        counted = Counts()
        for _, each in await database.read(lambda tx: read_series(tx, window)):
            counted.merge(each)
        for name, sql in NUMBERS.items():
            assert getattr(counted, name) == await rows(database, sql), name
        assert counted.taken
        assert await rows(database, "select count(*) from uncounted") == 0
