"""The most common event in development: the node is started anew, and its chain begins again."""

import asyncio
import sys
from urllib.parse import urlsplit

import pytest

from crypitor.development.listen import Receiver
from tests.live.test_anvil import ETHER, WATCHED, anvil, told, watching
from tests.rig import heard

pytestmark = pytest.mark.live


async def paid(node, amount):
    await node.send(to=WATCHED, value=hex(amount))
    return await node.mine()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("scheme", ["http", "ws"])
@pytest.mark.parametrize("blocks", [1, 30, 90])
async def test_a_node_that_is_started_anew_is_followed(tmp_path, scheme, blocks):
    """What was told of the old chain is reverted, and the new one told from its first block."""
    secrets = []
    async with Receiver(lambda: secrets) as receiver:
        async with anvil() as node:
            port = urlsplit(node.url).port
            url = node.url.replace("http", scheme, 1)
            first = await node.mine()
            watched = watching(tmp_path, url, receiver, secrets)
            service = await watched.__aenter__()
            await service.until_tip("dev", first)
            for _ in range(blocks):
                await node.mine()
            block = await paid(node, ETHER)
            await service.until_tip("dev", block)
            await receiver.until(lambda received: len(received) >= 1)
        async with anvil(port) as node:
            await paid(node, 2 * ETHER)
            await receiver.until(lambda received: len(received) >= 3)
            await node.mine()
            await paid(node, 3 * ETHER)
            await receiver.until(lambda received: len(received) >= 5)
            network = await service.get("/v1/networks/dev")
            await watched.__aexit__(None, None, None)

    assert sorted(map(told, heard(receiver))) == [
        ("confirmed", "native", "in", str(2 * ETHER), None, None),
        ("detected", "native", "in", str(ETHER), None, None),
        ("detected", "native", "in", str(2 * ETHER), None, None),
        ("detected", "native", "in", str(3 * ETHER), None, None),
        ("reverted", "native", "in", str(ETHER), None, None),
    ]
    assert (network["state"], network["trouble"]) == ("following", None)


@pytest.mark.timeout(180)
async def test_a_node_that_is_started_anew_is_told(tmp_path):
    """Where it is not followed: within 15 s, in /v1/networks and by `check`, with the command."""
    secrets = []
    async with Receiver(lambda: secrets) as receiver:
        async with anvil() as node:
            port = urlsplit(node.url).port
            first = await node.mine()
            watched = watching(
                tmp_path, node.url, receiver, secrets, CRYPITOR__NETWORKS__DEV__RESET="stop"
            )
            service = await watched.__aenter__()
            await service.until_tip("dev", first)
            block = await paid(node, ETHER)
            await service.until_tip("dev", block)
        async with anvil(port) as node:
            async with asyncio.timeout(60):
                while (await service.get("/v1/networks/dev"))["state"] != "stopped":
                    await asyncio.sleep(0.05)
            network = await service.get("/v1/networks/dev")
            said, status = await command(service, "check")
            done, _ = await command(service, "network", "resume", "dev", "--from-block", "0")
            await paid(node, 2 * ETHER)
            await receiver.until(lambda received: len(received) >= 3)
            await watched.__aexit__(None, None, None)

    way_on = "crypitor network resume dev --from-block 0"
    assert "the chain was begun anew" in network["trouble"]
    assert way_on in network["trouble"]
    assert status == 1
    assert way_on in said
    assert "matches reverted: 1" in done
    assert ("reverted", "native", "in", str(ETHER), None, None) in map(told, heard(receiver))


async def command(service, *words):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crypitor", *words, cwd=service.folder, env=service.environ,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return said.decode(), process.returncode
