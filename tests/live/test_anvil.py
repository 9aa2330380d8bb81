"""The whole service on a real node: transfers of every kind, a failure, a creation, a reorg."""

import asyncio
import os
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest

from crypitor.development.listen import Receiver
from tests import recorded
from tests.patience import HANG_SECONDS
from tests.ports import free_port
from tests.rig import Service, heard

pytestmark = pytest.mark.live

WATCHED = "0x" + "ab" * 20
ETHER = 10**18


class Anvil:
    """A node that mines when it is told to."""

    def __init__(self, url):
        self.url = url
        self.sender = None

    async def call(self, method, *params):
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        async with aiohttp.ClientSession() as http, http.post(self.url, json=request) as answer:
            answered = await answer.json()
        assert "error" not in answered, answered
        return answered["result"]

    async def send(self, **transaction):
        """Put a transaction into the pool and return its hash."""
        return await self.call(
            "eth_sendTransaction", {"from": self.sender, "gas": hex(10**6), **transaction}
        )

    async def mine(self):
        """Mine one block and return its number."""
        await self.call("evm_mine")
        return int(await self.call("eth_blockNumber"), 16)

    async def deploy(self, runtime):
        """Mine a contract with this code and return its address."""
        size = f"{len(runtime) // 2:02x}"
        made = await self.send(data=f"0x60{size}600c60003960{size}6000f3{runtime}")
        await self.mine()
        receipt = await self.call("eth_getTransactionReceipt", made)
        assert receipt["status"] == "0x1", receipt
        return receipt["contractAddress"]


@asynccontextmanager
async def anvil(port=None):
    port = port or free_port()
    process = await asyncio.create_subprocess_exec(
        os.environ["CRYPITOR_TEST_ANVIL"], "--port", str(port), "--no-mining", "--silent"
    )
    try:
        node = Anvil(f"http://127.0.0.1:{port}")
        async with asyncio.timeout(HANG_SECONDS):
            while node.sender is None:
                with suppress(aiohttp.ClientError):
                    node.sender = (await node.call("eth_accounts"))[0]
                await asyncio.sleep(0.05)
        yield node
    finally:
        process.kill()
        await process.wait()


def emitter(topic0, topics):
    """Code that emits an event: `topics` words of calldata are indexed, the others its data."""
    offset = f"60{32 * topics:02x}"
    size = f"{offset}3603"
    copy = f"{size}{offset}600037"
    words = "".join(f"60{32 * at:02x}35" for at in reversed(range(topics)))
    return f"{copy}{words}7f{topic0}{size}6000a{topics + 1:x}00"


def words(*values):
    return "0x" + "".join(f"{int(v, 16) if isinstance(v, str) else v:064x}" for v in values)


def told(webhook):
    """What matters of a webhook."""
    data = webhook.json["data"]
    return (
        webhook.json["type"].removeprefix("match."),
        data["kind"], data["direction"], data["amount"], data["token_id"], data["item"],
    )  # fmt: skip


@asynccontextmanager
async def watching(folder, url, receiver, secrets, **settings):
    service = Service(
        folder,
        {
            "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "31337",
            "CRYPITOR__NETWORKS__DEV__RPC": f'["{url}"]',
            "CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": "3",
            **settings,
        },
    )
    await service.start()
    try:
        monitor = await service.post(
            "/v1/monitors",
            {
                "name": "Anvil",
                "networks": ["dev"],
                "addresses": [WATCHED],
                "webhook": {"url": f"{receiver.url}/hook"},
            },
        )
        secrets.append(monitor["webhook"]["secret"])
        yield service
    finally:
        status = await service.stop()
    assert status == 0, service.log.read_text()


@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_every_kind_on_a_real_node(tmp_path, scheme):
    """
    All kinds of transfers are told, confirmed at the third block; a failed one is not.
    """
    secrets = []
    async with anvil() as node, Receiver(lambda: secrets) as receiver:
        url = node.url.replace("http", scheme, 1)
        first = await node.mine()
        async with watching(tmp_path, url, receiver, secrets) as service:
            await service.until_tip("dev", first)
            token = await node.deploy(emitter(recorded.TRANSFER, 2))
            nft = await node.deploy(emitter(recorded.TRANSFER, 3))
            single = await node.deploy(emitter(recorded.SINGLE, 3))
            batch = await node.deploy(emitter(recorded.BATCH, 3))
            reverting = await node.deploy("60006000fd")
            await node.send(to=WATCHED, value=hex(3 * ETHER))
            await node.send(to=reverting, value=hex(ETHER))
            await node.send(to=token, data=words(WATCHED, node.sender, 2**255))
            await node.send(to=nft, data=words(node.sender, WATCHED, 77))
            await node.send(to=single, data=words(node.sender, WATCHED, node.sender, 5, 6))
            await node.send(
                to=batch,
                data=words(WATCHED, node.sender, WATCHED, 64, 160, 2, 10, 11, 2, 20, 21),
            )
            block = await node.mine()
            await node.mine()
            await service.until_tip("dev", block + 1)
            await service.until_nothing_is_due()
            before = sorted(map(told, heard(receiver)), key=str)
            await node.mine()
            await service.until_tip("dev", block + 2)
            await service.until_nothing_is_due()

    matches = [
        ("native", "in", str(3 * ETHER), None, None),
        ("erc20", "out", str(2**255), None, None),
        ("erc721", "in", "1", "77", None),
        ("erc1155", "out", "6", "5", None),
        ("erc1155", "in", "20", "10", 0),
        ("erc1155", "in", "21", "11", 1),
    ]
    expected = sorted([("detected", *match) for match in matches], key=str)
    assert expected == before
    expected += [("confirmed", *match) for match in matches]
    assert sorted(expected, key=str) == sorted(map(told, heard(receiver)), key=str)


async def test_a_reorg_on_a_real_node(tmp_path):
    """
    A transfer whose block is replaced is reverted, and told again where it is mined anew.
    """
    secrets = []
    async with anvil() as node, Receiver(lambda: secrets) as receiver:
        first = await node.mine()
        async with watching(tmp_path, node.url, receiver, secrets) as service:
            await service.until_tip("dev", first)
            await node.send(to=WATCHED, value=hex(ETHER))
            block = await node.mine()
            await service.until_tip("dev", block)
            await receiver.until(lambda received: len(received) >= 1)
            await node.call("anvil_reorg", 1, [])
            await node.send(to=WATCHED, value=hex(2 * ETHER))
            await node.mine()
            await receiver.until(lambda received: len(received) >= 3)
            await service.until_nothing_is_due()

    assert [
        ("detected", "native", "in", str(ETHER), None, None),
        ("detected", "native", "in", str(2 * ETHER), None, None),
        ("reverted", "native", "in", str(ETHER), None, None),
    ] == sorted(map(told, heard(receiver)))
