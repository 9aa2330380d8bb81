"""The process as its supervisor sees it: what it says, what it answers, how it ends."""

import asyncio
import signal
import sqlite3
from contextlib import closing

import aiohttp
import pytest

from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.patience import HANG_SECONDS
from tests.ports import free_port
from tests.rig import Service


def settings(node):
    return {
        "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
        "CRYPITOR__NETWORKS__DEV__RPC": f'["{node}"]',
        "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.05",
        # Its first look may come after blocks that a test mines.
        "CRYPITOR__NETWORKS__DEV__START": "0",
    }


async def status_of(service, path):
    async with service.api() as api, api.get(path) as answer:
        return answer.status, await answer.json()


async def until_ready_is(service, wanted):
    """Wait until /readyz answers so, and return what it says."""
    async with asyncio.timeout(HANG_SECONDS):
        while True:
            status, told = await status_of(service, "/readyz")
            if status == wanted:
                return told
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly(tmp_path, sign):
    """
    SIGTERM and SIGINT end the process with status 0 and no traceback.
    """
    async with SimulatorServer(SimulatedChain(1)) as node:
        service = Service(tmp_path, settings(node.url))
        await service.start()
        status = await service.stop(sign)

    assert status == 0
    assert "Traceback" not in service.log.read_text()


async def test_an_unexpected_error_ends_the_process(tmp_path):
    """
    A role that fails in a way nobody foresaw ends all of it with status 1 and the traceback.
    """
    chain = SimulatedChain(1)
    async with SimulatorServer(chain) as node:
        service = Service(tmp_path, settings(node.url))
        await service.start()
        chain.mine()
        await service.until_tip("dev", 1)
        with closing(sqlite3.connect(tmp_path / "crypitor.db")) as database:
            database.execute("alter table headers rename to gone")
        chain.mine()
        status = await asyncio.wait_for(service.process.wait(), HANG_SECONDS)

    assert status == 1
    assert "no such table: headers" in service.log.read_text()
    assert "Traceback" in service.log.read_text()


async def test_an_outage_of_the_node_is_one_line_at_its_start_and_one_at_its_end(tmp_path):
    """
    While the node is down /readyz says which and /healthz stays well; then it goes on.
    """
    chain = SimulatedChain(1)
    async with SimulatorServer(chain) as node:
        service = Service(tmp_path, settings(node.url))
        await service.start()
        port = int(node.url.rsplit(":", 1)[1])
        chain.mine()
        await service.until_tip("dev", 1)
    told = await until_ready_is(service, 503)
    health, _ = await status_of(service, "/healthz")
    async with SimulatorServer(chain, port=port):
        await until_ready_is(service, 200)
        chain.mine()
        await service.until_tip("dev", 2)
        await service.stop()

    log = service.log.read_text()
    assert list(told["troubles"]) == ["worker dev"]
    assert health == 200
    assert (log.count("outage begins"), log.count("outage over")) == (1, 1)


async def test_the_admin_key_of_the_first_start_opens_the_api(tmp_path):
    """
    An empty database gets an admin key in a file that only the owner reads; of it no log knows.
    """
    async with SimulatorServer(SimulatedChain(1)) as node:
        service = Service(tmp_path, settings(node.url), migrated=False)
        del service.environ["CRYPITOR__API__ADMIN_KEY"]
        await service.start()
        key = (tmp_path / "admin.key").read_text().strip()
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as http,
            http.get(f"{service.url}/v1/keys") as answer,
        ):
            opened = answer.status
        await service.stop()
        printed = service.log.read_text().count(key)
        await service.start()
        await service.stop()

    assert opened == 200
    assert (tmp_path / "admin.key").stat().st_mode & 0o777 == 0o600
    assert (0, 0) == (printed, service.log.read_text().count(key))
    assert f"the admin key is in {tmp_path}/admin.key" in service.log.read_text()


async def test_a_database_that_is_down_is_waited_for(tmp_path):
    """
    The process lives, says which database it waits for, without its password, and can be ended.
    """
    service = Service(tmp_path, settings("http://127.0.0.1:1"))
    service.environ["CRYPITOR__DATABASE__URL"] = f"postgresql://u:hidden@127.0.0.1:{free_port()}/x"
    await service.start(ready=503)
    health, _ = await status_of(service, "/healthz")
    told = await until_ready_is(service, 503)
    status = await service.stop()

    assert health == 200
    assert "PostgreSQL 127.0.0.1" in told["troubles"]["database"]
    assert "hidden" not in service.log.read_text() + str(told)
    assert status == 0


async def test_two_processes_cannot_share_a_port(tmp_path):
    """
    The second one ends with status 2 and names the key to change.
    """
    async with SimulatorServer(SimulatedChain(1)) as node:
        service = Service(tmp_path, settings(node.url))
        await service.start()
        (tmp_path / "second").mkdir()
        second = Service(tmp_path / "second", settings(node.url))
        second.environ["CRYPITOR__SERVER__PORT"] = str(service.port)
        second.url = "http://127.0.0.1:1"
        with pytest.raises(AssertionError, match="ended at its start"):
            await second.start()
        await service.stop()

    assert second.process.returncode == 2
    assert "server.port" in second.log.read_text()
