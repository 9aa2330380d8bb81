"""The whole service on each of the nodes that people develop with, over HTTP and WebSocket."""

import asyncio
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import pytest

from crypitor.development.listen import Receiver
from tests.live.development import CHAIN_IDS, SEALER, amounts, started
from tests.live.ethereumjs import KINDS, running
from tests.live.test_anvil import watching
from tests.live.test_anvil_reset import command
from tests.patience import HANG_SECONDS
from tests.ports import free_port

pytestmark = pytest.mark.live

TAGS = dict.fromkeys(("ganache", "hardhat2", "hardhat3"), "finalized") | dict.fromkeys(
    ("anvil", "geth", "geth-amsterdam", "ethereumjs"), "safe"
)
"""The tag that is their newest block; anvil's is 32 blocks behind it."""

BEHIND = {"anvil": 32}


def settings(kind, **more):
    chain_id = {"CRYPITOR__NETWORKS__DEV__CHAIN_ID": str(CHAIN_IDS[kind])}
    return chain_id | {f"CRYPITOR__NETWORKS__DEV__{key}": value for key, value in more.items()}


async def until_told(receiver, *wanted):
    """Wait until each of these phases of payments was told."""
    async with asyncio.timeout(4 * HANG_SECONDS):
        await receiver.until(lambda received: all(one in amounts(received) for one in wanted))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("scheme", ["http", "ws"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_development_node_is_followed(tmp_path, kind, scheme):
    """Payments, a failure, blocks that are taken back though final, and a burst of blocks."""
    secrets = []
    behind = BEHIND.get(kind, 0)
    async with running(kind) as node, Receiver(lambda: secrets) as receiver:
        url = node.at(scheme)
        first = await node.mine()
        tagged = settings(kind, CONFIRMATIONS=TAGS[kind])
        async with watching(tmp_path, url, receiver, secrets, **tagged) as service:
            await service.until_tip("dev", first)
            await node.pay(1)
            await node.fail()
            before = await node.mark()
            await until_told(receiver, ("detected", 1), *([] if behind else [("confirmed", 1)]))
            await node.pay(2)
            await until_told(receiver, ("detected", 2), *([] if behind else [("confirmed", 2)]))
            await node.back(before)
            await node.mine()
            await node.pay(3)
            await until_told(receiver, ("reverted", 2), ("detected", 3))
            await node.burst(20 + behind)
            await node.pay(4)
            await node.burst(behind)
            await until_told(receiver, ("confirmed", 1), ("confirmed", 3), ("confirmed", 4))
            head = await node.head()
            await service.until_tip("dev", head)
            await service.until_nothing_is_due()
            network = await service.get("/v1/networks/dev")
            log = service.log.read_text()
            said, status = await command(service, "check")

    expected = {(phase, paid) for phase in ("detected", "confirmed") for paid in (1, 2, 3, 4)}
    if behind:
        expected.remove(("confirmed", 2))
    assert amounts(receiver.received) == dict.fromkeys(expected | {("reverted", 2)}, 1)
    assert (network["state"], network["trouble"]) == ("following", None)
    assert network["head"] == network["tip"] == head
    assert network["confirmed"] == head - behind
    assert log.count("blocks name no parent") == kind.startswith("hardhat")
    assert status == 0, said


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_head_that_is_taken_back_is_told(tmp_path, kind):
    """Over WebSocket too, though the node announces nothing then."""
    secrets = []
    async with running(kind) as node, Receiver(lambda: secrets) as receiver:
        first = await node.mine()
        before = await node.mark()
        url = node.at("ws")
        async with watching(tmp_path, url, receiver, secrets, **settings(kind)) as service:
            await service.until_tip("dev", first)
            for _ in range(3):
                await node.mine()
            await service.until_tip("dev", first + 3)
            await node.back(before)
            async with asyncio.timeout(HANG_SECONDS):
                while (await service.get("/v1/networks/dev"))["head"] != first:
                    await asyncio.sleep(0.1)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "anvil"])
async def test_a_node_that_is_started_anew_is_followed(tmp_path, kind):
    """What was told of the old chain is reverted, and the new one told from its first block."""
    secrets = []
    async with Receiver(lambda: secrets) as receiver, AsyncExitStack() as stack:
        async with running(kind) as node:
            port = urlsplit(node.url).port
            first = await node.mine()
            watched = watching(tmp_path, node.url, receiver, secrets, **settings(kind))
            service = await stack.enter_async_context(watched)
            await service.until_tip("dev", first)
            await node.burst(5)
            await node.pay(1)
            await until_told(receiver, ("detected", 1))
        async with running(kind, port) as node:
            await node.pay(2)
            await until_told(receiver, ("reverted", 1), ("detected", 2))
            await service.until_tip("dev", await node.head())
            network = await service.get("/v1/networks/dev")

    assert amounts(receiver.received) == dict.fromkeys(
        [("detected", 1), ("reverted", 1), ("detected", 2)], 1
    )
    assert (network["state"], network["trouble"]) == ("following", None)


@pytest.mark.timeout(240)
async def test_a_node_that_answers_null_for_receipts_is_followed(tmp_path):
    """EthereumJS: null for a block's receipts by hash, no tags, and no accounts to send from."""
    secrets = []
    folder = ("--dataDir", str(tmp_path / "node"), "--port", str(free_port()))
    async with started("ethereumjs", SEALER, *folder) as node, Receiver(lambda: secrets) as hook:
        chain_id = str(int(await node.call("eth_chainId"), 16))
        values = {
            "CRYPITOR__NETWORKS__DEV__CHAIN_ID": chain_id,
            "CRYPITOR__NETWORKS__DEV__START": "0",
        }
        async with watching(tmp_path, node.url, hook, secrets, **values) as service:
            await service.until_tip("dev", 2)
            network = await service.get("/v1/networks/dev")

    assert (network["state"], network["trouble"]) == ("following", None)
