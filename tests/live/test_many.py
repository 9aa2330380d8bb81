"""Many processes of each role, killed and paused at random: nothing is lost, nothing invented."""

import asyncio
import os
import random
import time

import pytest

from crypitor.development.listen import Receiver
from crypitor.development.simulator.audit import audit
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.conftest import postgres_database
from tests.live.fleet import fleet, settings_of
from tests.live.following import differences, following
from tests.rig import heard, until_all_is_sent
from tests.test_crash import CONFIRMATIONS, DEEPEST_REORG, ask, fork

pytestmark = pytest.mark.live

CHAINS = {"one": 1337, "two": 1338, "three": 1339}


async def test_two_processes_of_each_role(tmp_path, kafka, prefix):
    """After half a minute in which they are killed and paused, every webhook has arrived."""
    await killed(tmp_path, kafka, prefix, each=2, seconds=30)


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_three_processes_of_each_role(tmp_path, kafka, prefix):
    """The same with three of each, for ten minutes or CRYPITOR_TEST_SECONDS."""
    seconds = int(os.environ.get("CRYPITOR_TEST_SECONDS", "600"))
    await killed(tmp_path, kafka, prefix, each=3, seconds=seconds)


def settings_of_chains(nodes):
    settings = {}
    for (name, chain_id), node in zip(CHAINS.items(), nodes, strict=True):
        network = f"CRYPITOR__NETWORKS__{name.upper()}"
        settings |= {
            f"{network}__CHAIN_ID": str(chain_id),
            f"{network}__RPC": f'["{node.url}"]',
            f"{network}__CONFIRMATIONS": str(CONFIRMATIONS),
            f"{network}__POLL_SECONDS": "0.1",
            f"{network}__START": "0",
        }
    return settings


async def killed(folder, kafka, prefix, each, seconds):
    """Grow and fork chains while processes come and go, and audit the outcome."""
    seed = int(os.environ.get("CRYPITOR_TEST_SEED", "3"))
    chance = random.Random(seed)
    chains = [
        SimulatedChain(seed + place, chain_id=chain_id)
        for place, chain_id in enumerate(CHAINS.values())
    ]
    secrets = []
    acts = []
    async with (
        postgres_database() as url,
        SimulatorServer(chains[0]) as one,
        SimulatorServer(chains[1]) as two,
        SimulatorServer(chains[2]) as three,
        Receiver(lambda: secrets) as receiver,
    ):
        settings = {
            **settings_of(url, kafka.servers, prefix),
            **settings_of_chains((one, two, three)),
            "CRYPITOR__WEBHOOK__SCHEDULE_SECONDS": "[0.2, 0.5, 1, 2, 5]",
            "CRYPITOR__WEBHOOK__LEASE_SECONDS": "6",
            "CRYPITOR__WEBHOOK__TIMEOUT_SECONDS": "5",
        }
        async with (
            fleet(folder, settings, each) as ships,
            following(ships.front, ships.of_role("api")) as follower,
        ):
            questions = [
                await ask(ships.front, chain, receiver, secrets, network=name)
                for name, chain in zip(CHAINS, chains, strict=True)
            ]
            until = time.monotonic() + seconds
            mining = asyncio.create_task(grow(chains, chance, until))
            while time.monotonic() < until:
                acts.append(await ships.kill_some(chance))
            await mining
            for chain in chains:
                chain.mine(2 * DEEPEST_REORG)
            for name, chain in zip(CHAINS, chains, strict=True):
                await ships.front.until_tip(name, chain.head.number, 120)
            await until_all_is_sent(ships.front, receiver)
            log = await ships.front.events()
            await follower.until_all_is_read(log)
            ended = ships.ended()
            told, bodies = heard(receiver), {one.id: one.body for one in receiver.received}
            found = [
                audit(
                    chain, [question],
                    [one for one in told if one.json["data"]["network"] == name],
                    chain.head.number,
                )
                for name, chain, question in zip(CHAINS, chains, questions, strict=True)
            ]  # fmt: skip
            statuses = await ships.stop()

    reverted = sum(one.reverted for one in found)
    print(f"{len(acts)} acts on {each} processes of each role in {seconds} s: "
          f"{sum(chain.head.number for chain in chains)} blocks, "
          f"{sum(chain.reorg_count for chain in chains)} reorgs, "
          f"{sum(one.webhooks for one in found)} webhooks, {sum(one.repeated for one in found)} repeated, "
          f"{reverted} of reverted matches")  # fmt: skip
    assert [one.problems for one in found] == [[], [], []], f"seed {seed}: {acts}"
    assert differences(log, follower.read, bodies) == []
    assert min(one.expected for one in found) > seconds
    assert reverted > 0, "no reorg was seen"
    assert ended == {}
    assert set(statuses) == {0}


async def grow(chains, chance, until):
    """Mine and fork while there is time; what a fork leaves was there for a second."""
    while time.monotonic() < until:
        for chain in chains:
            if chance.random() < 0.4:
                fork(chain, chance)
            chain.mine(chance.randint(1, 3))
        await asyncio.sleep(1)
