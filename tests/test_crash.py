"""kill -9 at random moments: nothing is lost, nothing is invented."""

import asyncio
import contextlib
import os
import random
import sqlite3

import pytest

from crypitor.listen import Receiver
from crypitor.simulator.audit import Question, audit, out_of_order
from crypitor.simulator.chain import SimulatedChain
from crypitor.simulator.chaos import Chaos
from crypitor.simulator.faults import Fault
from crypitor.simulator.rpc import SimulatorServer
from tests.forked import ForkedService
from tests.rig import heard

CONFIRMATIONS = 4
LEASE_SECONDS = "2"
DEEPEST_REORG = 5


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.soak)])
async def test_killed_again_and_again(tmp_path, kills):
    """
    After kills in the middle of blocks and reorgs every webhook has arrived, and at the ordered
    endpoint in its place.
    """
    seed = int(os.environ.get("CRYPITOR_TEST_SEED", "1"))
    await killed(tmp_path, kills, blocks_each=5, seed=seed, rates={})


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
        service = ForkedService(
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
        ordered = await service.post(
            "/v1/endpoints", {"url": f"{receiver.url}/ordered", "ordered": True}
        )
        secrets.append(ordered["secret"])
        question = await ask(service, chain, receiver, secrets, endpoints=[ordered["id"]])
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
        await service.until_nothing_is_due(60 + kills)
        status = await service.stop()
        told = heard(receiver)
        paths = [received.path for received in receiver.received]

    heard_at = {
        name: [one for one, path in zip(told, paths, strict=True) if path == name]
        for name in ("/hook", "/ordered")
    }
    found, in_order = (
        audit(chain, [question], one, chain.head.number, steady_node=not rates)
        for one in heard_at.values()
    )
    print(f"{kills} kills, {chain.head.number} blocks, {chain.reorg_count} reorgs, "
          f"{found.webhooks} webhooks, {found.repeated} repeated, in order {in_order.webhooks}, "
          f"{in_order.repeated} repeated, {sum(chaos.fired.values())} faults")  # fmt: skip
    assert found.problems == in_order.problems == [], f"seed {seed}"
    assert out_of_order(queued(folder, ordered["id"]), heard_at["/ordered"]) == []
    assert in_order.expected == found.expected
    assert found.expected > kills * blocks_each
    assert status == 0


def queued(folder, endpoint_id):
    """Return what was queued for an endpoint, in its order."""
    with contextlib.closing(sqlite3.connect(folder / "crypitor.db")) as database:
        rows = database.execute(
            "select id from deliveries where endpoint_id = ? order by position", (endpoint_id,)
        )
        return [row[0] for row in rows]


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


async def ask(service, chain, receiver, secrets, network="dev", endpoints=()):
    """Watch five busy actors with all rules."""
    addresses = [actor.address for actor in chain.actors[:5]]
    monitor = await service.post(
        "/v1/monitors",
        {
            "name": "Treasury",
            "networks": [network],
            "addresses": addresses,
            "endpoints": [*endpoints],
            "webhook": {"url": f"{receiver.url}/hook"},
        },
    )
    secrets.append(monitor["webhook"]["secret"])
    armed_from = monitor["armed_from"][network] or 0
    return Question(monitor["id"], armed_from, CONFIRMATIONS, addresses=frozenset(addresses))
