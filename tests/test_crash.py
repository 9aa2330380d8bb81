"""kill -9 at random moments: nothing is lost, nothing is invented."""

import asyncio
import os
import random

import pytest

from crypitor.listen import Receiver
from crypitor.simulator.audit import Question, audit
from crypitor.simulator.chain import SimulatedChain
from crypitor.simulator.chaos import Chaos
from crypitor.simulator.faults import Fault
from crypitor.simulator.rpc import SimulatorServer
from tests.rig import Service, heard

CONFIRMATIONS = 4
LEASE_SECONDS = "2"
DEEPEST_REORG = 5


@pytest.mark.timeout(180)
async def test_five_kills(tmp_path):
    """
    After five kills in the middle of 100 blocks and some reorgs, every webhook has arrived.
    """
    seed = int(os.environ.get("CRYPITOR_TEST_SEED", "1"))
    await killed(tmp_path, kills=5, blocks_each=20, seed=seed, rates={})


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_two_hundred_kills(tmp_path):
    """
    The same with two hundred kills, of a service whose node fails and lies.
    """
    seed = int(os.environ.get("CRYPITOR_TEST_SEED", "2"))
    rates = dict.fromkeys(Fault, 0.005)
    await killed(tmp_path, kills=200, blocks_each=4, seed=seed, rates=rates)


async def killed(folder, kills, blocks_each, seed, rates):
    """Grow and fork a chain in each of the service's lives, kill it, and audit the outcome."""
    chance = random.Random(seed)
    chain = SimulatedChain(seed)
    chaos = Chaos(seed, rates)
    secrets = []
    async with (
        SimulatorServer(chain, chaos=chaos) as node,
        Receiver(lambda: secrets) as receiver,
    ):
        service = Service(
            folder,
            {
                "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
                "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
                "CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": str(CONFIRMATIONS),
                "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.02",
                "CRYPITOR__NETWORKS__DEV__START": "0",
                "CRYPITOR__NETWORKS__DEV__TIMEOUT_SECONDS": "0.5",
                "CRYPITOR__WEBHOOK__SCHEDULE_SECONDS": "[0.05, 0.1, 0.5, 1, 2, 5]",
                "CRYPITOR__WEBHOOK__LEASE_SECONDS": LEASE_SECONDS,
                "CRYPITOR__WEBHOOK__TIMEOUT_SECONDS": "1",
            },
        )
        await service.start()
        question = await ask(service, chain, receiver, secrets)
        for _ in range(kills):
            chain.mine(blocks_each)
            fork(chain, chance)
            before = receiver.count
            async with asyncio.timeout(60):
                while receiver.count == before:
                    await asyncio.sleep(0.005)
            await asyncio.sleep(chance.uniform(0, 0.5))
            await service.kill()
            await service.start()
        chaos.switch({})
        chain.mine(2 * DEEPEST_REORG)
        await service.until_tip("dev", chain.head.number)
        await service.until_nothing_is_due()
        found = audit(chain, [question], heard(receiver), chain.head.number, steady_node=not rates)
        status = await service.stop()

    print(f"{kills} kills, {chain.head.number} blocks, {chain.reorg_count} reorgs, "
          f"{found.webhooks} webhooks, {found.repeated} repeated, {sum(chaos.fired.values())} faults")  # fmt: skip
    assert found.problems == [], f"seed {seed}"
    assert found.expected > kills * blocks_each
    assert status == 0


def fork(chain, chance):
    """Reorganise every second time, to a longer or a shorter branch, or back to an earlier one."""
    if chance.random() < 0.5:
        return
    near = chain.head.number - DEEPEST_REORG
    heads = [
        head
        for head in chain.orphaned_heads()[-3:]
        if chain.branch_to(head.hash).blocks[0].number > near
    ]
    if heads and chance.random() < 0.5:
        chain.go_back(chance.choice(heads).hash)
        return
    depth = chance.randint(1, DEEPEST_REORG)
    chain.reorg(depth, depth + chance.randint(-1, 2))


async def ask(service, chain, receiver, secrets, network="dev"):
    """Watch five busy actors with all rules."""
    addresses = [actor.address for actor in chain.actors[:5]]
    monitor = await service.post(
        "/v1/monitors",
        {
            "name": "Treasury",
            "networks": [network],
            "addresses": addresses,
            "webhook": {"url": f"{receiver.url}/hook"},
        },
    )
    secrets.append(monitor["webhook"]["secret"])
    armed_from = monitor["armed_from"][network] or 0
    return Question(monitor["id"], armed_from, CONFIRMATIONS, addresses=frozenset(addresses))
