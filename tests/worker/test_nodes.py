import asyncio

import pytest
from aiohttp import web

from crypitor.errors import NodeUnavailable, Unproven
from crypitor.runtime.redaction import names_of
from crypitor.worker import Unobserved
from crypitor.worker.node import Node
from crypitor.worker.nodes import COOL_DOWN_SECONDS, STALE_SECONDS, Nodes
from tests.patience import HANG_SECONDS
from tests.worker.conftest import CHAIN_ID
from tests.worker.faulty import FaultyNode, altered, unprovable


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

    def make(*urls, wall=lambda: 0.0, **options):
        settings = {
            "chain_id": CHAIN_ID,
            "timeout_seconds": 2 * HANG_SECONDS,
            "verify": "receipts",
            **options,
        }
        members = [
            Node(url, name, **settings)
            for url, name in zip(urls, ("first", "second", "third"), strict=False)
        ]
        nodes = Nodes("ethereum", members, observer=tally, clock=clock, wall=wall)
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
    asked = len(first.posts)

    clock.now += COOL_DOWN_SECONDS - 1
    await nodes.next(6)

    assert len(first.posts) == asked


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
    first.alter = unprovable()

    sight = await nodes.next(5)

    assert sight.block.header.number == 5
    assert tally.incompletes == [("ethereum", "first", "root")]


async def test_an_unproven_block_of_a_single_node_stays_unproven(open_nodes, first):
    """With one node the kind of the failure is kept, and the node is named."""
    nodes = open_nodes(first.url)
    first.alter = unprovable()

    with pytest.raises(Unproven, match=r"^first: ") as caught:
        await nodes.next(5)

    assert caught.value.check == "root"


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
    async with asyncio.timeout(HANG_SECONDS):
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


def behind(chain, number):
    """An `alter` of a node that follows its chain only as far as `number`."""

    def change(request, answer):
        place = request["params"][0]
        if place == "latest":
            header = chain.by_number(number)
            answer["result"].update(
                number=hex(number), hash=header.hash, parentHash=header.parent_hash
            )
        elif place.startswith("0x") and int(place, 16) > number:
            answer["result"] = None

    return altered("eth_getBlockByNumber", change)


async def test_leaves_a_node_whose_head_falls_behind(open_nodes, chain, first, second, clock):
    """A head that stands still is held against the siblings'; the one that is ahead is used."""
    nodes = open_nodes(first.url, second.url)
    await nodes.next(10)
    first.alter = behind(chain, 10)
    chain.mine(5)
    clock.now += STALE_SECONDS

    sight = await nodes.next(11)

    assert sight.block.header.number == 11
    assert states(nodes) == ["failing", "active"]
    assert "5 blocks behind" in nodes.status[0].error


async def test_comes_back_to_a_node_that_caught_up(open_nodes, chain, first, second, clock):
    """When the preferred node has its siblings' head again, it is used again."""
    nodes = open_nodes(first.url, second.url)
    await nodes.next(10)
    first.alter = behind(chain, 10)
    chain.mine(5)
    clock.now += STALE_SECONDS
    await nodes.next(11)
    first.heal()

    clock.now += COOL_DOWN_SECONDS
    await nodes.next(12)

    assert states(nodes) == ["active", "standby"]


async def test_does_not_ask_siblings_while_the_head_moves(open_nodes, chain, first, second, clock):
    """As long as new heads come, looking around would cost requests for nothing."""
    chain.mine(1)
    nodes = open_nodes(first.url, second.url, wall=lambda: chain.head.timestamp)
    for number in range(12, 20):
        clock.now += STALE_SECONDS - 1
        await nodes.next(number)
        chain.mine()
        await nodes.next(number)

    assert second.posts == []


async def test_leaves_a_slow_node(open_nodes, first, second, clock):
    """A node that takes seconds where another one takes none is not preferred."""
    nodes = open_nodes(first.url, second.url)
    await nodes.next(5)
    clock.now += STALE_SECONDS
    await nodes.next(11)
    nodes._seats[0].node.latency_seconds = 4.0

    await nodes.next(6)
    await nodes.next(7)

    assert states(nodes) == ["failing", "active"]
    assert "to answer" in nodes.status[0].error


async def test_a_node_that_often_fails_rests_longer(open_nodes, first, second, clock):
    """Once a node has failed many times, one cool-down is not enough."""
    nodes = open_nodes(first.url, second.url)
    first.reply = lambda: web.Response(status=500)
    for _ in range(12):
        await nodes.next(5)
        clock.now += 4 * COOL_DOWN_SECONDS
    await nodes.next(5)
    first.heal()

    clock.now += COOL_DOWN_SECONDS
    asked = len(first.posts)
    await nodes.next(5)

    assert nodes.status[0].error_rate > 0.4
    assert len(first.posts) == asked


async def test_what_no_node_can_prove_stays_unproven(open_nodes, first, second, tally):
    """All nodes were asked, each is counted, and the kind of the failure is kept."""
    nodes = open_nodes(first.url, second.url)
    for node in (first, second):
        node.alter = unprovable()

    with pytest.raises(Unproven, match=r"first: .*; second: "):
        await nodes.next(5)

    assert [node for _, node, _ in tally.incompletes] == ["first", "second"]


async def test_turns_away_from_a_node_that_is_accused(open_nodes, first, second):
    """A node that showed what the others contradict is not asked for a while."""
    nodes = open_nodes(first.url, second.url)
    await nodes.next(5)

    nodes.accuse("first", "foreign")
    sight = await nodes.next(6)

    assert sight.node == "second"
    assert nodes.status[0].error == "foreign"


async def test_asks_the_others_what_they_have(open_nodes, chain, first, second):
    """Witnesses are all nodes but one; who does not answer is none."""
    nodes = open_nodes(first.url, second.url)

    assert [one.hash for one in await nodes.witnesses(5, "first")] == [chain.by_number(5).hash]
    await second.stop()
    assert await nodes.witnesses(5, "first") == []


async def test_counts_requests(open_nodes, first, second):
    """The status tells how many requests went to each node."""
    nodes = open_nodes(first.url, second.url)
    for number in (1, 2, 3):
        await nodes.next(number)

    assert [one.requests for one in nodes.status] == [3, 0]
    assert nodes.requests == 3
    assert nodes.status[0].latency_ms > 0


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
        timeout_seconds=HANG_SECONDS,
        verify="receipts",
        observer=Requests(),
    ) as nodes:
        sight = await nodes.next(10, tags=True)

    assert sight.finalized == 6
    assert ("dev", server.url.removeprefix("http://"), "eth_getBlockReceipts", "ok") in asked
