import asyncio

import pytest
from aiohttp import web

from crypitor.errors import NodeUnavailable, Unproven
from crypitor.worker import Unobserved
from crypitor.worker.node import Node
from crypitor.worker.nodes import COOL_DOWN_SECONDS, Nodes, names_of
from tests.worker.conftest import CHAIN_ID
from tests.worker.faulty import FaultyNode, altered


class Clock:
    """Seconds that pass only when the test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Tally(Unobserved):
    def __init__(self):
        self.incompletes = []

    def incomplete(self, network, node, check):
        self.incompletes.append((network, node, check))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tally():
    return Tally()


@pytest.fixture
async def first(server):
    async with FaultyNode(server.url) as node:
        yield node


@pytest.fixture
async def second(server):
    async with FaultyNode(server.url) as node:
        yield node


@pytest.fixture
async def open_nodes(clock, tally):
    opened = []

    def make(*urls, **options):
        settings = {"chain_id": CHAIN_ID, "timeout_seconds": 1.0, "verify": "receipts", **options}
        members = [
            Node(url, name, **settings)
            for url, name in zip(urls, ("first", "second", "third"), strict=False)
        ]
        nodes = Nodes("ethereum", members, observer=tally, clock=clock)
        opened.append(nodes)
        return nodes

    yield make
    for nodes in opened:
        async with nodes:
            pass


def states(nodes):
    return [one.state for one in nodes.status]


async def test_uses_the_first_node(open_nodes, first, second):
    """As long as the first node is healthy, the others are not asked."""
    nodes = open_nodes(first.url, second.url)

    for number in (1, 2, 3):
        await nodes.next(number)

    assert len(first.posts) == 3
    assert second.posts == []
    assert states(nodes) == ["active", "standby"]


async def test_asks_the_next_one_within_the_same_call(open_nodes, first, second):
    """When the first node is down, the answer comes from the second one."""
    nodes = open_nodes(first.url, second.url)
    await first.stop()

    sight = await nodes.next(5)

    assert sight.block.header.number == 5
    assert states(nodes) == ["failing", "active"]


async def test_stays_with_the_second_one_for_a_while(open_nodes, first, second, clock):
    """A node that failed is not asked during its cool-down, as long as another one answers."""
    nodes = open_nodes(first.url, second.url)
    first.reply = lambda: web.Response(status=500)
    await nodes.next(5)
    first.heal()

    clock.now += COOL_DOWN_SECONDS - 1
    await nodes.next(6)

    assert len(first.posts) == 1


async def test_comes_back_to_the_first_one(open_nodes, first, second, clock):
    """After the cool-down the preferred node is asked again, and used if it is well."""
    nodes = open_nodes(first.url, second.url)
    first.reply = lambda: web.Response(status=500)
    await nodes.next(5)
    first.heal()

    clock.now += COOL_DOWN_SECONDS
    await nodes.next(6)

    assert len(second.posts) == 1
    assert states(nodes) == ["active", "standby"]


async def test_checks_the_chain_id_after_a_failover(open_nodes, first, second):
    """The node that takes over says which chain it is on before anything of it is believed."""
    nodes = open_nodes(first.url, second.url)
    await first.stop()
    second.alter = altered("eth_chainId", lambda _, answer: answer.update(result="0x38"))

    with pytest.raises(NodeUnavailable, match="chain id is 56"):
        await nodes.next(5)


async def test_an_unproven_block_is_asked_of_the_other_node(open_nodes, first, second, tally):
    """A block that does not prove itself is taken from another node, and counted."""
    nodes = open_nodes(first.url, second.url)
    first.alter = altered("eth_getBlockReceipts", lambda _, answer: answer["result"].pop())

    sight = await nodes.next(5)

    assert sight.block.header.number == 5
    assert tally.incompletes == [("ethereum", "first", "receipts")]


async def test_an_unproven_block_of_a_single_node_stays_unproven(open_nodes, first):
    """With one node the kind of the failure is kept, and the node is named."""
    nodes = open_nodes(first.url)
    first.alter = altered("eth_getBlockReceipts", lambda _, answer: answer["result"].pop())

    with pytest.raises(Unproven, match=r"^first: ") as caught:
        await nodes.next(5)

    assert caught.value.check == "receipts"


async def test_a_block_that_one_node_lacks_is_taken_from_another(open_nodes, first, second):
    """A node that shows a head and not the block below it is not the last word."""
    nodes = open_nodes(first.url, second.url)

    def no_block(request, answer):
        if request["params"][1]:
            answer["result"] = None

    first.alter = altered("eth_getBlockByNumber", no_block)

    assert (await nodes.next(5)).block.header.number == 5


async def test_a_new_height_is_asked_of_one_node_only(open_nodes, first, second):
    """That there is nothing above the head is an answer: it costs one request."""
    nodes = open_nodes(first.url, second.url)

    sight = await nodes.next(11)

    assert sight.block is None
    assert second.posts == []


async def test_says_what_is_wrong_with_each(open_nodes, first, second):
    """When all nodes fail, the error names each of them and its trouble."""
    nodes = open_nodes(first.url, second.url)
    first.reply = lambda: web.Response(status=500)
    second.reply = lambda: web.Response(text="x")

    with pytest.raises(NodeUnavailable, match=r"first: HTTP 500 .*; second: not JSON-RPC"):
        await nodes.next(5)


async def test_asks_resting_nodes_when_there_is_no_other(open_nodes, first, second):
    """The cool-down is a preference: with every node failing, all are tried again."""
    nodes = open_nodes(first.url, second.url)
    await first.stop()
    await second.stop()
    with pytest.raises(NodeUnavailable):
        await nodes.next(5)
    await second.start()

    assert (await nodes.next(5)).block.header.number == 5


async def test_leaves_a_node_alone_that_asked_for_it(open_nodes, first, clock):
    """After Retry-After, a node is not asked before that time, even if it is the only one."""
    nodes = open_nodes(first.url)
    first.reply = lambda: web.Response(status=429, headers={"Retry-After": "20"})
    with pytest.raises(NodeUnavailable):
        await nodes.next(5)
    first.heal()

    clock.now += 15
    with pytest.raises(NodeUnavailable) as caught:
        await nodes.next(5)

    assert caught.value.retry_after == 5
    assert len(first.posts) == 1


async def test_asks_again_after_retry_after(open_nodes, first, clock):
    """When the time of Retry-After is over, the node is used again."""
    nodes = open_nodes(first.url)
    first.reply = lambda: web.Response(status=429, headers={"Retry-After": "20"})
    with pytest.raises(NodeUnavailable):
        await nodes.next(5)
    first.heal()

    clock.now += 20

    assert (await nodes.next(5)).block.header.number == 5


async def test_hears_heads_from_whoever_announces_them(open_nodes, chain, server, first):
    """Among HTTP nodes, the WebSocket one announces the heads."""
    nodes = open_nodes(first.url, server.ws_url)
    heads = aiter(nodes.heads())
    heard = asyncio.create_task(anext(heads))
    async with asyncio.timeout(5):
        while not heard.done():
            chain.mine()
            await server.announce()
            await asyncio.wait([heard], timeout=0.05)

    assert nodes.push
    assert heard.result().hash in chain.canonical()
    await heads.aclose()


async def test_nobody_announces_heads_over_http(open_nodes, first):
    """Without a WebSocket node there is nothing to listen to."""
    nodes = open_nodes(first.url)

    assert not nodes.push
    with pytest.raises(NodeUnavailable):
        await anext(aiter(nodes.heads()))


async def test_shows_heads_and_errors(open_nodes, first, second):
    """The status tells what each node showed and why it is failing, and no URL."""
    nodes = open_nodes(first.url, second.url)
    first.reply = lambda: web.Response(status=403)

    await nodes.next(5)

    one, two = nodes.status
    assert (one.head, one.error) == (None, "HTTP 403 Forbidden")
    assert (two.head, two.error) == (10, None)


def test_names_are_hosts():
    """Names hold host and port, and nothing that could be a key; the same host is numbered."""
    urls = [
        "https://user:password@eth.example.com/v2/SECRET?key=SECRET",
        "wss://eth.example.com/v2/SECRET",
        "http://127.0.0.1:8545",
        "http://[::1]:8545/",
    ]

    assert names_of(urls) == [
        "eth.example.com#1",
        "eth.example.com#2",
        "127.0.0.1:8545",
        "[::1]:8545",
    ]


async def test_makes_its_nodes_from_urls(server):
    """`of_urls` gives nodes that work, and tells the observer which one was asked."""
    asked = []

    class Requests(Unobserved):
        def requested(self, network, node, method, outcome, seconds):
            asked.append((network, node, method, outcome))

    async with Nodes.of_urls(
        "dev",
        [server.url],
        chain_id=CHAIN_ID,
        timeout_seconds=5,
        verify="receipts",
        tags=True,
        observer=Requests(),
    ) as nodes:
        sight = await nodes.next(10)

    assert sight.finalized == 6
    assert ("dev", server.url.removeprefix("http://"), "eth_getBlockReceipts", "ok") in asked
