"""Catch-up and backfill of the whole service, over real HTTP."""

import asyncio
import os
import random
import statistics
import time

import pytest

from crypitor.backfill.trial import BLOCKS_AT_ONCE
from crypitor.development.listen import Receiver
from crypitor.development.simulator.audit import Question, audit
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.development.simulator.state import FIRST_COINS, State
from tests.forked import ForkedService
from tests.patience import HANG_SECONDS
from tests.rig import heard

BLOCKS = 200
CONFIRMATIONS = 4
SETTINGS = {
    "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
    "CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": str(CONFIRMATIONS),
    "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.02",
    "CRYPITOR__WEBHOOK__SCHEDULE_SECONDS": "[0.05, 0.1, 0.5, 1, 2, 5]",
    "CRYPITOR__WEBHOOK__LEASE_SECONDS": "2",
    "CRYPITOR__WEBHOOK__TIMEOUT_SECONDS": "1",
}


def service_on(folder, node, **settings):
    return ForkedService(
        folder, {**SETTINGS, "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]', **settings}
    )


async def monitor_of(service, addresses, receiver, secrets, **more):
    """Make a monitor; returns it as the API answered it."""
    monitor = await service.post(
        "/v1/monitors",
        {
            "networks": ["dev"],
            "addresses": addresses,
            "webhook": {"url": f"{receiver.url}/hook"},
            **more,
        },
    )
    secrets.append(monitor["webhook"]["secret"])
    return monitor


async def until_ended(service, job):
    async with asyncio.timeout(HANG_SECONDS):
        while (now := await service.get(f"/v1/jobs/{job}"))["finished_at"] is None:
            await asyncio.sleep(0.05)
    return now


async def until_more(service, job, before):
    """Wait until more blocks are done; returns how many."""
    async with asyncio.timeout(HANG_SECONDS):
        while (done := (await service.get(f"/v1/jobs/{job}"))["blocks_done"]) == before:
            await asyncio.sleep(0.02)
    return done


async def lags(service, chain, job, blocks=8):
    """How many blocks of the past are read from the node's having a block to its being matched."""
    read = []
    for _ in range(blocks):
        before = (await service.get(f"/v1/jobs/{job}"))["blocks_done"]
        chain.mine()
        while (await service.get("/v1/networks/dev"))["tip"] < chain.head.number:
            pass
        read.append((await service.get(f"/v1/jobs/{job}"))["blocks_done"] - before)
    return read


@pytest.mark.parametrize("behind", [40, pytest.param(300, marks=pytest.mark.soak)])
async def test_catches_up_from_a_number(tmp_path, record_property, behind):
    """
    A service that starts many blocks behind matches them all, in order, and says how fast.
    """
    chain = SimulatedChain(3, transfers=(5, 15))
    chain.mine(5)
    secrets = []
    async with SimulatorServer(chain) as node, Receiver(lambda: secrets) as receiver:
        service = service_on(tmp_path, node, CRYPITOR__NETWORKS__DEV__START="5")
        await service.start()
        actors = [actor.address for actor in chain.actors[:5]]
        monitor = await monitor_of(service, actors, receiver, secrets)
        await service.until_tip("dev", 5)
        await service.stop()
        chain.mine(behind)
        await service.start()
        started = time.monotonic()
        await service.until_tip("dev", 5 + behind)
        seconds = time.monotonic() - started
        await service.until_nothing_is_due()
        question = Question(monitor["id"], 6, CONFIRMATIONS, frozenset(actors))
        found = audit(chain, [question], heard(receiver), 5 + behind)
        await service.stop()

    record_property("blocks_per_second", round(behind / seconds))
    print(f"{behind / seconds:.0f} blocks/s of catch-up")
    assert found.problems == []
    assert found.expected > behind


@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.soak)])
async def test_backfill_beside_a_growing_chain(tmp_path, kills):
    """
    While the chain grows and forks, a backfill that is killed again and again tells the whole past.
    """
    chance = random.Random(int(os.environ.get("CRYPITOR_TEST_SEED", "1")))
    chain = SimulatedChain(4, transfers=(5, 15))
    blocks = 80 * kills
    chain.mine(blocks)
    secrets = []
    async with SimulatorServer(chain) as node, Receiver(lambda: secrets) as receiver:
        service = service_on(
            tmp_path,
            node,
            CRYPITOR__NETWORKS__DEV__START="latest",
            CRYPITOR__BACKFILL__REQUESTS_PER_SECOND="60",
        )
        await service.start()
        await service.until_tip("dev", blocks)
        actors = [actor.address for actor in chain.actors[:5]]
        monitor = await monitor_of(service, actors, receiver, secrets)
        last = (await service.get("/v1/networks/dev"))["tip"]
        body = {"network": "dev", "from_block": 1, "to_block": last}
        job = await service.post(f"/v1/monitors/{monitor['id']}/backfill", body)
        done = [0]
        while len(done) <= kills:
            chain.mine(3)
            chain.reorg(2)
            done.append(await until_more(service, job["id"], done[-1]))
            await asyncio.sleep(chance.uniform(0, 0.5))
            await service.kill()
            await service.start()
        ended = await until_ended(service, job["id"])
        chain.mine(CONFIRMATIONS)
        await service.until_tip("dev", chain.head.number)
        await service.until_nothing_is_due()
        question = Question(monitor["id"], 1, CONFIRMATIONS, frozenset(actors))
        found = audit(chain, [question], heard(receiver), chain.head.number)
        status = await service.stop()

    assert found.problems == []
    assert found.expected > blocks
    assert ended["status"] == "done"
    assert done == sorted(done)
    assert status == 0


async def test_live_path_is_not_disturbed(tmp_path):
    """
    While past blocks are read as fast as is allowed, new ones are still matched at once.
    """
    chain = SimulatedChain(5, transfers=(5, 15))
    chain.mine(BLOCKS)
    secrets = []
    async with SimulatorServer(chain) as node, Receiver(lambda: secrets) as receiver:
        service = service_on(tmp_path, node, CRYPITOR__NETWORKS__DEV__START="latest")
        await service.start()
        await service.until_tip("dev", BLOCKS)
        quiet = [chain.actors[50].address]
        monitor = await monitor_of(service, quiet, receiver, secrets)
        body = {"network": "dev", "from_block": 1}
        job = await service.post(f"/v1/monitors/{monitor['id']}/backfill", body)
        await until_more(service, job["id"], 0)
        waited = await lags(service, chain, job["id"])
        status = (await service.get(f"/v1/jobs/{job['id']}"))["status"]
        await service.stop()

    print(f"blocks of the past that each new one waited for: {waited}")
    assert status == "running"
    assert statistics.median(waited) <= 2 * BLOCKS_AT_ONCE


async def test_what_ended_in_the_past_is_told_behind_its_match(tmp_path):
    """Balances: detected, confirmed and ended, once each, as a plain reading of the chain has them."""
    chain = SimulatedChain(5, transfers=(0, 4), actors=5, coin_logs=True)
    chain.mine(60)
    first, last, secrets = 3, 50, []
    state, accounts = State(chain.by_hash), [actor.address for actor in chain.actors]
    wanted = {}
    for account in accounts:
        poor = [state.balance(chain.by_number(at), account) < FIRST_COINS for at in range(last + 1)]
        for at in range(first, last + 1):
            if poor[at] and not poor[at - 1]:
                ends = any(not later for later in poor[at:])
                wanted[account, at] = ["detected", "confirmed", *(["ended"] if ends else [])]
    async with SimulatorServer(chain) as node, Receiver(lambda: secrets) as receiver:
        service = service_on(tmp_path, node, CRYPITOR__NETWORKS__DEV__START=str(chain.head.number))
        await service.start()
        try:
            rules = [{"kind": "balance", "where": f"balance < {FIRST_COINS}"}]
            phases = ["detected", "confirmed", "ended"]
            monitor = await monitor_of(
                service, accounts, receiver, secrets, rules=rules, notify=phases
            )
            chain.mine(2)
            await service.until_tip("dev", chain.head.number)
            async with asyncio.timeout(HANG_SECONDS):  # looked at up to here
                while not (await service.get(f"/v1/monitors/{monitor['id']}/gauges"))["data"]:
                    await asyncio.sleep(0.05)
            job = await service.post(
                f"/v1/monitors/{monitor['id']}/backfill",
                {"network": "dev", "from_block": first, "to_block": last},
            )
            await until_ended(service, job["id"])
            chain.mine(1)

            def told():
                found = {}
                for one in heard(receiver):
                    data = one.json["data"]
                    if data["block"]["number"] <= last:
                        key = (data["address"], data["block"]["number"])
                        found.setdefault(key, []).append(one.json["type"].removeprefix("match."))
                return found

            async with asyncio.timeout(HANG_SECONDS):
                while told() != wanted:
                    await asyncio.sleep(0.05)
            await service.until_nothing_is_due()
        finally:
            await service.stop()

    assert told() == wanted
    assert any("ended" in phases for phases in wanted.values())
