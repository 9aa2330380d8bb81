"""Internal transfers as they come from a node with a block."""

import subprocess
import sys

import pytest
from aiohttp import web

from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.quirks import Quirk
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.errors import NodeUnavailable, Unproven
from crypitor.evm.coins import BOR_COIN, EIP_7708, ZKSYNC_COIN
from crypitor.evm.profiles import Profile
from crypitor.worker.nodes import Nodes
from tests.worker.conftest import CHAIN_ID
from tests.worker.faulty import altered, without
from tests.worker.following import Unobserved

METHODS = {"debug": "debug_traceBlockByHash", "trace": "trace_block"}
FORMATS = pytest.mark.parametrize("traces", METHODS)


@pytest.fixture
def chain():
    """A chain in which every block has internal transfers or a failure, or both."""
    chain = SimulatedChain(6, chain_id=CHAIN_ID, transfers=(40, 60))
    chain.mine(10)
    return chain


def truth(chain, number):
    """What moved inside the transactions of a block."""
    return [
        (one.transaction_index, one.item, one.from_address, one.to_address, one.amount)
        for one in chain.truth(chain.by_number(number).hash)
        if one.kind == "internal"
    ]


def found(block):
    return [
        (one.transaction_index, one.item, one.sender, one.receiver, int(one.value, 16))
        for one in block.traces
    ]


@FORMATS
@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_every_block_comes_with_what_moved_inside(chain, server, open_node, traces, scheme):
    """Of each block exactly what happened, in both formats."""
    node = open_node(server.url if scheme == "http" else server.ws_url, traces=traces)

    blocks = [(await node.next(number)).block for number in range(11)]

    assert [found(block) for block in blocks] == [truth(chain, number) for number in range(11)]
    assert sum(len(block.traces) for block in blocks) > 20


@pytest.mark.parametrize(
    "quirk, coin",
    [
        (Quirk.COIN_LOGS, EIP_7708),
        (Quirk.ZKSYNC_COIN, ZKSYNC_COIN),
        (Quirk.BOR_COIN, BOR_COIN),
    ],
)
async def test_the_coins_logs_tell_the_same_at_no_request(open_node, quirk, coin):
    """With `logs` each block has exactly what happened, and no trace was asked for."""
    chain = SimulatedChain(6, chain_id=CHAIN_ID, transfers=(40, 60), quirks=[quirk])
    chain.mine(10)
    async with SimulatorServer(chain) as server:
        node = open_node(server.url, traces="logs", profile=Profile(coin_logs=coin))

        blocks = [(await node.next(number)).block for number in range(11)]

    assert node.requests == 11
    assert [found(block) for block in blocks] == [truth(chain, number) for number in range(11)]
    assert sum(len(block.traces) for block in blocks) > 20


async def test_without_traces_nobody_asks_for_them(faulty, open_node):
    """They cost a node much, and are off unless the configuration says otherwise."""
    block = await open_node(faulty.url).block(3)

    assert block.traces == ()
    assert not {method for post in faulty.posts for method in post} & set(METHODS.values())


@FORMATS
async def test_traces_are_one_more_request_for_a_block_that_is_there(faulty, open_node, traces):
    """None for a block without transactions, or one that does not exist yet."""
    node = open_node(faulty.url, traces=traces)

    await node.block(0)
    await node.block(11)
    before = list(faulty.posts)
    await node.block(3)

    assert not {method for post in before for method in post} & set(METHODS.values())
    assert faulty.posts[len(before) :] == [
        ["eth_getBlockByNumber", "eth_getBlockReceipts"],
        [METHODS[traces]],
    ]


@FORMATS
async def test_a_node_without_the_method_says_which_key_to_change(faulty, open_node, traces):
    """An operator reads it."""
    faulty.alter = without(METHODS[traces])

    with pytest.raises(NodeUnavailable, match=f'{METHODS[traces]}, which traces = "{traces}"'):
        await open_node(faulty.url, traces=traces).block(3)


@FORMATS
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda answer: answer.update(result=None), id="null"),
        pytest.param(
            lambda answer: (
                answer.pop("result"),
                answer.update(error={"code": -32000, "message": "historical state unavailable"}),
            ),
            id="error",
        ),
        pytest.param(lambda answer: answer.update(result=[]), id="empty"),
        pytest.param(lambda answer: answer["result"].pop(0), id="first entry missing"),
        pytest.param(lambda answer: answer.update(result={"a": 1}), id="nonsense"),
    ],
)
async def test_a_block_without_its_traces_is_no_block(faulty, open_node, traces, change):
    """Whatever is wrong with them, the node is at fault and the block is asked for again."""
    node = open_node(faulty.url, traces=traces)
    faulty.alter = altered(METHODS[traces], lambda _, answer: change(answer))

    with pytest.raises(NodeUnavailable):
        await node.next(3)
    faulty.heal()

    assert (await node.next(3)).block.traces


async def test_traces_of_another_block_of_that_height_are_refused(chain, faulty, open_node):
    """A reorg between the two requests: trace_block is asked by height."""
    node = open_node(faulty.url, traces="trace")

    def fork(asked, answers):
        if asked[-1]["method"] == "eth_getBlockReceipts":
            chain.reorg(9)

    faulty.alter = fork
    with pytest.raises(Unproven, match="is of block") as raised:
        await node.block(3)

    assert raised.value.check == "traces"


async def test_debug_traces_are_those_of_the_blocks_hash(chain, faulty, open_node):
    """The answer does not say which block it is of, so the request does: an orphan's are its own."""
    node = open_node(faulty.url, traces="debug")
    orphan = chain.by_number(3)
    expected = truth(chain, 3)

    def fork(asked, answers):
        if asked[-1]["method"] == "eth_getBlockReceipts":
            chain.reorg(9)

    faulty.alter = fork
    block = await node.block(3)

    assert chain.by_number(3) is not orphan
    assert block.header.hash == orphan.hash
    assert found(block) == expected


async def test_another_node_is_asked_for_the_traces(chain, server, faulty, open_node):
    """One that cannot trace does not stop a network that has one that can."""
    faulty.alter = without("trace_block")
    nodes = [open_node(faulty.url, traces="trace"), open_node(server.url, traces="trace")]

    sight = await Nodes("dev", nodes, observer=Unobserved()).next(3)

    assert found(sight.block) == truth(chain, 3)


async def test_calls_as_deep_as_they_may_be_stop_no_chain(chain, faulty, open_node):
    """A trace of 1024 nested calls is read all the way from the socket."""
    node = open_node(faulty.url, traces="debug")
    transaction = next(one.signed.hash for one in chain.by_number(3).transactions if one.succeeded)
    party = "0x" + "11" * 20
    start = f'{{"type":"CALL","from":"{party}","to":"{party}","value":"0x1","calls":['
    deep = (start * 1025 + "]}" * 1025).encode()

    def nested():
        frames = [
            b'{"txHash":"%b","result":%b}'
            % (
                one.signed.hash.encode(),
                deep if one.signed.hash == transaction else b'{"type":"CALL"}',
            )
            for one in chain.by_number(3).transactions
        ]
        body = b'{"jsonrpc":"2.0","id":%d,"result":[%b]}' % (4, b",".join(frames))
        return web.Response(body=body, content_type="application/json")

    def then_deep(asked, answers):
        faulty.reply = nested

    faulty.alter = then_deep

    assert len((await node.block(3)).traces) == 1024


NESTED = """
import asyncio, sys
from crypitor.worker.arrival import transport_to
import msgspec

def decode():
    try:
        msgspec.json.decode(b"[" * 200_000)
    except RecursionError:
        return 1

async def main():
    coming, refused = asyncio.create_task(transport_to("http://127.0.0.1:9")), 0
    while not coming.done():
        refused += decode()
        await asyncio.wait([coming], timeout=0.005)
    await coming
    print("refused", refused + decode() > 0, sys.getrecursionlimit())

asyncio.run(main())
"""


def test_nested_json_kills_no_process():
    """Neither while the first way to a node is made nor after; Python's own limit stays."""
    ended = subprocess.run([sys.executable, "-c", NESTED], capture_output=True, text=True)

    assert (ended.returncode, ended.stdout) == (0, "refused True 1000\n")
