"""kill -9 at random moments: nothing is lost, nothing is invented."""

import asyncio
import os
import random

import pytest

from crypitor.listen import Receiver
from crypitor.simulator.audit import Question, audit
from crypitor.simulator.chain import SimulatedChain
from crypitor.simulator.rpc import SimulatorServer
from tests.rig import Service, heard

BLOCKS = 300
CONFIRMATIONS = 4
LEASE_SECONDS = "2"


@pytest.mark.timeout(180)
async def test_ten_kills(tmp_path):
    """
    After ten kills in the middle of 300 blocks and some reorgs, every webhook has arrived.
    """
    await killed(tmp_path, kills=10, seed=int(os.environ.get("CRYPITOR_TEST_SEED", "1")))


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_fifty_kills(tmp_path):
    """
    The same with fifty kills.
    """
    await killed(tmp_path, kills=50, seed=int(os.environ.get("CRYPITOR_TEST_SEED", "2")))


async def killed(folder, kills, seed):
    """Run 300 blocks, a share of them in each of the service's lives, and audit the outcome."""
    chance = random.Random(seed)
    chain = SimulatedChain(seed)
    secrets = []
    async with SimulatorServer(chain) as node, Receiver(lambda: secrets) as receiver:
        service = Service(
            folder,
            {
                "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
                "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
                "CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": str(CONFIRMATIONS),
                "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.02",
                "CRYPITOR__NETWORKS__DEV__START": "0",
                "CRYPITOR__WEBHOOK__SCHEDULE_SECONDS": "[0.05, 0.1, 0.5, 1, 2, 5]",
                "CRYPITOR__WEBHOOK__LEASE_SECONDS": LEASE_SECONDS,
                "CRYPITOR__WEBHOOK__TIMEOUT_SECONDS": "1",
            },
        )
        await service.start()
        question = await ask(service, chain, receiver, secrets)
        for _ in range(kills):
            chain.mine(BLOCKS // kills)
            if chance.random() < 0.5:
                chain.reorg(chance.randint(1, 5))
            before = receiver.count
            async with asyncio.timeout(30):
                while receiver.count == before:
                    await asyncio.sleep(0.005)
            await asyncio.sleep(chance.uniform(0, 0.5))
            await service.kill()
            await service.start()
        await service.until_tip("dev", chain.head.number)
        await service.until_nothing_is_due()
        found = audit(chain, [question], heard(receiver), chain.head.number)
        status = await service.stop()

    assert found.problems == [], f"seed {seed}"
    assert found.expected > BLOCKS
    assert status == 0


async def ask(service, chain, receiver, secrets):
    """Watch five busy actors with all rules."""
    addresses = [actor.address for actor in chain.actors[:5]]
    monitor = await service.post(
        "/v1/monitors",
        {
            "name": "Treasury",
            "networks": ["dev"],
            "addresses": addresses,
            "webhook": {"url": f"{receiver.url}/hook"},
        },
    )
    secrets.append(monitor["webhook"]["secret"])
    armed_from = monitor["armed_from"]["dev"] or 0
    return Question(monitor["id"], armed_from, CONFIRMATIONS, addresses=frozenset(addresses))
