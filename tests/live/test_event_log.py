"""The log of what was told on PostgreSQL, of a process that is killed; test_many has many of them."""

import asyncio
import os
import random
from contextlib import AsyncExitStack

import pytest

from crypitor.development.listen import Receiver
from crypitor.development.simulator.audit import audit
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.conftest import postgres_database
from tests.live.following import differences, following
from tests.patience import HANG_SECONDS
from tests.rig import heard, until_all_is_sent
from tests.test_crash import CONFIRMATIONS, DEEPEST_REORG, ask, fork, service_of

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

KILLS, BLOCKS = 6, 5


async def killed_while_it_grows(service, chain, receiver, chance):
    """Fork and mine, and kill the service once it has told something of it."""
    fork(chain, chance)
    chain.mine(BLOCKS)
    before = len(receiver.received)
    async with asyncio.timeout(HANG_SECONDS):
        while len(receiver.received) == before:
            await asyncio.sleep(0.005)
    await asyncio.sleep(chance.uniform(0, 0.5))
    await service.kill()


async def test_each_phase_is_in_the_log_once_and_as_it_was_sent(tmp_path):
    """
    Over kills and reorgs the log has the bodies of the webhooks, each once, in an order that readers
    of pages and of the stream see alike.
    """
    seed = int(os.environ.get("CRYPITOR_TEST_SEED", "6"))
    chance, chain, secrets = random.Random(seed), SimulatedChain(seed, transfers=(20, 60)), []
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(postgres_database())
        node = await stack.enter_async_context(SimulatorServer(chain))
        receiver = await stack.enter_async_context(Receiver(lambda: secrets))
        service = service_of(tmp_path, node)
        service.environ["CRYPITOR__DATABASE__URL"] = url
        stack.push_async_callback(service.kill)
        await service.start()
        follower = await stack.enter_async_context(following(service, [service]))
        question = await ask(service, chain, receiver, secrets)
        for _ in range(KILLS):
            await killed_while_it_grows(service, chain, receiver, chance)
            await service.start()
        chain.mine(DEEPEST_REORG + CONFIRMATIONS)
        await service.until_tip("dev", chain.head.number)
        await until_all_is_sent(service, receiver)
        log = await service.events()
        await follower.until_all_is_read(log)
        told, bodies = heard(receiver), {one.id: one.body for one in receiver.received}
        status = await service.stop()

    found = audit(chain, [question], told, chain.head.number)
    print(f"{KILLS} kills, {chain.reorg_count} reorgs, {found.webhooks} webhooks, {len(log)} events, "
          f"{follower.breaks} breaks of the stream")  # fmt: skip
    assert found.problems == []
    assert differences(log, follower.read, bodies) == []
    assert found.reverted > 0, "no reorg was seen"
    assert follower.breaks >= KILLS
    assert status == 0
