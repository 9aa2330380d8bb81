"""A node that fails and lies on demand."""

import asyncio
import json
from random import Random

import aiohttp
import pytest
from eth_utils import to_checksum_address

from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.chaos import Chaos, read_rates
from crypitor.development.simulator.faults import MEANING, Fault
from crypitor.development.simulator.lies import OF_RECEIPTS, of_logs
from crypitor.development.simulator.rpc import SimulatorServer
from tests.development.simulator.served import served, subscribe
from tests.patience import HANG_SECONDS

LATEST = ("eth_getBlockByNumber", "latest", False)


@pytest.fixture
def batch(server, session):
    """Sends calls as a batch; returns status, headers and text."""

    async def send(*calls):
        body = [
            {"jsonrpc": "2.0", "id": place, "method": method, "params": params}
            for place, (method, *params) in enumerate(calls)
        ]
        async with session.post(server.url, data=json.dumps(body)) as response:
            return response.status, response.headers, await response.text()

    return send


@pytest.fixture
def results(batch):
    """Sends calls as a batch; returns the results, errors in their place."""

    async def send(*calls):
        _, _, text = await batch(*calls)
        found = {answer["id"]: answer for answer in json.loads(text)}
        return [
            found[place].get("result", found[place].get("error")) for place in range(len(calls))
        ]

    return send


@pytest.fixture
def switch(server, session):
    """Switches faults on through the control path."""

    async def send(**rates):
        async with session.post(server.url + "/_/chaos", json=rates) as response:
            return response.status

    return send


def test_every_fault_has_a_meaning():
    """What `--help` and the control path list is complete."""
    assert set(MEANING) == set(Fault)


async def test_faults_are_listed_with_rate_and_count(server, session, switch, results):
    """GET /_/chaos tells of each fault how likely it is, how often it happened, what it does."""
    assert await switch(null_block=1) == 200
    await results(LATEST)
    async with session.get(server.url + "/_/chaos") as response:
        listed = await response.json()

    assert set(listed) == set(Fault)
    assert listed["null_block"] == {
        "rate": 1, "fired": 1, "meaning": "null for a block",
    }  # fmt: skip
    assert listed["hang"]["rate"] == 0


@pytest.mark.parametrize(
    "wrong", [{"nothing": 1}, {"lag": 2}, {"lag": -0.1}, {"lag": "1"}, {"lag": True}]
)
async def test_wrong_faults_are_refused(server, session, switch, wrong):
    """A name or rate that is none is a 400, and changes nothing."""
    await switch(slow=0.5)

    assert await switch(**wrong) == 400
    assert server.chaos.rates == {Fault.SLOW: 0.5}


async def test_switching_replaces_what_was_on(server, switch):
    """An empty object heals the node."""
    await switch(slow=0.5, lag=1)
    await switch()

    assert server.chaos.rates == {}


def test_rates_as_the_command_takes_them():
    """NAME is a tenth of the requests, NAME:RATE what it says, `all` every fault."""
    assert read_rates(["lag", "hang:0.5"]) == {Fault.LAG: 0.1, Fault.HANG: 0.5}
    assert read_rates(["all:0.01", "lag:1"]) == {**dict.fromkeys(Fault, 0.01), Fault.LAG: 1}


@pytest.mark.parametrize("wrong", ["nothing", "lag:x", "", ":1"])
def test_wrong_words_are_refused(wrong):
    """A name that is not known is answered with those that are."""
    with pytest.raises(ValueError, match=r"no fault|the rate of lag"):
        read_rates([wrong])


def test_chaos_is_the_same_for_the_same_seed():
    """Which requests are hurt depends on seed, rates and order alone."""
    one, same, other = (Chaos(seed, {Fault.LAG: 0.3, Fault.HANG: 0.3}) for seed in (1, 1, 2))
    drawn = [one.draw() for _ in range(50)]

    assert drawn == [same.draw() for _ in range(50)]
    assert drawn != [other.draw() for _ in range(50)]
    assert 5 < sum(Fault.LAG in faults for faults in drawn) < 25


# Other backends


async def test_lag(chain, switch, results):
    """Head, tags and blocks are those of a node that is some blocks behind."""
    await switch(lag=1)
    latest, number, newest, by_hash, receipts = await results(
        LATEST, ("eth_blockNumber",), ("eth_getBlockByNumber", "0x7", False),
        ("eth_getBlockByHash", chain.head.hash, False), ("eth_getBlockReceipts", chain.head.hash),
    )  # fmt: skip

    assert 2 <= int(latest["number"], 16) < 7
    assert latest["hash"] == chain.by_number(int(latest["number"], 16)).hash
    assert number == latest["number"]
    assert [newest, by_hash, receipts] == [None] * 3


async def test_a_head_that_jumps_back(chain, switch, results):
    """The tag is behind, though the node has the block."""
    await switch(head_back=1)
    latest, newest = await results(LATEST, ("eth_getBlockByNumber", "0x7", False))

    assert int(latest["number"], 16) < 7
    assert newest["hash"] == chain.head.hash


async def test_a_backend_on_the_branch_that_was_left(chain, switch, results):
    """Head, heights and transactions are those before the last reorg."""
    left = chain.left
    assert left.number == 6
    tx = next(
        mined.signed.hash for mined in left.transactions if not chain.transaction(mined.signed.hash)
    )
    await switch(old_branch=1)
    latest, below, first, found, safe = await results(
        LATEST, ("eth_getBlockByNumber", "0x5", False), ("eth_getBlockByNumber", "0x4", False),
        ("eth_getTransactionByHash", tx), ("eth_getBlockByNumber", "safe", False),
    )  # fmt: skip

    assert latest["hash"] == left.hash
    assert below["hash"] == left.parent_hash != chain.by_number(5).hash
    assert first["hash"] == chain.by_number(4).hash
    assert found["blockHash"] == left.hash
    assert safe["hash"] == first["hash"]


async def test_a_backend_of_another_chain(chain, switch, results):
    """Everything is another chain's, its id too."""
    await switch(foreign_chain=1)
    chain_id, latest = await results(("eth_chainId",), LATEST)

    assert int(chain_id, 16) == chain.chain_id + 1
    assert chain.by_hash(latest["hash"]) is None


async def test_a_wrong_chain_id(chain, switch, results):
    """Only the id is wrong."""
    await switch(wrong_chain_id=1)
    chain_id, latest = await results(("eth_chainId",), LATEST)

    assert int(chain_id, 16) == chain.chain_id + 1
    assert latest["hash"] == chain.head.hash


# Answers


@pytest.mark.parametrize("fault", OF_RECEIPTS)
async def test_a_lie_about_receipts(chain, server, switch, results, fault):
    """One thing is different from the truth, and the node notes about which block it lied."""
    block = max((chain.by_number(number) for number in range(8)), key=lambda one: len(one.truth))
    await switch(**{fault: 1})
    [told] = await results(("eth_getBlockReceipts", block.hash))
    truth = served(block)

    assert told != truth.receipts
    assert server.chaos.lied_about == {block.hash}
    logs = [log for receipt in told for log in receipt["logs"]]
    match fault:
        case Fault.EMPTY_LOGS:
            assert logs == []
        case Fault.DROP_LOG:
            assert len(logs) == len(truth.logs) - 1
            assert all(log in truth.logs for log in logs)
        case Fault.CUT_LAST_TX:
            last = max(i for i, receipt in enumerate(truth.receipts) if receipt["logs"])
            assert logs == truth.logs[: -len(truth.receipts[last]["logs"])]
        case Fault.SWAPPED_LOGS:
            assert len(changed(logs, truth.logs)) == 2
            assert sorted(map(content, logs)) == sorted(map(content, truth.logs))
            assert [log["logIndex"] for log in logs] == [log["logIndex"] for log in truth.logs]
        case Fault.CHANGED_TOPIC:
            [(one, other)] = changed(logs, truth.logs)
            assert one["topics"][0] == other["topics"][0]
            assert len(one["topics"]) == len(other["topics"])
        case Fault.CHANGED_DATA:
            [(one, other)] = changed(logs, truth.logs)
            assert one == {**other, "data": one["data"]}
        case Fault.FLIPPED_STATUS:
            [(one, other)] = changed(told, truth.receipts)
            assert {one["status"], other["status"]} == {"0x0", "0x1"}
        case Fault.MISSING_RECEIPT:
            assert len(told) == len(truth.receipts) - 1


def changed(told, truth):
    """The pairs that differ."""
    return [(one, other) for one, other in zip(told, truth, strict=True) if one != other]


def content(log):
    return log["address"], log["topics"], log["data"]


async def test_lies_about_logs_are_told_by_eth_get_logs_too(chain, switch, results):
    """By block hash, and for ranges."""
    block = chain.head
    await switch(drop_log=1)
    by_hash, of_range = await results(
        ("eth_getLogs", {"blockHash": block.hash}),
        ("eth_getLogs", {"fromBlock": "0x1", "toBlock": "0x7"}),
    )

    assert len(by_hash) == len(served(block).logs) - 1
    assert len(of_range) == sum(len(served(chain.by_number(n)).logs) for n in range(8)) - 1


async def test_lies_about_single_receipts(chain, switch, results):
    """A receipt that is asked for by its transaction is lied about as well."""
    mined = next(mined for mined in chain.head.transactions if mined.events)
    await switch(empty_logs=1)
    [receipt] = await results(("eth_getTransactionReceipt", mined.signed.hash))

    assert receipt["logs"] == []
    assert receipt["transactionHash"] == mined.signed.hash


@pytest.mark.parametrize("fault", ["foreign_receipts", "foreign_receipt"])
async def test_receipts_of_another_block(chain, switch, results, fault):
    """All, or one of them, are true receipts of the block before."""
    await switch(**{fault: 1})
    [told] = await results(("eth_getBlockReceipts", chain.head.hash))
    before, own = (
        served(chain.by_hash(chain.head.parent_hash)).receipts,
        served(chain.head).receipts,
    )
    foreign = [receipt for receipt in told if receipt not in own]

    assert all(receipt in before for receipt in foreign)
    assert len(foreign) == (1 if fault == "foreign_receipt" else len(told))


async def test_checksums(chain, switch, results):
    """Addresses are written as eth_utils writes them, and mean the same."""
    await switch(checksum_case=1)
    [block] = await results(("eth_getBlockByHash", chain.head.hash, True))
    told = [tx["from"] for tx in block["transactions"]]
    truth = [tx["from"] for tx in served(chain.head).block["transactions"]]

    assert told == [to_checksum_address(each) for each in truth] != truth
    assert block["hash"] == "0x" + chain.head.hash[2:].upper()


async def test_forms_of_its_own(chain, switch, results):
    """Numbers, addresses and times are written otherwise, and mean the same."""
    truth = served(chain.head).block
    for fault in ("padded", "empty_addresses", "milliseconds"):
        await switch(**{fault: 1})
        [block] = await results(("eth_getBlockByHash", chain.head.hash, True))

        assert block != truth
        assert block["hash"] == truth["hash"]
        assert int(block["number"], 16) == chain.head.number
        seconds = int(block["timestamp"], 16)
        assert seconds // (1000 if fault == "milliseconds" else 1) == chain.head.timestamp
        assert [tx["to"] or None for tx in block["transactions"]] == [
            tx["to"] for tx in truth["transactions"]
        ]
        assert (block["number"] != truth["number"]) == (fault == "padded")


async def test_refuses_what_others_give(chain, switch, results):
    """Too many calls, receipts in bulk, heights above the head: each gets an error of its own."""
    bulk = ("eth_getBlockReceipts", chain.head.hash)
    await switch(small_batches=1)
    assert [one["code"] for one in await results(LATEST, LATEST, LATEST)] == [-32000] * 3
    assert [one["hash"] for one in await results(LATEST, LATEST)] == [chain.head.hash] * 2

    await switch(no_bulk_receipts=1)
    [refused] = await results(bulk)
    assert refused["message"] == "the method is disabled on this node"

    await switch(empty_receipts=1)
    assert await results(bulk) == [[]]

    await switch(error_above_head=1)
    above = ("eth_getBlockByNumber", hex(chain.head.number + 1), False)
    head, error = await results(LATEST, above)
    assert (head["hash"], error["code"]) == (chain.head.hash, -32000)


async def test_nothing_there(chain, switch, results):
    """Null for blocks and receipts, and a method that is not known."""
    calls = [LATEST, ("eth_getBlockReceipts", chain.head.hash)]
    await switch(null_block=1)
    block, receipts = await results(*calls)
    assert (block, bool(receipts)) == (None, True)

    await switch(null_receipts=1)
    block, receipts = await results(*calls)
    assert (bool(block), receipts) == (True, None)

    await switch(no_receipts_method=1)
    block, receipts = await results(*calls)
    assert (block["hash"], receipts["code"]) == (chain.head.hash, -32601)


async def test_an_error_for_one_call(switch, results):
    """One of the batch fails, as a backend that has not heard of a block does."""
    await switch(error=1)
    told = await results(("eth_chainId",), ("eth_blockNumber",), ("net_version",))

    assert [one["message"] for one in told if isinstance(one, dict)] == ["header not found"]


async def test_a_batch_that_comes_back_otherwise(switch, batch):
    """Answers in another order, and one too few."""
    calls = [("eth_blockNumber",)] * 12
    await switch(out_of_order=1)
    _, _, text = await batch(*calls)
    ids = [answer["id"] for answer in json.loads(text)]
    assert ids != sorted(ids) == list(range(12))

    await switch(missing_answer=1)
    _, _, text = await batch(*calls)
    assert len({answer["id"] for answer in json.loads(text)}) == 11


# Replies


@pytest.mark.parametrize(
    "fault, status, text",
    [
        ("http_429", 429, "too many requests"),
        ("http_503", 503, "no backend"),
        ("bad_json", 200, "<html>"),
        ("error_body", 200, '{"jsonrpc":"2.0","id":null,"error"'),
    ],
)
async def test_a_reply_that_is_no_answer(switch, batch, fault, status, text):
    """The status and the beginning of the body are what gateways send."""
    await switch(**{fault: 1})
    told_status, headers, told = await batch(LATEST)

    assert (told_status, told[: len(text)]) == (status, text)
    assert ("Retry-After" in headers) == (status == 429)


async def test_a_reply_that_ends_in_its_middle(switch, batch):
    """It is a whole HTTP answer with half of the JSON."""
    _, _, whole = await batch(LATEST)
    await switch(truncated=1)
    status, _, half = await batch(LATEST)

    assert (status, half) == (200, whole[: len(whole) // 2])


async def test_a_connection_that_is_closed(switch, batch):
    """There is no answer at all."""
    await switch(disconnect=1)
    with pytest.raises(aiohttp.ClientError):
        await batch(LATEST)


async def test_a_node_that_hangs(switch, batch):
    """Nothing comes; the server can be stopped all the same."""
    await switch(hang=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await batch(LATEST)


async def test_a_slow_node(switch, batch):
    """The answer is right, later."""
    await switch(slow=1)
    began = asyncio.get_running_loop().time()
    status, _, _ = await batch(LATEST)

    assert status == 200
    assert asyncio.get_running_loop().time() - began >= 0.05


# WebSocket


@pytest.mark.parametrize("fault, text", [("bad_json", "<html>"), ("error_body", '{"jsonrpc"')])
async def test_a_message_that_is_no_answer(server, session, switch, fault, text):
    """Over WebSocket the message itself is replaced."""
    await switch(**{fault: 1})
    async with session.ws_connect(server.ws_url) as socket:
        await socket.send_json({"id": 1, "method": "eth_blockNumber"})
        told = await socket.receive_str(timeout=HANG_SECONDS)

    assert told.startswith(text)
    assert '"result"' not in told


@pytest.mark.parametrize("fault", ["disconnect", "http_429", "http_503"])
async def test_a_socket_that_is_closed(server, session, switch, fault):
    """Where HTTP has a status, a WebSocket is closed."""
    await switch(**{fault: 1})
    async with session.ws_connect(server.ws_url) as socket:
        await socket.send_json({"id": 1, "method": "eth_blockNumber"})
        message = await socket.receive(timeout=HANG_SECONDS)

    assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def test_heads_that_are_not_told_of(chain, server, session, switch):
    """A subscription stays open and says nothing."""
    async with session.ws_connect(server.ws_url) as socket:
        await subscribe(socket)
        await switch(lost_heads=1)
        chain.mine()
        await server.announce()
        await switch()
        chain.mine()
        await server.announce()
        told = await socket.receive_json(timeout=HANG_SECONDS)

    assert told["params"]["result"]["number"] == "0x9"
    assert server.chaos.fired[Fault.LOST_HEADS] == 1


# All of it


async def test_control_is_never_hurt(chain, server, session, switch):
    """A node that does not answer can still be mined, asked and healed."""
    await switch(**dict.fromkeys(Fault, 1))
    async with session.post(server.url + "/_/mine") as response:
        assert response.status == 200
    async with session.get(server.url + "/_/stats") as response:
        assert (await response.json())["head"] == 8


async def test_two_nodes_of_one_chain_have_troubles_of_their_own(chain, session):
    """Each server has its chaos."""
    hurt = SimulatorServer(chain, chaos=Chaos(1, {Fault.HTTP_503: 1}))
    async with hurt, SimulatorServer(chain) as well:
        statuses = []
        for node in (hurt, well):
            async with session.post(node.url, json={"id": 1, "method": "eth_chainId"}) as response:
                statuses.append(response.status)

    assert statuses == [503, 200]


@pytest.mark.parametrize("lie", [*OF_RECEIPTS.values()])
def test_a_block_without_anything_is_not_lied_about(lie):
    """Where there is nothing to change, nothing changes."""
    assert lie([], Random(1)) == []
    assert of_logs(lie, [], Random(1)) == []


async def test_going_back_on_demand(chain, server, session):
    """POST /_/reorg with `back_to` returns to a branch that was left; an unknown hash is a 400."""
    left = chain.left
    async with session.post(server.url + "/_/reorg", json={"back_to": left.hash}) as response:
        answer = await response.json()
    async with session.post(server.url + "/_/reorg", json={"back_to": left.hash}) as response:
        status = response.status

    assert answer == {"number": left.number, "hash": left.hash}
    assert status == 400


async def test_methods_of_a_foreign_chain_are_its_own():
    """An empty chain has a foreign sibling with blocks."""
    chain = SimulatedChain(3, transfers=(0, 1), actors=2)
    view = Chaos(3).view(frozenset({Fault.FOREIGN_CHAIN}), chain)

    assert view.head.number > 0
    assert view.chain_id != chain.chain_id
