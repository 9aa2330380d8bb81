"""One owner of a PostgreSQL database with the in-process queue: sessions that end, hang and pause."""

import asyncio
import signal
import time
from contextlib import asynccontextmanager

import asyncpg
import pytest

from crypitor.config import load
from crypitor.database.engine import Database
from crypitor.database.hold import Taken
from crypitor.database.hold_postgresql import SILENT_SECONDS
from crypitor.database.migrate import _ADVISORY_LOCK as MIGRATING
from crypitor.database.migrate import migrate
from crypitor.development.listen import Behaviour, Receiver
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.errors import DatabaseUnavailable, Displaced
from crypitor.process.check.mixture import mixture_findings
from crypitor.process.opening import opened_in_time
from crypitor.process.peers import Processes
from crypitor.runtime.loop import Health
from tests.conftest import postgres_database
from tests.live.owners import OWNER, holds, owners, rows
from tests.live.postgres import cluster
from tests.test_owner import ended, watch

pytestmark = pytest.mark.live

END_SESSIONS = """select pg_terminate_backend(pid) from pg_stat_activity
    where application_name like 'crypitor %'"""


@pytest.fixture
async def url():
    async with postgres_database() as url:
        yield url


@pytest.fixture
async def hold(url):
    """Make holds of the database; all are let go afterwards."""
    async with holds() as hold_with:
        yield lambda where=url, **environ: hold_with(where, **environ)


async def test_a_session_that_was_lost_is_taken_anew(hold, url):
    """As long as nobody else has taken the database meanwhile."""
    one, other = hold(), hold()
    await one.take()
    await rows(url, END_SESSIONS)
    await one.keep()
    with pytest.raises(Taken):
        await other.take()


async def test_a_session_that_ends_says_so(hold, url):
    """Without being asked, so that nobody has a second in which to take the database."""
    one = hold()
    await one.take()
    at_first = one.lost.is_set()
    await rows(url, END_SESSIONS)
    async with asyncio.timeout(30):
        await one.lost.wait()
    await one.keep()

    assert not at_first
    assert not one.lost.is_set()


async def test_who_lost_its_session_to_another_owner_is_displaced(hold, url):
    """And is told by whom."""
    one, other = hold(), hold()
    await one.take()
    await rows(url, END_SESSIONS)
    await other.take()

    with pytest.raises(Displaced, match=f"process {other.holder.process} on "):
        await one.keep()


async def test_a_server_that_is_read_only_holds_nothing(hold, url):
    """As after a failover in which the old sessions stay open; until it can be written again."""
    name = url.rpartition("/")[2]
    one = hold()
    await one.take()
    await rows(url, f"alter database {name} set default_transaction_read_only = on")
    await rows(url, END_SESSIONS)
    for trying in (one.keep, one.keep, hold().take):
        with pytest.raises(DatabaseUnavailable, match="read-only"):
            await trying()
    await rows(url.rpartition("/")[0] + "/postgres", f"alter database {name} reset all")
    await one.keep()

    with pytest.raises(Taken):
        await hold().take()


async def test_two_schemas_are_two_databases(hold, url):
    """Each with a service of its own, by the search path in the URL."""
    await rows(url, "create schema one")
    await rows(url, "create schema two")
    await hold(f"{url}?search_path=one").take()
    await hold(f"{url}?search_path=two").take()
    with pytest.raises(Taken):
        await hold(f"{url}?search_path=two").take()


async def test_it_holds_up_no_vacuum(hold, url):
    """Its transaction has neither a snapshot nor a number between two statements."""
    one = hold()
    await one.take()
    await one.keep()
    [row] = await rows(
        url,
        """select backend_xmin, backend_xid, state from pg_stat_activity
            where application_name like 'crypitor %'""",
    )

    assert (row["backend_xmin"], row["backend_xid"]) == (None, None)
    assert row["state"] == "idle in transaction"


@pytest.mark.timeout(120)
async def test_it_stays_while_the_schema_takes_long(hold, url, tmp_path):
    """Longer than the server lets a session be silent: nobody else takes it meanwhile."""
    admin = await asyncpg.connect(url)
    await admin.execute("select pg_advisory_lock($1)", MIGRATING)  # as another migration has it
    (tmp_path / "config.toml").touch()
    config = load(tmp_path / "config.toml", {"CRYPITOR__DATABASE__URL": url})
    stop, one = asyncio.Event(), hold()
    opening = asyncio.create_task(opened_in_time(config, OWNER, one, stop, Health()))
    async with asyncio.timeout(60):
        while not await rows(url, "select 1 from pg_locks where not granted"):
            await asyncio.sleep(0.1)
    for _ in range(SILENT_SECONDS + 3):
        await asyncio.sleep(1)
        with pytest.raises(Taken, match=f"process {one.holder.process} on "):
            await hold().take()
    await admin.close()
    opened = await opening
    assert opened is not None
    await opened[0].aclose()


async def test_kafkas_processes_hold_no_session(hold, url):
    """They only make sure that nobody owns the database."""
    kafka = [hold(CRYPITOR__QUEUE__KIND="kafka") for _ in range(2)]
    for one in kafka:
        await one.take()
        await one.keep()
    owner = hold()
    await owner.take()
    with pytest.raises(Taken):
        await hold(CRYPITOR__QUEUE__KIND="kafka").take()


@asynccontextmanager
async def telling(url, *roles, life="kafka-life", times=None):
    """A process with Kafka that tells how it stands, for so many times or until the end."""
    await migrate(url)
    async with Database.open(url, connections=1) as database:
        processes = Processes(database, f"another-host:4711:{life}")

        async def tell():
            left = times
            while left is None or left > 0:
                await processes.exchange({"roles": roles}, {})
                left = None if left is None else left - 1
                await asyncio.sleep(0.1)

        await processes.exchange({"roles": roles}, {})
        task = asyncio.create_task(tell())
        yield processes
        task.cancel()


async def test_an_owner_is_refused_beside_processes_with_kafka(hold, url):
    """They hold nothing, and are told apart from those that were killed by what they tell."""
    one = hold()
    async with telling(url, "worker", "monitor") as processes:
        with pytest.raises(Taken, match="process 4711 on another-host"):
            await one.take()
        await hold(CRYPITOR__QUEUE__KIND="kafka").take()  # as many of those as there are
        found = await mixture_findings(load(None, {"CRYPITOR__DATABASE__URL": url}), [])
        await processes.leave()

    assert ["process 4711 on another-host uses" in one.sentence for one in found] == [True]
    assert "kill 4711" in found[0].cure


@pytest.mark.parametrize(
    "roles, options", [(["worker", "api"], {"times": 0}), (["webhook"], {}), (["worker"], {})]
)
async def test_an_owner_is_not_refused_beside_what_excludes_nobody(hold, url, roles, options):
    """A process that was killed, one that only sends, and one that holds what it needs."""
    one = hold()
    if roles == ["worker"]:
        options = {"life": one.holder.life}  # this process itself, before it lost its session
    async with telling(url, *roles, **options):
        await one.take()
        with pytest.raises(Taken):
            await hold().take()


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
    leases = {
        "CRYPITOR__WEBHOOK__LEASE_SECONDS": "600",
        "CRYPITOR__WEBHOOK__TIMEOUT_SECONDS": "500",
    }
    async with owners(tmp_path, node.url) as service:
        yield lambda url: service(url, **leases)


@pytest.mark.timeout(180)
async def test_a_second_run_ends_and_after_kill_9_the_next_one_starts(services, url, node):
    """What was in flight then is sent at once."""
    secrets = []
    async with Receiver(lambda: secrets, behaviour=Behaviour(hang=True)) as receiver:
        first, second = services(url), services(url)
        await first.start()
        await first.until_tip("dev", 5)
        await second.start_without_api()
        status, said = await ended(second)
        monitor = await watch(first, node.chain, f"{receiver.url}/hook")
        secrets.append(monitor["webhook"]["secret"])
        node.chain.mine(2)
        async with asyncio.timeout(60):
            while not await rows(url, "select 1 from deliveries where claimed_by is not null"):
                await asyncio.sleep(0.05)
        await first.kill()
        port = int(receiver.url.rsplit(":", 1)[1])
    async with Receiver(lambda: secrets, port=port) as receiver:
        third = services(url)
        await third.start()
        await third.until_nothing_is_due()
        arrived = len(receiver.received)

    assert status == 2
    assert f"is held by process {first.process._process.pid} on " in said
    assert "Traceback" not in said
    assert arrived > 0
    assert await third.stop() == 0


@pytest.mark.timeout(180)
async def test_an_owner_that_was_paused_is_followed_by_another_and_ends(services, url):
    """Its session ends after ten seconds; when it goes on it notices, and ends with status 1."""
    first, second = services(url), services(url)
    await first.start()
    await first.until_tip("dev", 5)
    first.process.send_signal(signal.SIGSTOP)
    async with asyncio.timeout(60):
        while await rows(url, "select 1 from pg_locks where locktype = 'advisory'"):
            await asyncio.sleep(0.2)
    await second.start()
    first.process.send_signal(signal.SIGCONT)
    began = time.monotonic()
    status, said = await ended(first)
    took = time.monotonic() - began
    network = await second.get("/v1/networks/dev")

    print(f"noticed after {took:.1f} s")
    assert status == 1
    assert f"is held by process {second.process._process.pid} on " in said
    assert "Traceback" not in said
    assert (network["state"], network["trouble"]) == ("following", None)
    assert await second.stop() == 0


@pytest.mark.timeout(180)
async def test_an_owner_goes_on_after_its_server_was_away(services):
    """It is in doubt meanwhile, and says so; nobody else has the database afterwards."""
    with cluster() as server:
        service, other = services(server.url), services(server.url)
        await service.start()
        await service.until_tip("dev", 5)
        await asyncio.to_thread(server.cut)
        await service.until_ready(503)
        network = None
        async with asyncio.timeout(30):
            while (network := await state_of(service))[0] == "following":
                await asyncio.sleep(0.1)
        await asyncio.to_thread(server.start)
        await service.until_ready(200, 60)
        await other.start_without_api()
        status, _ = await ended(other)
        ended_at_last = await service.stop()

    assert network[0] == "waiting"
    assert network[1]
    assert (status, ended_at_last) == (2, 0)
    assert "another process" not in service.log.read_text()


async def state_of(service):
    """State and trouble in the metrics and the page's own words; the API needs the database."""
    async with service.api() as api, api.get("/metrics") as answer:
        text = await answer.text()
    trouble = 'crypitor_network_trouble{network="dev"} 1.0' in text
    return ("waiting" if trouble else "following", trouble)
