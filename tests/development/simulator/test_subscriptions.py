"""JSON-RPC over WebSocket."""

import aiohttp
import pytest

from crypitor.development.simulator.rpc import SimulatorServer
from tests.development.simulator.served import served, subscribe
from tests.patience import HANG_SECONDS


def announced(block):
    """The header as newHeads has it."""
    whole = served(block).block
    return {
        name: value
        for name, value in whole.items()
        if name not in ("transactions", "size", "uncles", "withdrawals")
    }


async def test_new_heads_are_announced(chain, server, session):
    """Every block that is mined comes to every subscription, in order."""
    async with session.ws_connect(server.ws_url) as one, session.ws_connect(server.ws_url) as other:
        first, second = await subscribe(one), await subscribe(other)
        blocks = chain.mine(2)
        await server.announce()
        for socket, identity in ((one, first), (other, second)):
            for block in blocks:
                message = await socket.receive_json(timeout=HANG_SECONDS)

                assert message == {
                    "jsonrpc": "2.0",
                    "method": "eth_subscription",
                    "params": {"subscription": identity, "result": announced(block)},
                }


@pytest.mark.parametrize("depth, length", [(1, None), (3, None), (4, 2)])
async def test_a_reorg_announces_its_blocks(chain, server, session, depth, length):
    """After a reorg the blocks of the new branch come, from the fork on."""
    async with session.ws_connect(server.ws_url) as socket:
        await subscribe(socket)
        blocks = chain.reorg(depth, length)
        await server.announce()
        heads = [
            (await socket.receive_json(timeout=HANG_SECONDS))["params"]["result"] for _ in blocks
        ]

    assert heads == [announced(block) for block in blocks]


async def test_nothing_new_is_not_announced(chain, server, session):
    """A head that was told, or is only taken away, is not told: the next message is the answer to the next request."""
    async with session.ws_connect(server.ws_url) as socket:
        await subscribe(socket)
        chain.mine()
        await server.announce()
        await socket.receive_json(timeout=HANG_SECONDS)
        await server.announce()
        chain.reorg(2, 0)
        await server.announce()
        await socket.send_json({"id": 2, "method": "eth_blockNumber"})

        assert (await socket.receive_json(timeout=HANG_SECONDS))["id"] == 2


async def test_unsubscribing_ends_it(chain, server, session):
    """After eth_unsubscribe no head comes; a second time is an error."""
    async with session.ws_connect(server.ws_url) as socket:
        identity = await subscribe(socket)
        request = {"id": 2, "method": "eth_unsubscribe", "params": [identity]}
        await socket.send_json(request)
        first = await socket.receive_json(timeout=HANG_SECONDS)
        chain.mine()
        await server.announce()
        await socket.send_json(request)
        second = await socket.receive_json(timeout=HANG_SECONDS)

    assert first["result"] is True
    assert second["error"]["code"] == -32602


async def test_only_new_heads_can_be_subscribed(server, session):
    """Other kinds of subscription are refused."""
    async with session.ws_connect(server.ws_url) as socket:
        await socket.send_json({"id": 1, "method": "eth_subscribe", "params": ["logs", {}]})

        assert (await socket.receive_json(timeout=HANG_SECONDS))["error"]["code"] == -32602


async def test_requests_and_batches_over_websocket(chain, server, session):
    """A WebSocket answers what HTTP answers, batches and nonsense too."""
    async with session.ws_connect(server.ws_url) as socket:
        await socket.send_json([{"id": 1, "method": "eth_chainId"}])
        batch = await socket.receive_json(timeout=HANG_SECONDS)
        await socket.send_bytes(b'{"id": 2, "method": "eth_blockNumber"}')
        binary = await socket.receive_json(timeout=HANG_SECONDS)
        await socket.send_str("{")
        nonsense = await socket.receive_json(timeout=HANG_SECONDS)

    assert [answer["result"] for answer in batch] == ["0x7a69"]
    assert binary["result"] == "0x7"
    assert nonsense["error"]["code"] == -32700


async def test_a_client_that_left_is_forgotten(chain, server, session):
    """Heads are announced to the others when a subscriber is gone."""
    async with session.ws_connect(server.ws_url) as stays:
        await subscribe(stays)
        async with session.ws_connect(server.ws_url) as leaves:
            await subscribe(leaves)
        chain.mine()
        await server.announce()
        message = await stays.receive_json(timeout=HANG_SECONDS)

    assert message["params"]["result"]["hash"] == chain.head.hash


async def test_closing_the_server_closes_its_sockets(chain, session):
    """A connected client sees the end at once."""
    async with SimulatorServer(chain) as server:
        socket = await session.ws_connect(server.ws_url)
        await subscribe(socket)
    message = await socket.receive(timeout=HANG_SECONDS)

    assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    await socket.close()


async def test_a_taken_port_is_an_error(chain, server):
    """Two servers cannot have one port."""
    port = int(server.url.rsplit(":", 1)[1])
    with pytest.raises(OSError, match="address already in use"):
        async with SimulatorServer(chain, port=port):
            pass
