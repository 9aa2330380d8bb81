"""The roles of one service in two processes, which know of each other through the database."""

import asyncio

from crypitor.development.listen import Receiver
from crypitor.development.simulator.audit import audit
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.forked import ForkedService
from tests.patience import HANG_SECONDS
from tests.rig import heard
from tests.test_crash import CONFIRMATIONS, ask
from tests.test_networks_apart import page

TIP = 'crypitor_tip_block{network="dev"} 11.0'


async def test_an_api_in_a_process_of_its_own(tmp_path):
    """
    It shows what the other process does, says truly from when a change is in force, and tells of a
    process that is gone; the other one tells of its health and its metrics.
    """
    chain, secrets = SimulatedChain(8), []
    chain.mine(5)
    for name in ("api", "rest"):
        (tmp_path / name).mkdir()
    async with SimulatorServer(chain) as node, Receiver(lambda: secrets) as receiver:
        settings = {
            "CRYPITOR__DATABASE__URL": f"sqlite:///{tmp_path}/crypitor.db",
            "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
            "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
            "CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": str(CONFIRMATIONS),
            "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.02",
            "CRYPITOR__NETWORKS__DEV__START": "0",
        }
        api = ForkedService(tmp_path / "api", settings, roles=["api", "webhook"], migrated=False)
        rest = ForkedService(
            tmp_path / "rest", settings, roles=["worker", "monitor"], migrated=False
        )
        await asyncio.gather(api.start(), rest.start())
        await api.until_tip("dev", 5)
        question = await ask(api, chain, receiver, secrets)
        chain.mine(6)
        await api.until_tip("dev", 11)
        await api.until_nothing_is_due()
        found = audit(chain, [question], heard(receiver), 11)
        async with asyncio.timeout(HANG_SECONDS):  # the other process tells of itself once a second
            while (network := await api.get("/v1/networks/dev"))["head"] != 11:
                await asyncio.sleep(0.05)
        ready = await api.get("/readyz")
        async with asyncio.timeout(HANG_SECONDS):  # it looks at the tip once a second
            while TIP not in (metrics := (await page(rest, "/metrics"))[1]):
                await asyncio.sleep(0.05)
        without_api, _ = await page(rest, "/v1/monitors")
        await rest.stop()
        async with asyncio.timeout(HANG_SECONDS):
            while len((alone := await api.get("/readyz"))["processes"]) > 1:
                await asyncio.sleep(0.05)
        left = await api.get("/v1/networks/dev")
        await api.stop()

    assert found.problems == []
    assert found.expected > 0
    assert question.armed_from == 6
    assert (network["state"], network["head"], network["lag_blocks"]) == ("following", 11, 0)
    assert [node["state"] for node in network["nodes"]] == ["active"]
    assert sorted(one["roles"] for one in ready["processes"]) == [
        ["api", "webhook"],
        ["worker", "monitor"],
    ]
    assert TIP in metrics
    assert without_api == 404
    assert [one["roles"] for one in alone["processes"]] == [["api", "webhook"]]
    assert left["tip"] == 11
