"""PostgreSQL behind PgBouncer: sessions that are another client's in the next moment."""

import asyncio

import pytest

from crypitor.cli.opened import in_database
from crypitor.config import load
from crypitor.database.engine import Database
from crypitor.database.migrate import migrate, pending
from crypitor.database.postgresql import STATEMENT_SECONDS
from crypitor.development.listen import Receiver
from crypitor.development.simulator.audit import audit
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.errors import ConfigError, DatabaseUnavailable
from tests.live.pgbouncer import pgbouncer, run, unit_settings
from tests.live.postgres import cluster
from tests.rig import Service, heard
from tests.test_crash import CONFIRMATIONS, ask

pytestmark = pytest.mark.live

IGNORED = (
    "ignore_startup_parameters = "
    "statement_timeout,lock_timeout,idle_in_transaction_session_timeout,jit"
)
WAYS = [("session", ""), ("transaction", ""), ("session", IGNORED), ("transaction", IGNORED)]
IN_FORCE = {
    "statement_timeout": "1min",
    "lock_timeout": "15s",
    "idle_in_transaction_session_timeout": "4s",
    "jit": "off",
}


@pytest.fixture(scope="module")
def server():
    with cluster() as server:
        yield server


@pytest.mark.parametrize("mode, more", WAYS)
async def test_limits_are_in_force_for_every_unit(server, mode, more):
    """Whether it refuses them for a session or drops them: they go with each transaction."""
    with pgbouncer(server.url, mode, more) as url:
        async with Database.open(url, connections=6) as database:
            units = [database.write(unit_settings) for _ in range(20)]
            units += [database.read(unit_settings) for _ in range(20)]
            found = await asyncio.gather(*units)

    assert found == [IN_FORCE] * 40


@pytest.mark.parametrize("mode", ["session", "transaction"])
async def test_a_unit_that_stands_idle_is_ended(server, mode):
    """So that a process which was paused holds no lock; the next unit works."""
    with pgbouncer(server.url, mode) as url:
        async with Database.open(url, connections=2) as database:

            async def idle(tx):
                await tx.value("select 1")
                await asyncio.sleep(6)  # longer than PostgreSQL lets it stand
                await tx.value("select 1")

            with pytest.raises(DatabaseUnavailable):
                await database.write(idle)
            assert await database.read(lambda tx: tx.value("select 7")) == 7


async def test_closing_cuts_off_what_waits_for_a_session(server):
    """It would wait for longer than a statement may take; what was committed stays."""
    await run(server.url, "create table kept (id int)")
    with pgbouncer(server.url, "session", size=1) as url:
        async with asyncio.timeout(STATEMENT_SECONDS):
            async with Database.open(url, connections=4) as database:
                await database.write(lambda tx: tx.run("insert into kept values (1)"))
                waiting = [
                    asyncio.create_task(database.read(lambda tx: tx.value("select pg_sleep(1)")))
                    for _ in range(8)
                ]
                _, late = await asyncio.wait(waiting, timeout=5)
                for unit in late:
                    unit.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)
            assert late
    with pgbouncer(server.url, "session") as url:
        async with Database.open(url, connections=1) as database:
            assert await database.read(lambda tx: tx.value("select count(*) from kept")) == 1


@pytest.mark.parametrize("mode", ["session", "transaction"])
async def test_a_schema_is_made_through_it(server, mode):
    """By one of several that try at once, each through sessions that others have used."""
    name = f"made_{mode}"
    await run(server.url, f"create database {name}")
    with pgbouncer(f"{server.url.removesuffix('/postgres')}/{name}", mode) as url:
        applied = await asyncio.gather(migrate(url), migrate(url), migrate(url))
        left = await pending(url)

    assert sum(map(bool, applied)) == 1
    assert not left


@pytest.mark.timeout(120)
@pytest.mark.parametrize("mode", ["session", "transaction"])
async def test_the_service_works_through_it(tmp_path, server, mode):
    """Blocks, a reorg and webhooks; nothing is lost, invented, or an outage."""
    chain, secrets, name = SimulatedChain(5), [], f"service_{mode}"
    await run(server.url, f"create database {name}")
    with pgbouncer(f"{server.url.removesuffix('/postgres')}/{name}", mode) as url:
        async with SimulatorServer(chain) as node, Receiver(lambda: secrets) as receiver:
            service = Service(
                tmp_path,
                {
                    "CRYPITOR__DATABASE__URL": url,
                    "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
                    "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
                    "CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": str(CONFIRMATIONS),
                    "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.02",
                    "CRYPITOR__NETWORKS__DEV__START": "0",
                },
            )
            await service.start()
            question = await ask(service, chain, receiver, secrets)
            for _ in range(10):
                chain.mine(3)
                await service.until_tip("dev", chain.head.number)
            chain.reorg(3, 5)
            chain.mine(10)
            await service.until_tip("dev", chain.head.number)
            await service.until_nothing_is_due()
            found = audit(chain, [question], heard(receiver), chain.head.number)
            outages = service.log.read_text().count("outage begins")
            status = await service.stop()

    assert found.problems == []
    assert found.expected > 20
    assert (outages, status) == (0, 0)


async def test_a_mode_without_transactions_is_a_wrong_configuration(tmp_path, server):
    """Nothing that is stored whole or not at all can be stored through it."""
    with pgbouncer(server.url, "statement") as url:
        config = tmp_path / "config.toml"
        config.write_text(f'[database]\nurl = "{url}"\n')
        with pytest.raises(ConfigError, match="transaction blocks not allowed"):
            await asyncio.to_thread(in_database, load(config, {}), lambda tx: tx.value("select 1"))
