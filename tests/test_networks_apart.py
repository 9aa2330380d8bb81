"""A network whose blocks cannot be proven waits, tells so, and holds up nobody else."""

import asyncio
import re

import pytest

from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.forked import ForkedService
from tests.patience import HANG_SECONDS
from tests.worker.faulty import FaultyNode, unprovable


@pytest.fixture
async def lying():
    """A chain whose node tells of receipts that are not those of its blocks."""
    chain = SimulatedChain(3, chain_id=1338, transfers=(2, 4))
    chain.mine(5)
    async with SimulatorServer(chain) as server, FaultyNode(server.url) as node:
        node.alter = unprovable()
        yield node


async def test_one_network_waits_and_the_other_goes_on(tmp_path, lying):
    """
    Alarm in log, metrics, /readyz and /v1/networks; blocks of the other network are matched, and
    those of this one as soon as they can be proven.
    """
    chain = SimulatedChain(4, chain_id=1337, transfers=(2, 4))
    chain.mine(5)
    async with SimulatorServer(chain) as server:
        service = ForkedService(
            tmp_path,
            {
                "CRYPITOR__NETWORKS__SOUND__CHAIN_ID": "1337",
                "CRYPITOR__NETWORKS__SOUND__RPC": f'["{server.url}"]',
                "CRYPITOR__NETWORKS__SOUND__POLL_SECONDS": "0.05",
                "CRYPITOR__NETWORKS__LYING__CHAIN_ID": "1338",
                "CRYPITOR__NETWORKS__LYING__RPC": f'["{lying.url}"]',
                "CRYPITOR__NETWORKS__LYING__START": "1",
            },
        )
        async with unready(service):
            chain.mine(5)
            await service.until_tip("sound", chain.head.number)
            one = await service.get("/v1/networks/lying")
            other = await service.get("/v1/networks/sound")
            ready, metrics = await page(service, "/readyz"), await page(service, "/metrics")
            asked = await page(service, "/readyz?network=lying")
            sound = await page(service, "/readyz?network=sound")
            lying.heal()
            await service.until_tip("lying", 5)
            healed = await service.get("/v1/networks/lying")

    assert one["state"] == "waiting"
    assert "block 1 " in one["trouble"]
    assert one["nodes"][0]["state"] == "failing"
    assert (other["state"], other["trouble"]) == ("following", None)
    assert other["requests_per_block"] > 0
    assert other["nodes"][0]["requests"] > 0
    assert ready[0] == 200
    assert "worker lying" in ready[1]
    assert '"degraded":["lying"]' in ready[1]
    assert (asked[0], sound[0]) == (503, 200)
    assert re.search(r'block_incomplete_total\{check="root",network="lying",.*} [1-9]', metrics[1])
    assert 'crypitor_network_trouble{network="lying"} 1.0' in metrics[1]
    assert 'crypitor_network_trouble{network="sound"} 0.0' in metrics[1]
    assert 'crypitor_requests_per_block{network="sound"}' in metrics[1]
    assert re.search(r'crypitor_node_requests\{network="sound",.*} [1-9]', metrics[1])
    assert (healed["state"], healed["trouble"]) == ("following", None)
    lines = [line for line in service.log.read_text().splitlines() if "receipts" in line]
    assert len(lines) == 1


def unready(service):
    """A context in which the service runs, whether it is ready or not."""

    class Running:
        async def __aenter__(self):
            starting = asyncio.create_task(service.start())
            async with asyncio.timeout(HANG_SECONDS):
                while "worker lying" not in (await page(service, "/readyz"))[1]:
                    await asyncio.sleep(0.05)
            starting.cancel()
            await asyncio.wait([starting])

        async def __aexit__(self, *_):
            assert await service.stop() == 0

    return Running()


async def page(service, path):
    """Status and text of a page; nothing while nobody answers."""
    try:
        async with service.api() as api, api.get(path) as answer:
            return answer.status, await answer.text()
    except OSError:
        return 0, ""
