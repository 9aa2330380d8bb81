"""A failover that leaves the old sessions open and read-only, and what a server refuses for good."""

import asyncio

import asyncpg
import pytest

from crypitor.database.engine import Database
from crypitor.database.migrate import migrate, pending
from crypitor.errors import ConfigError, DatabaseUnavailable
from tests.live.pgbouncer import run
from tests.live.postgres import cluster
from tests.ports import free_port

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def server():
    with cluster() as server:
        yield server


async def read_only(server, *, on: bool):
    """Make the sessions that are open now read-only; those opened later are not."""
    await run(server.url, "alter role postgres set default_transaction_read_only = off")
    word = "on" if on else "off"
    admin = await asyncpg.connect(server.url)
    await admin.execute(f"alter system set default_transaction_read_only = {word}")
    await admin.execute("select pg_reload_conf()")
    await admin.close()


async def default(tx):
    await asyncio.sleep(0.05)  # so that all five are open at once
    return (
        await tx.value("select pg_backend_pid()"),
        await tx.value("select current_setting('default_transaction_read_only')"),
    )


async def sessions(database):
    return dict(await asyncio.gather(*(database.read(default) for _ in range(5))))


@pytest.mark.timeout(120)
async def test_sessions_that_became_read_only_are_left_at_the_first_write(server):
    """For new connections, all of them; the next unit works."""
    async with Database.open(server.url, connections=5) as database:
        await database.write(lambda tx: tx.run("create table things (id text)"))
        await sessions(database)
        await read_only(server, on=True)
        try:
            async with asyncio.timeout(60):
                while set((before := await sessions(database)).values()) != {"on"}:
                    pass
            with pytest.raises(DatabaseUnavailable, match="read-only transaction"):
                await database.write(lambda tx: tx.run("insert into things values ('lost')"))
            await database.write(lambda tx: tx.run("insert into things values ('kept')"))
            after = await sessions(database)
            kept = await database.read(lambda tx: tx.value("select id from things"))
        finally:
            await read_only(server, on=False)

    assert kept == "kept"
    assert len(before) == 5
    assert not before.keys() & after.keys()


@pytest.fixture(scope="module")
def guarded(server):
    """A role with a password, and one that may make nothing."""
    hba = server.folder / "data/pg_hba.conf"
    rules = "host all sesame 127.0.0.1/32 scram-sha-256\nhost all barred 127.0.0.1/32 reject\n"
    hba.write_text(rules + hba.read_text())

    async def prepare():
        for sql in (
            "create role sesame login password 'open'", "create role barred login",
            "create role poor login", "select pg_reload_conf()",
        ):  # fmt: skip
            await run(server.url, sql)

    asyncio.run(prepare())
    return server.url.removeprefix("postgresql://postgres@")


@pytest.mark.parametrize(
    "user, rest, sentence",
    [
        ("sesame:wrong", "", 'password authentication failed for user "sesame"'),
        ("nobody", "", 'role "nobody" does not exist'),
        ("barred", "", "pg_hba.conf"),
        ("postgres", "_not", 'database "postgres_not" does not exist'),
        ("postgres", "?no_such=1", 'unrecognized configuration parameter "no_such"'),
        ("postgres", "?statement_timeout=never", 'invalid value for parameter "statement_timeout"'),
        ("postgres", "?max_connections=5", "cannot be changed without restarting"),
        ("postgres", "?sslmode=require", "speaks no TLS"),
        ("postgres", "?sslmode=odd", "sslmode"),
        ("poor", "", "permission denied for schema public"),
    ],
)
async def test_what_no_waiting_mends_is_a_wrong_configuration(guarded, user, rest, sentence):
    """With the server's sentence, and without the password."""
    url = f"postgresql://{user}@{guarded}{rest}"

    with pytest.raises(ConfigError) as wrong:
        await migrate(url)

    [line] = wrong.value.mistakes
    assert line.startswith("database.url: ")
    assert sentence in line
    assert "wrong" not in line


async def test_a_server_that_is_away_is_waited_for():
    """It may be there a moment later, and so may one that is just starting."""
    with pytest.raises(DatabaseUnavailable):
        await pending(f"postgresql://postgres@127.0.0.1:{free_port()}/x")


async def test_of_several_hosts_the_one_that_can_be_written_is_used(server):
    """As libpq has it; one that is away is passed over."""
    place = server.url.removeprefix("postgresql://postgres@")
    url = f"postgresql://postgres@127.0.0.1:{free_port()},{place}"
    async with Database.open(url, connections=2) as database:
        writable = await database.write(lambda tx: tx.value("show transaction_read_only"))

    assert writable == "off"
