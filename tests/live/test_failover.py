"""The service over a PostgreSQL that fails in every way that it has: nothing is lost or invented."""

import asyncio
import contextlib
import random
import time

import asyncpg
import pytest

from crypitor.development.listen import Receiver
from crypitor.development.simulator.audit import audit
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.live.postgres import cluster
from tests.rig import Service, heard
from tests.test_crash import CONFIRMATIONS, DEEPEST_REORG, LEASE_SECONDS, ask, fork

pytestmark = pytest.mark.live

# What was committed is there after an immediate restart, as on a server of one's own.
OPTIONS = "-c synchronous_commit=on -c max_connections=30"

FAILING_COMMITS = """
    create function fail_sometimes() returns trigger language plpgsql as $$
        begin
            if random() < 0.3 then raise exception 'no' using errcode = '40001'; end if;
            return null;
        end $$;
    create constraint trigger headers_fail after insert on headers
        initially deferred for each row execute function fail_sometimes();
    create constraint trigger deliveries_fail after insert or update on deliveries
        initially deferred for each row when (random() < 0.02) execute function fail_sometimes();
"""

WORKING_COMMITS = """
    drop trigger headers_fail on headers;
    drop trigger deliveries_fail on deliveries;
    drop function fail_sometimes;
"""

KILL_SESSIONS = """select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'crypitor'"""


async def run(server, sql):
    admin = await asyncpg.connect(server.url)
    try:
        await admin.execute(sql)
    finally:
        await admin.close()


async def kill_sessions(server, chance):
    """All sessions of the service end, again and again."""
    for _ in range(8):
        await run(server, KILL_SESSIONS)
        await asyncio.sleep(chance.uniform(0, 0.5))


async def restart(server, chance):
    """The server ends at once, is away for a moment or two, and recovers."""
    for seconds in (0, 2):
        await asyncio.to_thread(server.cut)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(server.start)
        await asyncio.sleep(chance.uniform(0.5, 1.5))


async def fail_commits(server, chance):
    """A COMMIT fails, three times of ten where a block was stored."""
    await run(server, FAILING_COMMITS)
    await asyncio.sleep(5)
    await run(server, WORKING_COMMITS)


async def connection_storm(server, chance):
    """Others take every connection, and the service loses its own."""
    admin = await asyncpg.connect(server.url)
    async with contextlib.AsyncExitStack() as taken:
        taken.push_async_callback(admin.close)
        for _ in range(2):
            with contextlib.suppress(asyncpg.TooManyConnectionsError):
                while True:
                    other = await asyncpg.connect(server.url)
                    taken.push_async_callback(other.close)
            await admin.execute(KILL_SESSIONS)
        await asyncio.sleep(3)


TROUBLES = (kill_sessions, restart, fail_commits, connection_storm)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_nothing_is_lost_while_the_database_fails(tmp_path, trouble):
    """While blocks stream and fork; the process goes on by itself and is ready in the end."""
    chance, chain, secrets = random.Random(4), SimulatedChain(4), []
    with cluster(OPTIONS) as server:
        async with SimulatorServer(chain) as node, Receiver(lambda: secrets) as receiver:
            service = Service(
                tmp_path,
                {
                    "CRYPITOR__DATABASE__URL": server.url,
                    "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
                    "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
                    "CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": str(CONFIRMATIONS),
                    "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.02",
                    "CRYPITOR__NETWORKS__DEV__START": "0",
                    "CRYPITOR__WEBHOOK__LEASE_SECONDS": LEASE_SECONDS,
                    "CRYPITOR__WEBHOOK__TIMEOUT_SECONDS": "1",
                    "CRYPITOR__WEBHOOK__SCHEDULE_SECONDS": "[0.1, 0.5, 1, 2, 5]",
                },
            )
            await service.start()
            question = await ask(service, chain, receiver, secrets)
            mining = asyncio.create_task(grow(chain, chance))
            await asyncio.sleep(1)
            await service.until_tip("dev", chain.head.number)
            chain.reorg(DEEPEST_REORG, DEEPEST_REORG + 1)  # there is much to retract in the trouble
            await trouble(server, chance)
            over = time.monotonic()
            before = chain.head.number
            await service.until_tip("dev", before, 60)
            took = time.monotonic() - over
            mining.cancel()
            chain.mine(2 * DEEPEST_REORG)
            await service.until_tip("dev", chain.head.number)
            await service.until_nothing_is_due()
            ended = service.process.returncode
            await service.until_ready()
            found = audit(chain, [question], heard(receiver), chain.head.number)
            outages = service.log.read_text().count("outage begins")
            status = await service.stop()

    print(f"{trouble.__name__}: {chain.head.number} blocks, {chain.reorg_count} reorgs, "
          f"{found.webhooks} webhooks, {found.repeated} repeated, "
          f"{found.reverted} of reverted matches, {outages} outages, well after {took:.1f} s")  # fmt: skip
    assert found.problems == []
    assert found.expected > 50
    assert found.reverted > 0, "no reorg was seen"
    assert outages > 0
    assert (ended, status) == (None, 0)


async def grow(chain, chance):
    while True:
        if chance.random() < 0.1:
            fork(chain, chance)
        chain.mine(1)
        await asyncio.sleep(0.1)
