"""What is served beside JSON-RPC."""

import pytest

from crypitor.development.simulator.chain import SimulatedChain
from tests.development.simulator.served import orphan, subscribe
from tests.patience import HANG_SECONDS


async def test_mining_on_demand(chain, server, session, ask):
    """POST /_/mine adds blocks, one without a body, and announces them."""
    async with session.ws_connect(server.ws_url) as socket:
        await subscribe(socket)
        async with session.post(server.url + "/_/mine", json={"count": 2}) as response:
            two = await response.json()
        async with session.post(server.url + "/_/mine") as response:
            one = await response.json()
        heads = [
            (await socket.receive_json(timeout=HANG_SECONDS))["params"]["result"] for _ in range(3)
        ]

    assert (two["number"], one["number"]) == (9, 10)
    assert one["hash"] == chain.head.hash == heads[-1]["hash"]
    assert [int(head["number"], 16) for head in heads] == [8, 9, 10]


async def test_reorg_on_demand(chain, server, session):
    """POST /_/reorg replaces blocks as SimulatedChain.reorg does."""
    twin = SimulatedChain(9, chain_id=31337)
    twin.mine(6)
    twin.reorg(2)
    twin.reorg(3, 2)
    async with session.post(server.url + "/_/reorg", json={"depth": 3, "length": 2}) as response:
        answer = await response.json()

    assert answer == {"number": 6, "hash": twin.head.hash}
    assert chain.canonical() == twin.canonical()


@pytest.mark.parametrize(
    "path, body",
    [
        ("mine", b"{"),
        ("mine", b"[]"),
        ("mine", b'{"count": -1}'),
        ("mine", b'{"count": true}'),
        ("mine", b'{"count": "1"}'),
        ("mine", b'{"count": 1000000}'),
        ("reorg", b'{"depth": 8}'),
        ("reorg", b'{"depth": 1.5}'),
        ("reorg", b'{"depth": 1, "length": 1000000}'),
    ],
)
async def test_wrong_control_requests_are_refused(chain, server, session, path, body):
    """A wrong body is a 400 with a sentence, and changes nothing."""
    before = chain.canonical()
    async with session.post(f"{server.url}/_/{path}", data=body) as response:
        text = await response.text()

    assert response.status == 400
    assert text.strip()
    assert chain.canonical() == before


async def test_the_truth_can_be_asked_for(chain, server, session):
    """GET /_/truth gives the movements of a block by hash or number, amounts as decimal text."""
    for reference, block in [
        (orphan(chain).hash, orphan(chain)),
        ("7", chain.head),
    ]:
        async with session.get(server.url + "/_/truth", params={"block": reference}) as response:
            answer = await response.json()
        expected = chain.truth(block.hash)

        assert (answer["number"], answer["hash"]) == (block.number, block.hash)
        assert [int(each["amount"]) for each in answer["happened"]] == [e.amount for e in expected]
        assert [each["transaction_hash"] for each in answer["happened"]] == [
            each.transaction_hash for each in expected
        ]


@pytest.mark.parametrize("reference", ["", "x", "8", "0x" + "ab" * 32])
async def test_the_truth_of_an_unknown_block(server, session, reference):
    """There is none: 404."""
    async with session.get(server.url + "/_/truth", params={"block": reference}) as response:
        assert response.status == 404


async def test_stats(chain, server, session, ask):
    """GET /_/stats counts requests by method, and knows head and reorgs."""
    await ask("eth_blockNumber")
    await ask("eth_blockNumber")
    async with session.get(server.url + "/_/stats") as response:
        answer = await response.json()

    assert answer == {
        "chain_id": 31337,
        "head": 7,
        "reorgs": 1,
        "subscriptions": 0,
        "requests": {"eth_blockNumber": 2},
    }


async def test_a_plain_get_says_what_to_do(server, session):
    """A browser at the address of the node is told that this is JSON-RPC."""
    async with session.get(server.url) as response:
        assert response.status == 405
        assert "JSON-RPC" in await response.text()
