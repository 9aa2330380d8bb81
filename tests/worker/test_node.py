import asyncio
import json
import logging
import re
from email.utils import formatdate
from itertools import permutations
from time import time

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.errors import NodeUnavailable, Unproven
from crypitor.evm.address import checksummed
from crypitor.worker.limit import Limit
from tests.ahead import go_ahead
from tests.patience import HANG_SECONDS
from tests.worker.conftest import CHAIN_ID
from tests.worker.faulty import FaultyNode, altered, without


def hashes(block):
    return [transaction.hash for transaction in block.transactions]


@pytest.fixture(params=["http", "ws"])
def url(request, server):
    return server.url if request.param == "http" else server.ws_url


# What a healthy node shows


async def test_shows_the_head_and_the_block(chain, url, open_node):
    """One look gives the head and the block with its transactions and receipts."""
    sight = await open_node(url).next(7)

    expected = chain.by_number(7)
    assert sight.head.hash == chain.head.hash
    assert sight.block.header.hash == expected.hash
    assert sight.block.header.parent_hash == expected.parent_hash
    assert hashes(sight.block) == [mined.signed.hash for mined in expected.transactions]
    assert [receipt.transaction_hash for receipt in sight.block.receipts] == hashes(sight.block)


async def test_shows_no_block_above_the_head(chain, url, open_node):
    """A block that the node does not have yet is None; the head is there all the same."""
    sight = await open_node(url).next(11)

    assert sight.block is None
    assert sight.head.hash == chain.head.hash


async def test_shows_the_tags_if_they_are_wanted(url, open_node):
    """`safe` and `finalized` come with the same look."""
    sight = await open_node(url).next(10, tags=True)

    assert (sight.safe, sight.finalized) == (8, 6)


async def test_finds_headers(chain, url, open_node):
    """Headers are found by hash, height and tag, and runs of them by heights."""
    node = open_node(url)

    assert (await node.header(chain.by_number(3).hash)).number == 3
    assert await node.header("0x" + "ab" * 32) is None
    assert (await node.header_at(4)).hash == chain.by_number(4).hash
    assert await node.header_at(99) is None
    assert (await node.header_at("latest")).hash == chain.head.hash
    assert [one.hash for one in await node.headers(2, 10)] == chain.canonical()[2:]


async def test_finds_long_runs_of_headers(chain, url, open_node):
    """More headers than fit a batch come in order, and none above the head."""
    chain.mine(120)

    node = open_node(url)

    assert [one.hash for one in await node.headers(0, 130)] == chain.canonical()
    assert await node.headers(100, 131) == ()


async def test_a_block_is_one_request(faulty, open_node):
    """Head, block, receipts and tags, if wanted, are one POST; the first asks for the chain id too."""
    node = open_node(faulty.url)

    await node.next(1, tags=True)
    await node.next(2)

    block = ["eth_getBlockByNumber", "eth_getBlockByNumber", "eth_getBlockReceipts"]
    tags = ["eth_getBlockByNumber", "eth_getBlockByNumber"]
    assert faulty.posts == [["eth_chainId", *block, *tags], block]
    assert node.requests == 2


async def test_answers_many_at_once(chain, url, open_node):
    """Requests that are under way together each get their own answer."""
    node = open_node(url)

    sights = await asyncio.gather(*(node.next(number) for number in range(11)))

    assert [sight.block.header.hash for sight in sights] == chain.canonical()


async def test_tells_that_the_block_at_the_head_arrives(url, open_node):
    """Others let it go first; those below it are not waited for."""
    told = []
    node = open_node(url, arrives=lambda: told.append("block"))
    await node.next(9)
    below = list(told)
    await node.next(10)

    assert below == []
    assert told == ["block"]


@pytest.mark.parametrize(("latency_seconds", "told"), [(0.001, True), (0.5, False)])
async def test_a_near_node_tells_so_by_its_announcement(
    chain, server, open_node, latency_seconds, told
):
    """What it announces is here within some milliseconds."""
    arriving = []
    node = open_node(server.ws_url, arrives=lambda: arriving.append("block"))
    heads = aiter(node.heads())
    first = asyncio.create_task(anext(heads))
    async with asyncio.timeout(HANG_SECONDS):
        while not first.done():
            node.latency_seconds = latency_seconds
            chain.mine()
            await server.announce()
            await asyncio.wait([first], timeout=0.05)
    await heads.aclose()

    assert bool(arriving) == told


async def test_announces_heads(chain, server, open_node):
    """A WebSocket node tells of each new block."""
    node = open_node(server.ws_url)
    heads = aiter(node.heads())
    first = asyncio.create_task(anext(heads))
    async with asyncio.timeout(HANG_SECONDS):
        while not first.done():
            chain.mine()
            await server.announce()
            await asyncio.wait([first], timeout=0.05)

    assert first.result().hash in chain.canonical()
    await heads.aclose()


async def test_counts_each_call(server, open_node):
    """The observer hears method and outcome of every call."""
    seen = []
    node = open_node(server.url, observe=lambda method, outcome, _: seen.append((method, outcome)))

    await node.next(1)

    assert seen == [
        ("eth_chainId", "ok"),
        ("eth_getBlockByNumber", "ok"),
        ("eth_getBlockByNumber", "ok"),
        ("eth_getBlockReceipts", "ok"),
    ]


async def test_a_cancelled_request_does_no_harm(url, open_node):
    """Requests go on after others were cancelled at any moment."""
    node = open_node(url)
    for turn in range(30):
        tasks = [asyncio.create_task(node.next(3)) for _ in range(4)]
        await asyncio.wait(tasks, timeout=turn / 10_000)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    sight = await asyncio.wait_for(node.next(3), HANG_SECONDS)

    assert sight.block.header.number == 3


async def test_makes_a_lost_connection_again(chain, server, open_node):
    """A WebSocket that ended is made again by the next request, and the chain id asked again."""
    seen = []
    node = open_node(server.ws_url, observe=lambda method, *_: seen.append(method))
    await node.next(1)
    [client] = server._clients
    await client.socket.close()

    async with asyncio.timeout(HANG_SECONDS):
        while True:
            try:
                sight = await node.next(2)
                break
            except NodeUnavailable:
                continue

    assert sight.block.header.number == 2
    assert seen.count("eth_chainId") == 2


async def test_what_waits_for_its_turn_is_not_late(url, open_node):
    """The node has answered: however long the answer lies there, that is not the node's fault."""
    node = open_node(url, timeout_seconds=HANG_SECONDS)
    asked, turn = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        asked.set()
        await turn.wait()

    looking = asyncio.create_task(node.next(5, turn=wait))
    await asked.wait()
    go_ahead(HANG_SECONDS + 1)
    await asyncio.wait([looking], timeout=0.01)
    turn.set()

    assert (await looking).block.header.number == 5


async def test_a_large_answer_over_websocket_is_read_in_its_turn(open_node):
    """Whose it is its first bytes say; what is wrong with the rest is found when it is read."""

    async def answer(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            first = message.json()[0]["id"]
            await socket.send_str(f'[{{"jsonrpc":"2.0","id":{first},"result":{"x" * 5000}')
        return socket

    application = web.Application()
    application.router.add_get("/", answer)
    turns = []

    async def turn() -> None:
        turns.append("turn")

    async with TestServer(application) as server:
        node = open_node(str(server.make_url("/")).replace("http", "ws"))
        with pytest.raises(NodeUnavailable, match="not JSON-RPC"):
            await node.next(5, turn=turn)
        await node.close()

    assert turns == ["turn"]


# A node with faults


async def refused(node, number=5):
    with pytest.raises(NodeUnavailable) as caught:
        await node.next(number)
    return caught.value


async def test_refuses_another_chain(url, open_node):
    """A node of another chain is an error that names both ids."""
    error = await refused(open_node(url, chain_id=1))

    assert "1337" in str(error)
    assert "not 1" in str(error)


async def test_asks_for_the_chain_again_after_a_failure(faulty, open_node):
    """After a failure another machine may answer: its chain id is checked."""
    node = open_node(faulty.url)
    await node.next(5)
    await faulty.stop()
    await refused(node)
    await faulty.start()
    faulty.alter = altered("eth_chainId", lambda _, answer: answer.update(result="0x5"))

    error = await refused(node)

    assert "chain id is 5" in str(error)


async def test_a_node_that_is_down_is_unavailable_at_once(unused_tcp_port, open_node):
    """Nothing is tried again here until the node's time is over."""
    for scheme in ("http", "ws"):
        async with asyncio.timeout(HANG_SECONDS):
            error = await refused(open_node(f"{scheme}://127.0.0.1:{unused_tcp_port}"))
        assert str(error) == "cannot connect: connection refused"


async def test_a_name_without_an_address_is_said_in_the_systems_words(open_node):
    """Not in those of a library, with addresses and what was asked of TLS."""
    for scheme in ("http", "ws"):
        error = await refused(open_node(f"{scheme}://node.invalid:8545"))
        assert re.fullmatch(r"cannot connect: [a-z -]+", str(error))


async def test_a_hanging_node_is_unavailable_in_time(faulty, open_node):
    """A node that takes the request and stays silent costs its timeout and no more."""
    faulty.hanging = True
    async with asyncio.timeout(HANG_SECONDS):
        error = await refused(open_node(faulty.url, timeout_seconds=0.2))

    assert "0.2 s" in str(error)
    assert len(faulty.posts) == 1


async def test_honours_retry_after_in_seconds(faulty, open_node):
    """429 says how long it wants to be left alone."""
    faulty.reply = lambda: web.Response(status=429, headers={"Retry-After": "7"})

    error = await refused(open_node(faulty.url))

    assert error.retry_after == 7
    assert "429" in str(error)


async def test_honours_retry_after_as_a_date(faulty, open_node):
    """Retry-After may be an HTTP date."""
    later = formatdate(time() + 30, usegmt=True)
    faulty.reply = lambda: web.Response(status=503, headers={"Retry-After": later})

    error = await refused(open_node(faulty.url))

    assert 25 < error.retry_after <= 30


@pytest.mark.parametrize(
    "value", ["", "soon", "-5", "²", "1e9999", "Thu, 99 Foo 2026 00:00:00 GMT"]
)
async def test_ignores_a_retry_after_that_means_nothing(faulty, open_node, value):
    """Junk in Retry-After asks for nothing."""
    faulty.reply = lambda: web.Response(status=429, headers={"Retry-After": value})

    error = await refused(open_node(faulty.url))

    assert error.retry_after is None


async def test_limits_retry_after(faulty, open_node):
    """Nobody puts a node out of use for a week."""
    faulty.reply = lambda: web.Response(status=429, headers={"Retry-After": "604800"})

    error = await refused(open_node(faulty.url))

    assert error.retry_after == 300


@pytest.mark.parametrize(
    "text",
    [
        "<html>busy</html>",
        "",
        "null",
        "[]",
        "{}",
        "[1]",
        '{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"limit exceeded"}}',
        '{"error":"Unauthorized"}',
        '[{"jsonrpc":"2.0","id":1,"result":null}]',
        '{"jsonrpc":"2.0","id":1,"result":"0x1"',
        "[" * 100_000,
        '"\\ud800"',
    ],
)
async def test_a_body_that_is_no_answer_is_unavailable(faulty, open_node, text):
    """HTTP 200 with anything but answers to what was asked is a failure of the node."""
    faulty.reply = lambda: web.Response(text=text, content_type="application/json")

    await refused(open_node(faulty.url))


async def test_does_not_follow_redirects(faulty, server, open_node):
    """A redirect is no answer: nobody sends us elsewhere."""
    faulty.reply = lambda: web.Response(status=307, headers={"Location": server.url})

    await refused(open_node(faulty.url))


def drop_last(_, answers):
    return answers[:-1]


def twice(_, answers):
    return [*answers[:-1], answers[0]]


def foreign_id(_, answers):
    answers[-1]["id"] = 10**6


def one_more(_, answers):
    return [*answers, answers[0]]


@pytest.mark.parametrize("alter", [drop_last, twice, foreign_id, one_more])
async def test_a_batch_must_be_answered_whole(faulty, open_node, alter):
    """An answer that is missing, doubled or foreign spoils the batch."""
    faulty.alter = alter

    await refused(open_node(faulty.url))


@pytest.mark.parametrize("transfers", [(0, 0), (30, 30)])
@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_takes_a_batch_in_any_order(open_node, order, transfers):
    """JSON-RPC 2.0 lets a server answer in any order, also of a block without transactions."""
    chain = SimulatedChain(5, chain_id=CHAIN_ID, transfers=transfers, actors=30, safe_depth=1)
    mined = chain.mine(3)[-1]
    async with SimulatorServer(chain) as server, FaultyNode(server.url) as faulty:
        node = open_node(faulty.url)
        await node.next(1)  # asks for the chain id as well
        faulty.alter = lambda _, answers: [*(answers[place] for place in order), *answers[3:]]
        sight = await node.next(3, tags=True)

    assert sight.block.header.hash == mined.hash
    assert len(sight.block.transactions) == len(mined.transactions)


def with_error(method):
    def change(_, answer):
        del answer["result"]
        answer["error"] = {"code": -32000, "message": "header not found"}

    return altered(method, change)


@pytest.mark.parametrize("method", ["eth_chainId", "eth_getBlockByNumber", "eth_getBlockReceipts"])
async def test_an_error_in_the_batch_is_unavailable(faulty, open_node, method):
    """An error in place of one of the answers is a failure of the node."""
    faulty.alter = with_error(method)

    await refused(open_node(faulty.url))


async def test_a_node_without_tags_has_none(faulty, open_node):
    """Errors and null in place of `safe` and `finalized` leave the block as it is."""

    def change(request, answer):
        if request["params"][0] == "safe":
            answer["result"] = None
        if request["params"][0] == "finalized":
            del answer["result"]
            answer["error"] = {"code": -39001, "message": "Unknown block"}

    faulty.alter = altered("eth_getBlockByNumber", change)

    sight = await open_node(faulty.url).next(5, tags=True)

    assert sight.block.header.number == 5
    assert (sight.safe, sight.finalized) == (None, None)


# Receipts


def receipts_altered(change):
    def alter(_, answer):
        if answer.get("result"):
            change(answer["result"])

    return altered("eth_getBlockReceipts", alter)


@pytest.fixture
def eventful(chain):
    """The height of a block with logs, below the head."""
    for number in range(1, 10):
        block = chain.by_number(number)
        if len({one.log_index for one in block.truth if one.log_index is not None}) >= 2:
            return number
    raise AssertionError("no block with logs")


def drop_a_log(receipts):
    next(receipt for receipt in receipts if receipt["logs"])["logs"].pop(0)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(list.reverse, id="another order"),
        pytest.param(lambda found: found[0].update(blockHash="0x" + "ab" * 32), id="other block"),
        pytest.param(lambda found: found[0].update(status="0x0", gasUsed="0x1"), id="other status"),
        pytest.param(drop_a_log, id="a log missing"),
    ],
)
async def test_refuses_a_block_that_does_not_prove_itself(faulty, open_node, eventful, damage):
    """Damaged receipts are Unproven, so that another node is asked."""
    faulty.alter = receipts_altered(damage)
    node = open_node(faulty.url)

    with pytest.raises(Unproven):
        await node.next(eventful)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda found: found.insert(0, None), id="null among them"),
        pytest.param(lambda found: found[0].pop("logs"), id="no logs"),
        pytest.param(lambda found: found[0].update(logs=None), id="null logs"),
        pytest.param(lambda found: found[0].update(logs=[None]), id="null log"),
        pytest.param(lambda found: found[0].update(transactionHash=5), id="a number for a hash"),
        pytest.param(lambda found: found[0].update(transactionIndex="0x"), id="0x for a number"),
        pytest.param(lambda found: found[0].update(transactionIndex="0xg"), id="no hex"),
        pytest.param(lambda found: found[0].update(contractAddress="0x12"), id="short address"),
    ],
)
async def test_refuses_malformed_receipts(faulty, open_node, damage):
    """What has not the shape that the specification gives it is a failure of the node."""
    faulty.alter = receipts_altered(damage)

    await refused(open_node(faulty.url, verify="off"))


def block_altered(change):
    def alter(request, answer):
        if request["params"][1]:
            change(answer["result"])

    return altered("eth_getBlockByNumber", alter)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda block: block.update(number="0x99"), id="another height"),
        pytest.param(lambda block: block.update(number="0x" + "f" * 65), id="a huge height"),
        pytest.param(lambda block: block.update(timestamp="0x" + "f" * 16), id="a huge time"),
        pytest.param(lambda block: block.update(hash=None), id="no hash, as pending"),
        pytest.param(lambda block: block.update(parentHash="0x12"), id="short hash"),
        pytest.param(lambda block: block.update(transactions=["0x" + "ab" * 32]), id="hashes only"),
        pytest.param(lambda block: block["transactions"][0].update(value="5"), id="decimal value"),
        pytest.param(lambda block: block["transactions"][0].update(value="0x"), id="empty value"),
        pytest.param(
            lambda block: block["transactions"][0].update(to="0xZZ" + "0" * 38), id="no hex"
        ),
        pytest.param(
            lambda block: block["transactions"][0].update(input="0xabc"), id="half a byte"
        ),
        pytest.param(
            lambda block: block["transactions"][0].update(input="0xzz"), id="input no hex"
        ),
        pytest.param(
            lambda block: block["transactions"][0].update({"from": "0x" + "é" * 40}), id="not ASCII"
        ),
    ],
)
async def test_refuses_a_malformed_block(faulty, open_node, damage):
    """Nothing malformed gets further than the node."""
    faulty.alter = block_altered(damage)

    await refused(open_node(faulty.url, verify="off"))


async def test_receipts_that_are_not_there_yet_at_the_head(faulty, open_node):
    """At the head, a block may be shown before its receipts: it is not there yet."""
    faulty.alter = altered("eth_getBlockReceipts", lambda _, answer: answer.update(result=None))

    sight = await open_node(faulty.url).next(10)

    assert sight.block is None


async def test_receipts_that_are_missing_below_the_head(faulty, open_node):
    """Below the head, a block without receipts is a fault: waiting in silence would stall."""
    faulty.alter = altered("eth_getBlockReceipts", lambda _, answer: answer.update(result=None))

    error = await refused(open_node(faulty.url), 5)

    assert "receipts" in str(error)


async def test_asks_for_single_receipts_where_there_is_no_other_way(faulty, chain, open_node):
    """Without eth_getBlockReceipts each receipt is asked for, in one more batch, and all prove."""
    faulty.alter = without("eth_getBlockReceipts")
    node = open_node(faulty.url)

    sight = await node.next(5)

    assert len(sight.block.receipts) == len(chain.by_number(5).transactions)
    assert faulty.posts[1] == ["eth_getTransactionReceipt"] * len(sight.block.receipts)


async def test_remembers_that_a_method_is_missing(faulty, open_node):
    """The method that is missing is asked for once."""
    faulty.alter = without("eth_getBlockReceipts")
    node = open_node(faulty.url)

    await node.next(5)
    await node.next(6)

    asked = [method for post in faulty.posts for method in post]
    assert asked.count("eth_getBlockReceipts") == 1


@pytest.mark.parametrize(
    "code, message",
    [
        (-32004, "not supported"),
        (-32000, "the method eth_getBlockReceipts does not exist/is not available"),
        (-32600, "Unsupported method: eth_getBlockReceipts on ETH_MAINNET"),
    ],
)
async def test_a_missing_method_has_many_names(faulty, open_node, code, message):
    """Providers refuse a method under other codes too; single receipts are read then."""

    def change(_, answer):
        answer.pop("result", None)
        answer["error"] = {"code": code, "message": message}

    faulty.alter = altered("eth_getBlockReceipts", change)

    assert (await open_node(faulty.url).next(5)).block.header.number == 5


@pytest.mark.parametrize("verify, asked", [("off", True), ("logs", True), ("receipts", False)])
async def test_single_receipts_are_held_against_the_index(faulty, open_node, verify, asked):
    """Where no root proves them, the block's logs are asked for by its hash as well."""
    faulty.alter = without("eth_getBlockReceipts")
    node = open_node(faulty.url, verify=verify)

    await node.next(5)

    assert asked == any("eth_getLogs" in post for post in faulty.posts)


async def test_single_receipts_without_a_log_are_refused(faulty, open_node, eventful):
    """A log that the index has and no receipt is a loss, at any level."""

    def alter(request_list, answers):
        without("eth_getBlockReceipts")(request_list, answers)
        altered("eth_getTransactionReceipt", lambda _, answer: answer["result"].update(logs=[]))(
            request_list, answers
        )

    faulty.alter = alter

    with pytest.raises(Unproven) as caught:
        await open_node(faulty.url, verify="off").next(eventful)
    assert caught.value.check == "logs"


async def test_a_header_that_is_not_found_yet_is_waited_for(faulty, open_node):
    """At the head, some nodes say with an error that the receipts are not there yet."""

    def change(_, answer):
        answer.pop("result", None)
        answer["error"] = {"code": -32000, "message": "header not found"}

    faulty.alter = altered("eth_getBlockReceipts", change)

    assert (await open_node(faulty.url).next(10)).block is None


async def test_measures_its_requests(faulty, open_node):
    """Requests, their failures and how long they take are counted: a batch is one."""
    node = open_node(faulty.url)
    await node.next(5)
    await faulty.stop()
    await refused(node)

    assert (node.requests, node.failed_requests) == (2, 1)
    assert 0 < node.latency_seconds < 5


async def test_keeps_to_the_limit(faulty, open_node):
    """Calls beyond the first second's wait until they are allowed."""
    node = open_node(faulty.url, limit=Limit(50))
    started = time()
    for _ in range(30):
        await node.next(5)

    assert time() - started > 0.6


async def test_single_receipts_that_are_missing(faulty, open_node):
    """A single receipt that is null is one that is not there yet."""

    def alter(asked, answers):
        without("eth_getBlockReceipts")(asked, answers)
        altered("eth_getTransactionReceipt", lambda _, answer: answer.update(result=None))(
            asked, answers
        )

    faulty.alter = alter

    assert (await open_node(faulty.url).next(10)).block is None


# Upper and lower case


def recased(value, change):
    if isinstance(value, dict):
        return {key: recased(one, change) for key, one in value.items()}
    if isinstance(value, list):
        return [recased(one, change) for one in value]
    return change(value) if isinstance(value, str) and value.startswith("0x") else value


def upper(text):
    return "0x" + text[2:].upper()


def checksum(text):
    return checksummed(text) if len(text) == 42 else text


@pytest.mark.parametrize("change", [upper, checksum])
async def test_everything_comes_out_in_lower_case(faulty, server, open_node, eventful, change):
    """Nodes that send checksums or upper case show the same block as others."""
    expected = await open_node(server.url).next(eventful)
    faulty.alter = lambda _, answers: [
        {**answer, "result": recased(answer["result"], change)} for answer in answers
    ]

    sight = await open_node(faulty.url).next(eventful)

    assert sight == expected


async def test_headers_come_out_in_lower_case(faulty, chain, open_node):
    """Hashes of headers are lower-case too."""
    faulty.alter = lambda _, answers: [
        {**answer, "result": recased(answer["result"], upper)} for answer in answers
    ]

    assert (await open_node(faulty.url).header_at(3)).hash == chain.by_number(3).hash


# Secrets


async def test_no_error_contains_the_url(faulty, caplog, open_node):
    """URLs of nodes carry keys: they are in no message and no log line."""
    caplog.set_level(logging.INFO)
    texts = []
    for reply in (
        lambda: web.Response(status=429),
        lambda: web.Response(status=401),
        lambda: web.Response(text="x"),
        lambda: web.Response(text=json.dumps({"error": {"code": 1, "message": "no"}, "id": 1})),
    ):
        faulty.reply = reply
        texts.append(str(await refused(open_node(faulty.url))))
        texts.append(str(await refused(open_node(faulty.url.replace("http", "ws")))))
    await faulty.stop()
    texts.append(str(await refused(open_node(faulty.url))))
    texts.append(str(await refused(open_node(faulty.url.replace("http", "ws")))))

    assert "a-secret-key" not in "".join([*texts, *caplog.messages])
