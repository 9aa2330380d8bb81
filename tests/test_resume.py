"""`crypitor network resume`: the way on after a reorg that is deeper than what is kept."""

import asyncio
import os
import re
import sys

import pytest

from crypitor.development.listen import Receiver
from crypitor.development.simulator.audit import Question, audit
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.forked import ForkedService
from tests.patience import HANG_SECONDS
from tests.rig import heard
from tests.worker.holed import HoledNode

MAX_REORG_DEPTH = 5
CONFIRMATIONS = 3


def settings(node):
    return {
        "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
        "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
        "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.05",
    }


async def command(service, *words):
    """Run a command with the service's configuration; return its exit status and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crypitor", *words,
        cwd=service.folder, env={**os.environ, **service.environ},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def until_state(service, state):
    """Wait until the network is in this state."""
    async with asyncio.timeout(HANG_SECONDS):
        while (await service.get("/v1/networks/dev"))["state"] != state:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("way", ["command", "api"])
async def test_a_network_that_stopped_goes_on(tmp_path, way):
    """
    After a reorg that is too deep everything that was told of the old branch is retracted, and
    the new one is told, as soon as the command, or the API, was given the first block that differs.
    """
    chain = SimulatedChain(11, transfers=(2, 5), actors=5)
    chain.mine(12)
    secrets = []
    async with SimulatorServer(chain) as node, Receiver(lambda: secrets) as receiver:
        service = ForkedService(
            tmp_path,
            settings(node)
            | {
                "CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": str(CONFIRMATIONS),
                "CRYPITOR__NETWORKS__DEV__MAX_REORG_DEPTH": str(MAX_REORG_DEPTH),
            },
        )
        await service.start()
        await service.until_tip("dev", chain.head.number)
        watched = frozenset(actor.address for actor in chain.actors[:3])
        monitor = await service.post(
            "/v1/monitors",
            {
                "name": "resume", "networks": ["dev"], "addresses": sorted(watched),
                "webhook": {"url": f"{receiver.url}/hook"},
            },
        )  # fmt: skip
        secrets.append(monitor["webhook"]["secret"])
        armed_from = monitor["armed_from"]["dev"]
        chain.mine(armed_from + 9 - chain.head.number)
        await service.until_tip("dev", chain.head.number)
        chain.reorg(MAX_REORG_DEPTH + 3)
        forked_at = chain.head.number - MAX_REORG_DEPTH - 3
        await until_state(service, "stopped")
        ready, trouble = await readiness(service)
        proposed = await proposal(service, way)
        still = (await service.get("/v1/networks/dev"))["state"]

        if way == "command":
            status, said = await command(
                service, "network", "resume", "dev", "--from-block", str(forked_at)
            )
        else:
            path, body = "/v1/networks/dev/resume", {"from_block": forked_at}
            look = await service.post(path, {**body, "dry_run": True})
            done = await service.post(path, body)
            status = look["reverted"] - done["reverted"]
            said = f"dev goes on at block {done['from_block']}"
        chain.mine(CONFIRMATIONS)
        await service.until_tip("dev", chain.head.number)
        await service.until_nothing_is_due()

        assert (ready, "max_reorg_depth" in trouble) == (503, True)
        assert forked_at - MAX_REORG_DEPTH < proposed <= forked_at
        assert still == "stopped"
        assert status == 0, said
        assert f"dev goes on at block {forked_at}" in said
        assert (await service.get("/v1/networks/dev"))["state"] == "following"
        question = Question(monitor["id"], armed_from, CONFIRMATIONS, addresses=watched)
        found = audit(chain, [question], heard(receiver), chain.head.number)
        assert found.problems == []
        assert found.expected > 0
        assert await service.stop() == 0


async def proposal(service, way):
    """The block that the command, or the API, proposes where none is named."""
    if way == "api":
        return (await service.post("/v1/networks/dev/resume", {"dry_run": True}))["from_block"]
    status, said = await command(service, "network", "resume", "dev")
    assert status == 0, said
    return int(re.search(r"--from-block (\d+)", said)[1])


async def readiness(service):
    """What /readyz answers."""
    async with service.api() as api, api.get("/readyz") as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize(
    "words, sentence",
    [
        (("dev", "--from-block", "5"), "no network dev"),
        (("dev", "--from-block", "-1"), "greater than or equal to 0"),
    ],
)
async def test_refuses_what_cannot_be(tmp_path, words, sentence):
    """A network that is not followed, and a block that cannot be, are refused."""
    status, said = await command(ForkedService(tmp_path, {}), "network", "resume", *words)

    assert status != 0
    assert sentence in said


async def test_refuses_a_network_that_has_not_begun(tmp_path):
    """Where nothing has been matched there is nothing to go back from."""
    chain = SimulatedChain(1)
    chain.mine(3)
    async with SimulatorServer(chain) as node:
        service = ForkedService(
            tmp_path,
            {
                "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
                "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
            },
        )
        without = await command(service, "network", "resume", "dev", "--from-block", "2")
        await command(service, "migrate")
        nothing = await command(service, "network", "resume", "dev", "--from-block", "2")
        missing = await command(service, "network", "resume", "dev", "--from-block", "99")

    assert without[0] == 1
    assert "there is no database" in without[1]
    assert nothing[0] == 1
    assert "nothing has been matched" in nothing[1]
    assert missing[0] == 1
    assert "no node has block 98" in missing[1]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("first, left", [(0, None), (3, None), (8, None), (12, 4), (9, 1)])
async def test_says_what_is_left_out(tmp_path, first, left):
    """Any block can be the one to go on at; how many are left unmatched is said, if any are."""
    chain = SimulatedChain(11, transfers=(1, 2), actors=3)
    chain.mine(7)
    async with SimulatorServer(chain) as node:
        service = ForkedService(tmp_path, settings(node))
        await service.start()
        await service.until_tip("dev", 7)
        assert await service.stop() == 0
        chain.mine(8)

        status, said = await command(
            service, "network", "resume", "dev", "--from-block", str(first)
        )
        await service.start()
        await service.until_tip("dev", 15)
        await service.stop()

    assert status == 0, said
    assert f"dev goes on at block {first}" in said
    if left is None:
        assert "left unmatched: no block" in said
    else:
        words = f"{left} block{'s' * (left > 1)}"
        assert f"dev: {words} (block" in said
        assert f"left unmatched: {words}" in said


@pytest.mark.timeout(120)
async def test_heights_without_a_block_are_not_counted_as_left_out(tmp_path):
    """Before and after it is said how many blocks are left unmatched, and of which heights."""
    chain = SimulatedChain(11, transfers=(1, 2), actors=3)
    chain.mine(7)
    async with SimulatorServer(chain) as server, HoledNode(server.url) as node:
        service = ForkedService(tmp_path, settings(node))
        await service.start()
        await service.until_tip("dev", 7)
        assert await service.stop() == 0
        chain.mine(8)
        node.holes = frozenset({8, 10, 11})
        status, said = await command(service, "network", "resume", "dev", "--from-block", "13")
        await service.start()
        await service.until_tip("dev", 18)
        await service.stop()

    assert status == 0, said
    assert "dev: 2 blocks (heights 8 to 12) will not be matched" in said
    assert "left unmatched: 2 blocks (heights 8 to 12)" in said
