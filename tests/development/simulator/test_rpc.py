"""JSON-RPC over HTTP."""

import pytest
from eth_abi import decode
from eth_utils import keccak

from tests.development.simulator import reading
from tests.development.simulator.served import orphan, served


async def test_constants(ask):
    """The methods that say who the node is."""
    answers = [
        await ask(name) for name in ("eth_chainId", "net_version", "eth_syncing", "eth_blockNumber")
    ]

    assert [answer["result"] for answer in answers] == ["0x7a69", "31337", False, "0x7"]
    assert (await ask("web3_clientVersion"))["result"].startswith("crypitor-simulator/v")


@pytest.mark.parametrize(
    "reference, number",
    [
        ("latest", 7),
        ("pending", 7),
        ("safe", 5),
        ("finalized", 3),
        ("earliest", 0),
        ("0x0", 0),
        ("0x5", 5),
    ],
)
async def test_a_block_by_number_or_tag(ask, chain, reference, number):
    """The block is the canonical one of that height, with whole transactions if asked."""
    expected = served(chain.by_number(number)).block
    hashes = [tx["hash"] for tx in expected["transactions"]]

    assert await ask("eth_getBlockByNumber", reference, True) == {"result": expected}
    assert await ask("eth_getBlockByNumber", reference, False) == {
        "result": expected | {"transactions": hashes}
    }


async def test_a_block_by_hash_may_be_orphaned(ask, chain):
    """Blocks that left the chain are still served by hash, with their receipts."""
    block = orphan(chain)
    expected = served(block)

    assert await ask("eth_getBlockByHash", block.hash, True) == {"result": expected.block}
    assert await ask("eth_getBlockReceipts", block.hash) == {"result": expected.receipts}


@pytest.mark.parametrize(
    "reference",
    [
        "0x6",
        lambda block: block.hash,
        lambda block: block.hash.upper().replace("0X", "0x"),
        lambda block: {"blockHash": block.hash},
        lambda block: {"blockNumber": "0x6"},
        lambda block: {"blockHash": block.hash, "requireCanonical": True},
    ],
)
async def test_receipts_of_a_block(ask, chain, reference):
    """The block may be named by number, by hash, or by an object with either."""
    block = chain.by_number(6)
    named = reference(block) if callable(reference) else reference

    assert await ask("eth_getBlockReceipts", named) == {"result": served(block).receipts}


async def test_transactions_and_receipts_by_hash(ask, chain):
    """A canonical transaction is served alone as it is in its block."""
    block = served(chain.head)
    tx, receipt = block.block["transactions"][-1], block.receipts[-1]

    assert await ask("eth_getTransactionByHash", tx["hash"]) == {"result": tx}
    assert await ask("eth_getTransactionReceipt", tx["hash"]) == {"result": receipt}


@pytest.mark.parametrize(
    "method, params",
    [
        ("eth_getBlockByNumber", ["0x8", True]),
        ("eth_getBlockByNumber", ["0xffffffffffffffff", False]),
        ("eth_getBlockByHash", ["0x" + "ab" * 32, True]),
        ("eth_getBlockReceipts", ["0x8"]),
        ("eth_getBlockReceipts", ["0x" + "ab" * 32]),
        ("eth_getTransactionByHash", ["0x" + "ab" * 32]),
        ("eth_getTransactionReceipt", ["0x" + "ab" * 32]),
    ],
)
async def test_what_is_unknown_is_null(ask, method, params):
    """An unknown block or transaction is null, not an error."""
    assert await ask(method, *params) == {"result": None}


async def test_a_lost_transaction_is_null(ask, chain):
    """A transaction that was only in orphaned blocks is not there any more."""
    lost = next(
        mined.signed.hash
        for block in chain._blocks.values()
        for mined in block.transactions
        if chain.transaction(mined.signed.hash) is None
    )

    assert await ask("eth_getTransactionReceipt", lost) == {"result": None}


@pytest.mark.parametrize(
    "code, method, params",
    [
        (-32601, "eth_sendTransaction", [{}]),
        (-32601, "", []),
        (-32601, "eth_subscribe", ["newHeads"]),
        (-32602, "eth_getBlockByNumber", []),
        (-32602, "eth_getBlockByNumber", ["newest", True]),
        (-32602, "eth_getBlockByNumber", ["0x05", True]),
        (-32602, "eth_getBlockByNumber", ["0x", True]),
        (-32602, "eth_getBlockByNumber", ["5", True]),
        (-32602, "eth_getBlockByNumber", [5, True]),
        (-32602, "eth_getBlockByNumber", ["0x1" + "0" * 16, True]),
        (-32602, "eth_getBlockByNumber", ["0x5", "yes"]),
        (-32602, "eth_getBlockByNumber", ["0x5", True, True]),
        (-32602, "eth_getBlockByHash", ["0x1234", True]),
        (-32602, "eth_getBlockByHash", [None]),
        (-32602, "eth_getBlockReceipts", [{}]),
        (-32602, "eth_getTransactionReceipt", [[]]),
        (-32602, "eth_blockNumber", [1]),
        (-32602, "eth_getLogs", ["latest"]),
        (-32602, "eth_getLogs", [{"fromBlock": "0x5", "toBlock": "0x4"}]),
        (-32602, "eth_getLogs", [{"fromBlock": "0x5", "blockHash": "0x" + "ab" * 32}]),
        (-32602, "eth_getLogs", [{"address": "0x1"}]),
        (-32602, "eth_getLogs", [{"topics": "0x"}]),
        (-32602, "eth_getLogs", [{"topics": [["0x12"]]}]),
        (-32000, "eth_getLogs", [{"blockHash": "0x" + "ab" * 32}]),
        (-32602, "eth_call", [{"to": "0x12", "data": "0x"}, "latest"]),
        (-32602, "eth_call", [{"to": "0x" + "12" * 20, "data": "0x123"}, "latest"]),
        (-32602, "eth_call", [{"to": "0x" + "12" * 20}, "newest"]),
        (3, "eth_call", [{"to": "0x" + "12" * 20, "data": "0x06fdde03"}, "latest"]),
    ],
)
async def test_errors_have_their_codes(ask, code, method, params):
    """A wrong request is answered with the code that JSON-RPC or go-ethereum gives it."""
    answer = await ask(method, *params)

    assert answer.keys() == {"error"}
    assert answer["error"]["code"] == code
    assert answer["error"]["message"]


@pytest.mark.parametrize(
    "code, body",
    [
        (-32700, b"{"),
        (-32700, b""),
        (-32700, b"\xff\xfe"),
        (-32600, b"[]"),
        (-32600, b"5"),
        (-32600, b'{"id": 1}'),
        (-32600, b'{"id": 1, "method": 5}'),
        (-32600, b"[" + b",".join([b"1"] * 1001) + b"]"),
    ],
)
async def test_what_is_no_request_has_no_id(post, code, body):
    """What cannot be read as a request is answered with the id null."""
    answer = await post(body)

    assert answer["id"] is None
    assert answer["error"]["code"] == code


async def test_params_must_be_a_list(post):
    """Named parameters are refused; missing ones are none."""
    named = await post({"id": 1, "method": "eth_blockNumber", "params": {"a": 1}})

    assert named["error"]["code"] == -32602
    assert await post({"id": "x", "method": "eth_blockNumber"}) == {
        "jsonrpc": "2.0",
        "id": "x",
        "result": "0x7",
    }


async def test_a_batch_is_answered_in_order(post):
    """Each request of a batch has its own answer or error; notifications have none."""
    answers = await post(
        [
            {"id": 1, "method": "eth_blockNumber"},
            {"method": "eth_blockNumber"},
            {"id": 2, "method": "nothing"},
            7,
            {"id": 3, "method": "eth_chainId"},
        ]
    )

    assert [answer["id"] for answer in answers] == [1, 2, None, 3]
    assert [answer.get("result") for answer in answers] == ["0x7", None, None, "0x7a69"]
    assert [answer.get("error", {}).get("code") for answer in answers] == [
        None,
        -32601,
        -32600,
        None,
    ]


async def test_notifications_alone_have_no_answer(post):
    """Nothing is sent back for requests without id."""
    assert await post([{"method": "eth_blockNumber"}]) is None
    assert await post({"method": "eth_blockNumber"}) is None


def all_logs(chain, first, last):
    return [log for n in range(first, last + 1) for log in served(chain.by_number(n)).logs]


async def test_logs_of_a_range(ask, chain):
    """Without limits all logs of the range are there, in order; beyond the head there are none."""
    assert await ask("eth_getLogs", {"fromBlock": "0x2", "toBlock": "0x4"}) == {
        "result": all_logs(chain, 2, 4)
    }
    assert await ask("eth_getLogs", {"fromBlock": "0x6", "toBlock": "0xff"}) == {
        "result": all_logs(chain, 6, 7)
    }
    assert await ask("eth_getLogs", {}) == {"result": all_logs(chain, 7, 7)}
    assert await ask("eth_getLogs", {"fromBlock": "earliest", "toBlock": "finalized"}) == {
        "result": all_logs(chain, 0, 3)
    }


async def test_logs_of_an_orphaned_block(ask, chain):
    """By block hash the logs of a block are there whether it is canonical or not."""
    block = orphan(chain)

    assert await ask("eth_getLogs", {"blockHash": block.hash}) == {"result": served(block).logs}


async def test_logs_by_address_and_topics(ask, chain):
    """Addresses are alternatives; topics are places, each with null, one or alternatives."""
    logs = all_logs(chain, 0, 7)
    tokens = [token.address for token in chain.contracts.erc20[:2]]
    party = next(log["topics"][2] for log in logs if len(log["topics"]) == 3)
    everything = {"fromBlock": "earliest"}
    transfers = [log for log in logs if log["topics"][:1] == [reading.TRANSFER]]

    async def found(**limits):
        return (await ask("eth_getLogs", everything | limits))["result"]

    assert await found(address=tokens[0].upper().replace("0X", "0x")) == [
        log for log in logs if log["address"] == tokens[0]
    ]
    assert await found(address=tokens) == [log for log in logs if log["address"] in tokens]
    assert await found(topics=[reading.TRANSFER]) == transfers
    assert await found(topics=[[reading.TRANSFER, reading.SINGLE]]) == [
        log for log in logs if log["topics"][:1] in ([reading.TRANSFER], [reading.SINGLE])
    ]
    assert await found(topics=[None, None, [party]]) == [
        log for log in logs if len(log["topics"]) > 2 and log["topics"][2] == party
    ]
    assert await found(topics=[reading.TRANSFER, None, None, None]) == [
        log for log in transfers if len(log["topics"]) == 4
    ]
    assert await found(topics=[[], []]) == [log for log in logs if len(log["topics"]) > 1]
    assert len(transfers) > 50


def view(signature):
    return "0x" + keccak(text=signature)[:4].hex()


async def test_token_metadata(ask, chain):
    """name, symbol and decimals decode with eth_abi; one token answers with bytes32."""
    for token in chain.contracts.erc20:
        kind = "bytes32" if token.bytes32 else "string"
        found = []
        for signature, returned in [("name()", kind), ("symbol()", kind), ("decimals()", "uint8")]:
            call = {"to": token.address, "data": view(signature)}
            answer = await ask("eth_call", call, "latest")
            found += decode([returned], reading.raw(answer["result"]))
        names = [each.rstrip(b"\0").decode() if kind == "bytes32" else each for each in found[:2]]

        assert [*names, found[2]] == [token.name, token.symbol, token.decimals]
    assert sum(token.bytes32 for token in chain.contracts.erc20) == 1


async def test_tokens_without_a_view_revert(ask, chain):
    """ERC-721 has no decimals, ERC-1155 nothing: the error is the one of a revert, with data."""
    nft, multi = chain.contracts.erc721[0], chain.contracts.erc1155[0]
    name = await ask("eth_call", {"to": nft.address, "input": view("name()")}, "latest")
    refused = [
        await ask("eth_call", {"to": nft.address, "data": view("decimals()")}, "latest"),
        await ask("eth_call", {"to": multi.address, "data": view("name()")}, "0x5"),
        await ask("eth_call", {"to": nft.address}, {"blockHash": chain.head.hash}),
    ]

    assert decode(["string"], reading.raw(name["result"])) == (nft.name,)
    expected = {"error": {"code": 3, "message": "execution reverted", "data": "0x"}}
    assert refused == [expected] * 3


async def test_a_call_to_a_person_returns_nothing(ask, chain):
    """An address without code answers with empty data, as on a real node."""
    to = chain.actors[0].address

    assert await ask("eth_call", {"to": to, "data": view("name()")}, "latest") == {"result": "0x"}
