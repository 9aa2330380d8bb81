"""One owner of a PostgreSQL database behind PgBouncer, whose sessions are shared between clients."""

import asyncio
import signal
import time

import asyncpg
import pytest

from crypitor.database.hold import Taken
from crypitor.database.hold_postgresql import holders_of
from crypitor.database.migrate import pending
from crypitor.database.sessions import sessions_given
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.errors import DatabaseUnavailable, Displaced
from tests.live.owners import holds, owners
from tests.live.pgbouncer import pgbouncer, run
from tests.live.postgres import cluster
from tests.test_owner import ended

pytestmark = pytest.mark.live

MODES = ["session", "transaction"]
LOCKS = "select count(*) from pg_locks where locktype = 'advisory'"


@pytest.fixture(scope="module")
def server():
    with cluster() as server:
        yield server


@pytest.fixture(params=MODES)
def pooled(request, server):
    """The server through PgBouncer, in each of its modes."""
    with pgbouncer(server.url, request.param) as url:
        yield url


@pytest.fixture
async def hold():
    """Make holds of a database; all are let go afterwards."""
    async with holds() as hold_with:
        yield hold_with


async def asked(url, sql):
    admin = await asyncpg.connect(url)
    try:
        return await admin.fetchval(sql)
    finally:
        await admin.close()


async def crowd(url, clients=12, times=30):
    """Let many clients use the pooler's sessions, in short transactions."""

    async def client():
        connection = await asyncpg.connect(url, statement_cache_size=0)
        try:
            for _ in range(times):
                async with connection.transaction():
                    await connection.execute("select 1")
        finally:
            await connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))


async def test_the_hold_stays_with_its_owner(hold, pooled, server):
    """While others use the pooler's sessions, and after the limit for idle transactions."""
    one = hold(pooled)
    await one.take()
    for _ in range(4):
        await crowd(pooled)
        await one.keep()

    for url in (pooled, server.url):  # beside the pooler it is the same database
        with pytest.raises(Taken, match=f"process {one.holder.process} on "):
            await hold(url).take()
    assert await asked(server.url, LOCKS) > 0


async def test_what_is_let_go_is_free_at_once(hold, pooled, server):
    """Nothing stays with a session that the pooler keeps."""
    one = hold(pooled)
    await one.take()
    await one.release()
    await hold(pooled).take()


async def test_who_lost_it_to_another_is_displaced(hold, pooled, server):
    """A session that the server ended, and that somebody else followed."""
    one, other = hold(pooled), hold(pooled)
    await one.take()
    await run(
        server.url,
        "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'",
    )
    await other.take()
    with pytest.raises(Displaced, match=f"process {other.holder.process} on "):
        await one.keep()


async def test_a_pooler_that_was_away_is_an_outage(hold, server):
    """The hold is taken anew when it is back."""
    with pgbouncer(server.url, "transaction") as url:
        one = hold(url)
        await one.take()
    with pytest.raises(DatabaseUnavailable):
        await one.keep()
    assert await asked(server.url, LOCKS) == 0
    with pgbouncer(server.url, "transaction", port=int(url.rsplit(":", 1)[1].split("/")[0])):
        await one.keep()
        with pytest.raises(Taken):
            await hold(server.url).take()


async def test_the_poolers_limits_end_no_hold_that_is_kept(hold, server):
    """One that is made sure of once a second is never idle for longer."""
    limits = ("idle_transaction_timeout = 4", "query_timeout = 4", "client_idle_timeout = 4")
    more = "\n".join((*limits, "server_lifetime = 1", "server_reset_query_always = 1"))
    with pgbouncer(server.url, "transaction", more) as url:
        one = hold(url)
        await one.take()
        session = one._connection
        for _ in range(6):
            await asyncio.sleep(1)
            await one.keep()
        assert one._connection is session


# ---- processes


@pytest.fixture
async def node():
    chain = SimulatedChain(8)
    chain.mine(5)
    async with SimulatorServer(chain) as server:
        yield server


@pytest.fixture
async def services(tmp_path, node):
    """Make services in folders of their own; none outlives the test."""
    async with owners(tmp_path, node.url) as service:
        yield lambda url: service(url, CRYPITOR__SERVER__SHUTDOWN_SECONDS="2")


async def fresh(server, pooled, name):
    await run(server.url, f"create database {name}")
    return f"{pooled.removesuffix('/postgres')}/{name}"


@pytest.mark.timeout(180)
async def test_a_second_run_ends_and_after_kill_9_the_next_one_starts(
    services, server, pooled, request
):
    """Through the pooler as without it: with the owner's name, and at once."""
    url = await fresh(server, pooled, f"two_{request.node.callspec.params['pooled']}")
    first, second = services(url), services(url)
    await first.start()
    await first.until_tip("dev", 5)
    began = time.monotonic()
    await second.start_without_api()
    status, said = await ended(second)
    print(f"ended after {time.monotonic() - began:.1f} s")
    network = await first.get("/v1/networks/dev")
    await first.kill()
    third = services(url)
    await third.start()
    await third.until_tip("dev", 5)

    assert status == 2
    assert f"is held by process {first.process._process.pid} on " in said
    assert "Traceback" not in said
    assert (network["state"], network["trouble"]) == ("following", None)
    assert await third.stop() == 0


@pytest.mark.timeout(180)
async def test_an_owner_that_was_paused_is_followed_by_another_and_ends(
    services, server, pooled, request
):
    """The server ends its session after ten seconds, whoever is between."""
    url = await fresh(server, pooled, f"paused_{request.node.callspec.params['pooled']}")
    first, second = services(url), services(url)
    await first.start()
    await first.until_tip("dev", 5)
    first.process.send_signal(signal.SIGSTOP)
    async with asyncio.timeout(60):
        while await asked(server.url, LOCKS):
            await asyncio.sleep(0.2)
    await second.start()
    first.process.send_signal(signal.SIGCONT)
    began = time.monotonic()
    status, said = await ended(first)
    print(f"noticed after {time.monotonic() - began:.1f} s")

    assert status == 1
    assert f"is held by process {second.process._process.pid} on " in said
    assert await second.stop() == 0


# ---- sessions


@pytest.mark.parametrize(
    "mode, size, given", [("session", 3, 3), ("session", 20, 7), ("transaction", 3, 7)]
)
async def test_tells_how_many_sessions_there_are(server, mode, size, given):
    """In session mode each wants one of the server's; in the other only whoever is at work."""
    with pgbouncer(server.url, mode, size=size) as url:
        assert await sessions_given(url, 7) == given


@pytest.mark.parametrize("mode", MODES)
async def test_says_so_where_the_hold_has_the_only_session(hold, server, mode):
    """A start, and whoever looks, gets an answer in place of waiting for the pooler."""
    with pgbouncer(server.url, mode, size=1) as url:
        assert await sessions_given(url, 7) == 1
        one = hold(url)
        await one.take()
        keeping = asyncio.create_task(kept(one))
        async with asyncio.timeout(60):
            for look in (hold(url).take, lambda: holders_of(url), lambda: pending(url)):
                with pytest.raises(DatabaseUnavailable, match="all its sessions are in use"):
                    await look()
        keeping.cancel()


async def kept(hold):
    """Keep a hold, as the service does."""
    while True:
        await hold.keep()
        await asyncio.sleep(1)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("size", [2, 3])
async def test_a_service_without_sessions_ends(services, server, size):
    """What waits for the pooler is cut off when the service is told to end."""
    await run(server.url, f"create database starved_{size}")
    with pgbouncer(server.url, "session", size=size) as url:
        service = services(f"{url.removesuffix('/postgres')}/starved_{size}")
        await service.start()
        await service.until_tip("dev", 5)
        service.process.send_signal(signal.SIGTERM)
        status, said = await ended(service)  # in less than a statement may take

    assert status == 0, said
    assert "Traceback" not in said
    assert "units of work cut off at the end" in said
