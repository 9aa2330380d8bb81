"""The safe layer over `databases`, on every database that is there."""

import asyncio
import json
import sqlite3
import threading

import asyncpg
import pytest

from crypitor.database.engine import Database, Transaction
from tests.patience import HANG_SECONDS

STORM = 60
WIDTH = 10


@pytest.fixture
async def table(database: Database) -> Database:
    """A table, and a second one whose constraint is only checked at COMMIT."""

    async def create(tx: Transaction) -> None:
        await tx.run("create table things (id text primary key, size bigint, note text)")
        await tx.run(
            """create table parts (
                thing text references things (id) deferrable initially deferred,
                name text)"""
        )

    await database.write(create)
    return database


async def count(database: Database, name: str = "things") -> int:
    return await database.read(lambda tx: tx.value(f"select count(*) from {name}"))


async def read_then_write(tx: Transaction, name: str) -> None:
    await tx.value("select count(*) from things")
    await tx.run("insert into things (id) values (:id)", id=name)


async def test_five_hundred_units_that_read_then_write_all_succeed(table):
    """Plain BEGIN would let 499 of 500 fail on SQLite with 'database is locked'."""
    await asyncio.gather(
        *(table.write(lambda tx, n=n: read_then_write(tx, str(n))) for n in range(500))
    )

    assert await count(table) == 500


async def test_cancelled_callers_leave_nothing_half_done_and_nothing_locked(table):
    """Whenever its callers are cancelled, each unit is done whole, and the next write is quick."""

    async def pair(tx: Transaction, name: str) -> None:
        await tx.run("insert into things (id) values (:id)", id=name)
        await tx.run("insert into parts (thing, name) values (:id, 'wheel')", id=name)

    cancelled = 0
    for turn in range(STORM):
        callers = [
            asyncio.create_task(table.write(lambda tx, n=n, turn=turn: pair(tx, f"{turn}-{n}")))
            for n in range(WIDTH)
        ]
        for _ in range(turn):  # so that each turn cancels at another point, the first in BEGIN
            await asyncio.sleep(0)
        for caller in callers:
            caller.cancel()
        outcomes = await asyncio.gather(*callers, return_exceptions=True)
        cancelled += sum(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
    async with asyncio.timeout(HANG_SECONDS):
        await table.write(lambda tx: read_then_write(tx, "after"))

        begun = [task for task in asyncio.all_tasks() if task.get_name() == "unit of work"]
        await asyncio.gather(*begun)

    assert cancelled > STORM
    # A caller that is cancelled before its first step has not asked yet.
    assert await count(table) == await count(table, "parts") + 1
    assert await count(table) >= (STORM - 1) * WIDTH + 1


async def test_cancelled_units_give_their_connection_back(table):
    """At shutdown the event loop cancels every task that is left, the units themselves too."""
    cancelled = 0
    for turn in range(STORM):
        callers = [
            asyncio.create_task(
                table.write(lambda tx, n=n, turn=turn: read_then_write(tx, f"{turn}-{n}"))
            )
            for n in range(WIDTH)
        ]
        for _ in range(1 + turn):
            await asyncio.sleep(0)
        for task in asyncio.all_tasks():
            if task.get_name() == "unit of work":
                cancelled += task.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
    async with asyncio.timeout(HANG_SECONDS):
        await asyncio.gather(
            *(table.write(lambda tx, n=n: read_then_write(tx, f"after-{n}")) for n in range(20))
        )

    assert cancelled > STORM
    assert await count(table) >= 20


async def test_cancelled_units_that_run_at_once_are_done_whole_or_not_at_all(table):
    """The thread goes on when nobody waits any more; the connection is free after that."""

    async def pair(tx: Transaction, name: str) -> None:
        await read_then_write(tx, name)
        await tx.run("insert into parts (thing, name) values (:id, 'wheel')", id=name)

    for turn in range(STORM):
        callers = [
            asyncio.create_task(
                table.write(lambda tx, n=n, turn=turn: pair(tx, f"{turn}-{n}"), at_once=True)
            )
            for n in range(WIDTH)
        ]
        for _ in range(1 + turn % 20):
            await asyncio.sleep(0)
        for task in asyncio.all_tasks():
            if task.get_name() == "unit of work":
                task.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
    async with asyncio.timeout(HANG_SECONDS):
        await table.write(lambda tx: pair(tx, "after"), at_once=True)

    assert await count(table) == await count(table, "parts")
    assert await table.read(lambda tx: tx.value("select 1 from things where id = 'after'")) == 1


async def test_units_at_once_do_what_others_do(table):
    """Rows come back, a failure leaves nothing, a failed COMMIT keeps no connection."""

    async def work(tx: Transaction) -> list[object]:
        await tx.many("insert into things (id, size) values (:id, :size)", [("a", 1), ("b", 2)])
        return [
            await tx.all("select id, size from things order by id"),
            tx.dialect == table.dialect,
        ]

    async def broken(tx: Transaction) -> None:
        await read_then_write(tx, "c")
        raise LookupError("ours")

    async def orphan(tx: Transaction) -> None:
        await tx.run("insert into parts (thing, name) values ('nobody', 'wheel')")

    rows, same = await table.write(work, at_once=True)
    with pytest.raises(LookupError, match="ours"):
        await table.write(broken, at_once=True)
    for _ in range(12):
        with pytest.raises((sqlite3.IntegrityError, asyncpg.ForeignKeyViolationError)):
            await table.write(orphan, at_once=True)
    async with asyncio.timeout(HANG_SECONDS):
        with pytest.raises((sqlite3.OperationalError, asyncpg.ReadOnlySQLTransactionError)):
            await table.read(lambda tx: read_then_write(tx, "no"), at_once=True)

    assert same
    assert rows == [{"id": "a", "size": 1}, {"id": "b", "size": 2}]
    assert (await count(table), await count(table, "parts")) == (2, 0)


async def test_a_transaction_is_over_when_its_unit_is(table):
    """A statement after it would be outside of any transaction."""
    kept = []

    async def keep(tx: Transaction) -> None:
        kept.append(tx)

    await table.write(keep)

    with pytest.raises(RuntimeError, match="unit of work is over"):
        await kept[0].run("insert into things (id) values ('late')")


async def test_failed_commits_keep_no_connection(table):
    """Six failed COMMITs exhaust the pool of the bare library for ever."""

    async def orphan(tx: Transaction) -> None:
        await tx.run("insert into parts (thing, name) values ('nobody', 'wheel')")

    for _ in range(12):
        with pytest.raises((sqlite3.IntegrityError, asyncpg.ForeignKeyViolationError)):
            await table.write(orphan)
    async with asyncio.timeout(HANG_SECONDS):
        await table.write(lambda tx: read_then_write(tx, "after"))

    assert await count(table, "parts") == 0


async def test_a_unit_that_raises_leaves_nothing(table):
    """Rows and child rows go together, whatever the error is."""

    async def broken(tx: Transaction) -> None:
        await tx.run("insert into things (id) values ('car')")
        await tx.many("insert into parts (thing, name) values (:thing, :name)", [("car", "wheel")])
        raise LookupError("ours")

    with pytest.raises(LookupError, match="ours"):
        await table.write(broken)

    assert (await count(table), await count(table, "parts")) == (0, 0)


async def test_closing_waits_for_units_whose_callers_are_gone(database_url):
    """What was begun is committed before the connections close."""
    async with Database.open(database_url) as database:
        await database.write(lambda tx: tx.run("create table things (id text)"))
        begun = asyncio.Event()
        go_on = asyncio.Event()

        async def slow(tx: Transaction) -> None:
            await tx.run("insert into things (id) values ('slow')")
            begun.set()
            await go_on.wait()

        caller = asyncio.create_task(database.write(slow))
        await begun.wait()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        asyncio.get_running_loop().call_soon(go_on.set)
    async with Database.open(database_url) as database:
        assert await count(database) == 1


async def test_closing_leaves_no_thread(database_url):
    """A connection that is not closed would keep the process from ending."""
    async with Database.open(database_url) as database:
        await asyncio.gather(*(count(database, "monitors") for _ in range(20)))
        opened = [thread for thread in threading.enumerate() if "connection" in thread.name]

    for thread in opened:
        thread.join(timeout=HANG_SECONDS)  # it is told to end, and ends a moment later

    assert len(opened) <= 5 + 1
    assert [thread for thread in opened if thread.is_alive()] == []


async def test_a_read_sees_one_snapshot(table):
    """What is committed meanwhile shows only in the next unit."""

    async def twice(tx: Transaction) -> tuple[int, int]:
        first = await tx.value("select count(*) from things")
        await write_beside
        return first, await tx.value("select count(*) from things")

    write_beside = asyncio.create_task(table.write(lambda tx: read_then_write(tx, "new")))

    assert await table.read(twice) in {(0, 0), (1, 1)}
    assert await count(table) == 1


async def test_a_read_cannot_write(table):
    """The database itself refuses it, as a mistake of ours and not as an outage."""
    with pytest.raises((sqlite3.OperationalError, asyncpg.ReadOnlySQLTransactionError)):
        await table.read(lambda tx: read_then_write(tx, "no"))


async def test_units_do_not_nest(table):
    """On SQLite the inner one would wait for the outer one for ever."""
    with pytest.raises(RuntimeError, match="cannot contain another"):
        await table.write(lambda _: count(table))


async def test_a_crowd_aside_keeps_nobody_waiting(table):
    """Whoever else writes does not wait for the crowd; as many as go side by side may be sooner."""
    ended = []

    async def one(database: Database, name: str) -> None:
        await database.write(lambda tx: read_then_write(tx, name))
        ended.append(name)

    async def look(database: Database) -> None:
        await count(database)
        ended.append("looked")

    await asyncio.gather(*(count(table) for _ in range(10)))  # so that all connections are open
    aside = table.aside()
    crowd = [one(aside, f"crowd {n}") for n in range(30)] + [look(aside) for _ in range(30)]
    waiting = [asyncio.create_task(each) for each in crowd]
    await asyncio.sleep(0)
    await one(table, "first")
    before = [name for name in ended if name.startswith("crowd")]
    await asyncio.gather(*waiting)

    # One after the other on SQLite; on PostgreSQL how many fit beside it is a matter of time.
    assert len(before) <= (5 if table.dialect == "sqlite" else len(crowd) // 4)
    assert await count(table) == 31


async def test_readers_do_not_wait_for_the_writer(table):
    """A long write must not stop the API from answering."""
    writing = asyncio.Event()
    seen = asyncio.Event()

    async def long(tx: Transaction) -> None:
        await tx.run("insert into things (id) values ('long')")
        writing.set()
        await seen.wait()

    writer = asyncio.create_task(table.write(long))
    await writing.wait()
    async with asyncio.timeout(HANG_SECONDS):
        before = await count(table)
    seen.set()
    await writer

    assert (before, await count(table)) == (0, 1)


async def test_bulk_rows_follow_the_first_appearance_of_each_name(table):
    """A name that is used twice takes one value of the row."""
    rows = [(f"id-{n}", n) for n in range(5000)]
    await table.write(
        lambda tx: tx.many(
            "insert into things (id, size, note) values (:id, :size, 'of :x ' || :id)", rows
        )
    )
    found = await table.read(lambda tx: tx.all("select * from things order by size limit 2"))

    assert await count(table) == 5000
    assert found == [
        {"id": "id-0", "size": 0, "note": "of :x id-0"},
        {"id": "id-1", "size": 1, "note": "of :x id-1"},
    ]


async def test_no_bulk_rows_are_no_statement(table):
    """An empty list is not an error."""
    await table.write(lambda tx: tx.many("insert into things (id) values (:id)", []))

    assert await count(table) == 0


async def test_listed_takes_strings_as_they_are(table):
    """Quotes and unicode are values, not SQL."""
    names = ["plain", "it's", 'a "b"', "ü", "\\x"]
    await table.write(
        lambda tx: tx.many(
            "insert into things (id) values (:id)", [(name,) for name in [*names, "other"]]
        )
    )
    found = await table.read(
        lambda tx: tx.all(
            f"select id from things where id in {tx.listed('ids')}", ids=json.dumps(names)
        )
    )

    assert {row["id"] for row in found} == set(names)


async def test_one_and_value_of_nothing_are_none(table):
    """No row is not an error; a null is not no row."""

    async def look(tx: Transaction) -> list[object]:
        await tx.run("insert into things (id) values ('a')")
        return [
            await tx.one("select id from things where id = 'b'"),
            await tx.value("select id from things where id = 'b'"),
            await tx.one("select size from things where id = 'a'"),
            await tx.value("update things set size = 7 where id = :id returning size", id="a"),
        ]

    assert await table.write(look) == [None, None, {"size": None}, 7]


async def test_a_violated_constraint_passes_as_it_is(table):
    """It is no outage: waiting would not help."""
    await table.write(lambda tx: read_then_write(tx, "one"))

    with pytest.raises((sqlite3.IntegrityError, asyncpg.UniqueViolationError)):
        await table.write(lambda tx: read_then_write(tx, "one"))


async def test_an_error_of_the_work_passes_as_it_is(table):
    """A TimeoutError from elsewhere must not be taken for the database's."""

    async def impatient(_: Transaction) -> None:
        raise TimeoutError("not the database")

    with pytest.raises(TimeoutError, match="not the database"):
        await table.write(impatient)
