"""Testing a monitor through the API, on a simulated chain."""

import asyncio
from dataclasses import replace

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from crypitor.api import SERVER_OPTIONS, build
from crypitor.backfill.trial import Trial
from crypitor.database.keys import Scope
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.worker import Unobserved
from crypitor.worker.node import Node
from crypitor.worker.nodes import Nodes
from tests.patience import HANG_SECONDS
from tests.worker.faulty import FaultyNode, altered

CHAIN_ID = 1337
TIP = 40


@pytest.fixture(scope="module")
def chain():
    chain = SimulatedChain(7, chain_id=CHAIN_ID, transfers=(2, 6), actors=20)
    chain.mine(TIP)
    return chain


@pytest.fixture
async def node(chain):
    """A node of the chain that can misbehave."""
    async with SimulatorServer(chain) as server, FaultyNode(server.url) as faulty:
        yield faulty


@pytest.fixture
async def tested(api, chain, node):
    """The application with nodes of the network `dev`, and a monitor of everybody on it."""
    one = Node(node.url, "node", chain_id=CHAIN_ID, timeout_seconds=HANG_SECONDS, verify="receipts")
    async with Nodes("dev", [one], observer=Unobserved()) as nodes:
        trial = Trial(
            "dev", CHAIN_ID, nodes, api.context.database, traced=False, requests_per_second=1e6
        )
        context = replace(api.context, trials={"dev": trial})
        async with TestServer(build(context)) as server:
            await server.start_server(**SERVER_OPTIONS)
            api.url = str(server.make_url("")).rstrip("/")
            api.monitor = await made(api, chain)
            yield api


async def made(api, chain, **changes):
    body = {
        "networks": ["dev", "ethereum"],
        "addresses": [actor.address for actor in chain.actors],
        "rules": [{"kind": "native", "where": "amount > 0"}, {"kind": "erc721", "direction": "in"}],
        **changes,
    }
    return (await api.made("/v1/monitors", body))["id"]


async def tried(api, monitor=None, **body):
    return await api.call(
        "POST", f"/v1/monitors/{monitor or api.monitor}/test", json={"network": "dev", **body}
    )


def plain_natives(chain, first, last):
    """Height, hash and receiver of transactions that moved value, as the chain made them."""
    for number in range(first, last + 1):
        for mined in chain.by_number(number).transactions:
            if mined.succeeded and mined.signed.envelope.value:
                yield number, mined.signed.hash, mined.signed.envelope.to


async def test_blocks_are_counted(tested, chain):
    """
    A range tells its matches as webhooks do, a count for each day, and the rate.
    """
    answer, told = await tried(tested, from_block=1.0, to_block=TIP)
    natives = [match for match in told["matches"] if match["kind"] == "native"]
    expected = {name for _, name, _ in plain_natives(chain, 1, TIP)}

    assert answer.status == 200
    assert told["match_count"] == sum(day["matches"] for day in told["blocks"]["days"])
    assert (told["blocks"]["from_block"], told["blocks"]["to_block"]) == (1, TIP)
    assert told["blocks"]["complete"] is True
    assert told["transaction"] is None
    assert {match["transaction"]["hash"] for match in natives} <= expected
    assert natives != []
    assert len(told["matches"]) == min(told["match_count"], 100)


async def test_a_noisy_monitor_is_called_so(tested, chain):
    """
    More than a thousand matches a day is a warning that says how many; a quiet one has none.
    """
    _, noisy = await tried(tested, from_block=1, to_block=TIP)
    quiet = await made(tested, chain, addresses=[])
    _, silent = await tried(tested, quiet, from_block=1, to_block=TIP)

    assert noisy["blocks"]["matches_per_day"] > 1000
    assert "matches a day" in noisy["blocks"]["warning"]
    assert (silent["match_count"], silent["blocks"]["warning"]) == (0, None)


async def test_a_transaction_is_explained(tested, chain):
    """
    A transaction that moved value tells what its native rule came to, with the values.
    """
    actors = {actor.address for actor in chain.actors}
    moved = plain_natives(chain, 1, TIP)
    number, name = next((number, name) for number, name, to in moved if to in actors)
    answer, told = await tried(tested, transaction=name.upper().replace("0X", "0x"))
    native, erc721 = told["transaction"]["rules"]

    assert answer.status == 200
    assert told["transaction"]["block"]["number"] == number
    assert told["transaction"]["hash"] == name
    assert native["matches"] == told["match_count"] == 2
    [part] = native["findings"][0]["where"]["parts"]
    assert part["text"] == "amount > 0"
    assert part["values"] == {"amount": native["findings"][0]["amount"]}
    assert erc721["matches"] == 0
    assert told["blocks"] is None


async def test_a_disabled_monitor_is_tested_and_nothing_is_stored(tested, chain):
    """
    A disabled monitor is tested like any other, and leaves no match, delivery or wanted token.
    """
    monitor = await made(tested, chain, enabled=False)
    _, told = await tried(tested, monitor, from_block=1, to_block=TIP)
    rows = [
        await tested.context.database.read(lambda tx, table=table: tx.all(f"select * from {table}"))
        for table in ("matches", "deliveries", "tokens", "jobs")
    ]

    assert told["enabled"] is False
    assert told["match_count"] > 0
    assert rows == [[], [], [], []]


@pytest.mark.parametrize(
    ("body", "status", "pointer", "word"),
    [
        ({"from_block": 1, "to_block": TIP + 1}, 409, "/to_block", f"above {TIP}"),
        ({"from_block": TIP + 1}, 409, "/from_block", f"above {TIP}"),
        ({"from_block": 9, "to_block": 8}, 400, "/from_block", "above to_block"),
        ({"from_block": 1, "network": "ethereum"}, 409, "/network", "tested on dev"),
        ({"from_block": 1, "network": "unknown"}, 409, "/network", "tested on dev"),
        ({}, 400, "", "either transaction"),
        ({"from_block": 1, "transaction": "0x" + "1" * 64}, 400, "", "either transaction"),
        ({"to_block": 1, "transaction": "0x" + "1" * 64}, 400, "", "to_block belongs"),
        ({"transaction": "0x12"}, 400, "/transaction", "64 hex digits"),
        ({"transaction": 12}, 400, "/transaction", "64 hex digits"),
        ({"from_block": -1}, 400, "/from_block", "0"),
    ],
)
async def test_what_cannot_be_tested_is_refused(tested, body, status, pointer, word):
    """
    Each wrong place is named, with the bound.
    """
    answer, problem = await tried(tested, **body)

    assert answer.status == status, problem
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert word in problem["errors"][0]["detail"]


async def test_a_range_is_limited(tested, node):
    """
    More than 10,000 blocks are refused, with the limit.
    """
    node.alter = altered(
        "eth_getBlockByNumber", lambda _, one: one["result"].update(number="0x2710")
    )
    answer, problem = await tried(tested, from_block=0, to_block=10_000)

    assert answer.status == 400
    assert [error["pointer"] for error in problem["errors"]] == ["/to_block"]
    assert "10000" in problem["errors"][0]["detail"]


async def test_unknown_pending_and_unreachable(tested, node):
    """
    An unknown transaction is 404, a node that is down 503.
    """
    unknown, problem = await tried(tested, transaction="0x" + "7" * 64)
    await node.stop()
    down, _ = await tried(tested, transaction="0x" + "7" * 64)

    assert (unknown.status, problem["detail"]) == (404, "no node of dev knows this transaction")
    assert down.status == 503


async def test_others_cannot_test_it(tested, stranger):
    """
    A monitor of another project is not there, and a key that only reads may not ask its nodes.
    """
    path, body = f"/v1/monitors/{tested.monitor}/test", {"network": "dev", "from_block": 1}
    foreign, _ = await tested.call("POST", path, json=body, key=stranger)
    reader, _ = await tested.call("POST", path, json=body, key=await tested.key(Scope.READ))

    assert (foreign.status, reader.status) == (404, 403)


async def test_work_ends_when_the_client_goes_away(tested, node):
    """
    A caller who hangs up leaves no request to the node behind it.
    """
    node.hanging = True
    async with aiohttp.ClientSession() as session:
        asking = asyncio.create_task(
            session.post(
                f"{tested.url}/v1/monitors/{tested.monitor}/test",
                json={"network": "dev", "from_block": 1, "to_block": 5},
                headers={"Authorization": f"Bearer {tested.admin}"},
            )
        )
        while not node.posts:
            await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    async with asyncio.timeout(HANG_SECONDS):
        while any(task.get_name() == "trial" for task in asyncio.all_tasks()):
            await asyncio.sleep(0.02)
    node.heal()
    answer, told = await tried(tested, from_block=1, to_block=5)

    assert (answer.status, told["blocks"]["complete"]) == (200, True)
