"""What only PostgreSQL has: a server that ends, sessions that are killed, rows that are locked."""

import asyncio
import contextlib
import socket
from collections.abc import Mapping

import asyncpg
import pytest

from crypitor.database.engine import Database, Transaction
from crypitor.errors import DatabaseUnavailable
from tests.conftest import POSTGRES, postgres_database
from tests.patience import HANG_SECONDS


async def test_a_server_that_is_down_is_an_outage_without_its_password():
    """It is told where, and never with which password."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"postgresql://crypitor:sesame@127.0.0.1:{nobody.getsockname()[1]}/crypitor"

        with pytest.raises(
            DatabaseUnavailable, match=r"PostgreSQL 127\.0\.0\.1:\d+/crypitor: "
        ) as raised:
            async with Database.open(url):
                pass
    assert "sesame" not in str(raised.value)


if POSTGRES:

    @pytest.fixture
    async def url():
        async with postgres_database() as url:
            yield url

    @pytest.mark.live
    async def test_killed_sessions_are_an_outage_and_the_next_unit_works(url):
        """However often it happens, and in the middle of a unit."""
        admin = await asyncpg.connect(url)
        async with Database.open(url, connections=2) as database:
            await database.write(lambda tx: tx.run("create table things (id text)"))

            async def victim(tx: Transaction) -> None:
                await tx.run("insert into things values ('lost')")
                session = await tx.value("select pg_backend_pid()")
                await admin.execute("select pg_terminate_backend($1, 5000)", session)
                await tx.run("insert into things values ('lost too')")

            for _ in range(5):
                with pytest.raises(DatabaseUnavailable, match="PostgreSQL"):
                    await database.write(victim)
            async with asyncio.timeout(HANG_SECONDS):
                found = await database.read(lambda tx: tx.value("select count(*) from things"))

            assert found == 0
        await admin.close()

    @pytest.mark.live
    async def test_sessions_killed_while_idle_are_noticed(url):
        """A pooled connection that died is an outage at most once for each."""
        admin = await asyncpg.connect(url)
        async with Database.open(url, connections=1) as database:
            await database.read(lambda tx: tx.value("select 1"))
            await admin.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
            answers = []
            async with asyncio.timeout(HANG_SECONDS):
                while not answers:
                    try:
                        answers.append(await database.read(lambda tx: tx.value("select 42")))
                    except DatabaseUnavailable:
                        continue

            assert answers == [42]
        await admin.close()

    @pytest.mark.live
    async def test_a_deadlock_is_an_outage_for_one_of_two(url):
        """Trying again is the whole cure."""
        async with Database.open(url) as database:
            await database.write(
                lambda tx: tx.run("create table things (id text primary key, n int)")
            )
            await database.write(
                lambda tx: tx.many("insert into things values (:id, 0)", [("a",), ("b",)])
            )
            both = asyncio.Barrier(2)

            async def crosswise(tx: Transaction, first: str, second: str) -> None:
                await tx.run("update things set n = n + 1 where id = :id", id=first)
                await both.wait()
                await tx.run("update things set n = n + 1 where id = :id", id=second)

            outcomes = await asyncio.gather(
                database.write(lambda tx: crosswise(tx, "a", "b")),
                database.write(lambda tx: crosswise(tx, "b", "a")),
                return_exceptions=True,
            )

            assert {type(outcome) for outcome in outcomes} == {DatabaseUnavailable, type(None)}

    @pytest.mark.live
    async def test_a_schema_that_changes_meanwhile_is_an_outage_at_most(url):
        """A newer process migrates while an older one still runs its prepared statements."""

        async def look(tx: Transaction) -> list[Mapping[str, object]]:
            await tx.value("select 1")  # so that the statement is not the first of its transaction
            return await tx.all("select * from things")

        async with Database.open(url, connections=1) as database:
            await database.write(lambda tx: tx.run("create table things (id text)"))
            await database.read(look)
            admin = await asyncpg.connect(url)
            await admin.execute("alter table things add column size bigint")
            await admin.execute("insert into things values ('a', 1)")
            await admin.close()
            found = None
            async with asyncio.timeout(HANG_SECONDS):
                while found is None:
                    with contextlib.suppress(DatabaseUnavailable):
                        found = await database.read(look)

            assert found == [{"id": "a", "size": 1}]

    @pytest.mark.live
    async def test_time_limits_and_isolation_are_in_force(url):
        """A hanging statement or a forgotten transaction must not hold its locks for ever."""

        async def settings(tx: Transaction) -> list[str]:
            names = (
                "statement_timeout",
                "lock_timeout",
                "idle_in_transaction_session_timeout",
                "transaction_isolation",
            )
            return [await tx.value(f"show {name}") for name in names]

        async with Database.open(url) as database:
            assert await database.write(settings) == ["1min", "15s", "4s", "read committed"]
            assert await database.read(settings) == ["1min", "15s", "4s", "repeatable read"]
