from collections import Counter
from dataclasses import astuple

import pytest
import rlp
from eth_abi import decode
from eth_utils import keccak, to_checksum_address
from web3 import Web3

from crypitor.development.simulator.chain import SimulatedChain
from tests.development.simulator import reading
from tests.development.simulator.served import served_chain

ZERO = "0x" + "00" * 20


@pytest.fixture(scope="module")
def chain():
    chain = SimulatedChain(11)
    chain.mine(120)
    return chain


@pytest.fixture(scope="module")
def blocks(chain):
    return served_chain(chain)


@pytest.fixture(scope="module")
def pairs(blocks):
    return [
        pair
        for each in blocks
        for pair in zip(each.block["transactions"], each.receipts, strict=True)
    ]


def truth(chain):
    return [each for block in chain.canonical() for each in chain.truth(block)]


def test_the_truth_is_what_the_documents_say(chain, blocks):
    """An independent reading of each block's JSON finds exactly the truth, in the same order."""
    for each in blocks:
        expected = [astuple(one) for one in chain.truth(each.block["hash"])]

        assert each.movements == expected


def test_both_formats_of_traces_tell_the_same(blocks):
    """Independent readings of callTracer's frames and of trace_block find the same transfers."""
    for each in blocks:
        assert each.inside == each.inside_traces


def test_calls_inside_transactions_are_of_every_sort(blocks):
    """All ways to call occur, with value and without, undone alone and with their transaction."""

    def below(frame):
        for one in frame.get("calls", []):
            yield one
            yield from below(one)

    frames = [one["result"] for each in blocks for one in each.frames]
    calls = [call for frame in frames for call in below(frame)]
    ways = Counter(call["type"] for call in calls if "error" not in call)
    undone = [call for call in calls if "error" in call]
    precompiled = [call for call in calls if int(call.get("to", "0x99"), 16) < 10]
    flat = [one for each in blocks for one in each.traces]

    assert min(ways.values()) > 5
    assert set(ways) == {
        "CALL", "CALLCODE", "DELEGATECALL", "STATICCALL", "CREATE", "CREATE2", "SELFDESTRUCT",
    }  # fmt: skip
    assert any(int(inner["value"], 16) for call in undone for inner in below(call))
    assert {call["type"] for call in undone} == {"CALL", "CREATE"}
    assert any("error" in frame and frame["calls"] for frame in frames if "calls" in frame)
    assert precompiled
    assert len(flat) == len(frames) + len(calls) - len(precompiled)


@pytest.mark.parametrize("written", ["frames", "traces"])
def test_what_a_payer_gets_is_what_it_pays(chain, blocks, written):
    """It keeps nothing of a transaction's value, whatever was refused on the way."""
    payer = chain.contracts.payer.address
    seen = 0
    for each in blocks:
        inside = each.inside if written == "frames" else each.inside_traces
        for tx, receipt, moved in zip(
            each.block["transactions"], each.receipts, inside, strict=True
        ):
            if tx["to"] == payer and receipt["status"] == "0x1":
                seen += 1

                assert int(tx["value"], 16) == sum(one[2] for one in moved if one[0] == payer)
    assert seen > 20


def test_blocks_hold_as_many_transfers_as_asked(chain):
    """Every block has 20 to 60 movements, and all numbers in between occur."""
    counts = [len(chain.truth(each)) for each in chain.canonical()[1:]]

    assert min(counts) >= 20
    assert max(counts) <= 60
    assert len(set(counts)) > 20


@pytest.mark.parametrize("kind", ["native", "internal", "erc20", "erc721", "erc1155"])
def test_every_kind_moves(chain, kind):
    """Each kind occurs often."""
    assert Counter(each.kind for each in truth(chain))[kind] > 100


@pytest.mark.parametrize("kind", ["erc20", "erc721", "erc1155"])
def test_tokens_are_minted_and_burned(chain, kind):
    """Tokens of each standard come from the zero address and go there."""
    found = [each for each in truth(chain) if each.kind == kind]

    assert any(each.from_address == ZERO for each in found)
    assert any(each.to_address == ZERO for each in found)


@pytest.mark.parametrize("kind", ["native", "erc20", "erc721", "erc1155"])
def test_some_transfers_are_to_oneself(chain, kind):
    """Sender and receiver are the same at times."""
    assert any(each.kind == kind and each.from_address == each.to_address for each in truth(chain))


def test_zero_values_occur(chain, pairs):
    """There are payments of nothing, which are no movement, and ERC-20 transfers of 0, which are."""
    payments = [
        tx for tx, receipt in pairs if tx["to"] and tx["value"] == "0x0" and not receipt["logs"]
    ]

    assert any(int(receipt["status"], 16) and tx in payments for tx, receipt in pairs)
    assert any(each.kind == "erc20" and each.amount == 0 for each in truth(chain))


def test_amounts_need_more_than_64_bits(chain):
    """Amounts and token ids are beyond what a 64-bit integer or a float holds."""
    assert any(each.kind == "erc20" and each.amount > 2**64 for each in truth(chain))
    assert any(each.kind == "native" and each.amount > 2**62 for each in truth(chain))
    assert any(each.token_id and each.token_id > 2**255 for each in truth(chain))


def test_batches_have_every_length(pairs):
    """TransferBatch carries none, one or several items, at times an id twice."""
    batches = [
        decode(["uint256[]", "uint256[]"], reading.raw(log["data"]))
        for _, receipt in pairs
        for log in receipt["logs"]
        if log["topics"][:1] == [reading.BATCH]
    ]
    lengths = {len(ids) for ids, _ in batches}

    assert {0, 1, 2, 3} <= lengths
    assert any(len(set(ids)) < len(ids) for ids, _ in batches)


def test_failed_transactions_move_nothing(pairs):
    """A failed transaction has no logs, though it may carry value and name a contract."""
    failed = [(tx, receipt) for tx, receipt in pairs if receipt["status"] == "0x0"]

    assert [receipt["logs"] for _, receipt in failed] == [[]] * len(failed)
    assert any(int(tx["value"], 16) for tx, _ in failed)
    assert any(tx["to"] is None for tx, _ in failed)
    assert 0.02 < len(failed) / len(pairs) < 0.08


def test_created_addresses_follow_from_sender_and_nonce(pairs):
    """The receipt has the hash of sender and nonce, and there for creations only."""

    def created(tx):
        return "0x" + keccak(rlp.encode([reading.raw(tx["from"]), int(tx["nonce"], 16)])).hex()[24:]

    creations = [(tx, receipt) for tx, receipt in pairs if tx["to"] is None]

    assert len(creations) > 20
    assert [receipt["contractAddress"] for _, receipt in creations] == [
        created(tx) for tx, _ in creations
    ]
    assert {receipt["contractAddress"] for tx, receipt in pairs if tx["to"]} == {None}
    assert any(int(tx["value"], 16) and receipt["status"] == "0x1" for tx, receipt in creations)


def test_nonces_have_no_gap(pairs):
    """Every sender's transactions carry 0, 1, 2 … in the order of the chain."""
    nonces = {}
    for tx, _ in pairs:
        nonces.setdefault(tx["from"], []).append(int(tx["nonce"], 16))

    assert list(nonces.values()) == [list(range(len(each))) for each in nonces.values()]


def test_each_token_has_one_owner(chain):
    """Every ERC-721 movement starts at the address that had the token."""
    owners = {}
    for each in truth(chain):
        if each.kind == "erc721":
            key = (each.contract, each.token_id)

            assert owners.get(key, ZERO) == each.from_address
            owners[key] = each.to_address


ABI = [
    ("transfer(address,uint256)", ["to", "value"]),
    ("transferFrom(address,address,uint256)", ["from", "to", "value"]),
    ("mint(address,uint256)", ["to", "value"]),
    ("safeMint(address,uint256)", ["to", "value"]),
    ("burn(uint256)", ["value"]),
    ("approve(address,uint256)", ["spender", "value"]),
    ("deposit()", []),
    (
        "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)",
        ["paid", "least", "path", "to", "deadline"],
    ),
    ("disperseToken(address,address[],uint256[])", ["token", "targets", "amounts"]),
    (
        "safeTransferFrom(address,address,uint256,uint256,bytes)",
        ["from", "to", "id", "value", "data"],
    ),
    (
        "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)",
        ["from", "to", "ids", "values", "data"],
    ),
    ("mint(address,uint256,uint256,bytes)", ["to", "id", "value", "data"]),
    ("burn(address,uint256,uint256)", ["from", "id", "value"]),
    ("ping(bytes)", ["message"]),
]


def decoder():
    """web3's own decoder of calldata for the functions above."""
    fragments = []
    for signature, names in ABI:
        name, kinds = signature[:-1].split("(")
        inputs = zip(names, [kind for kind in kinds.split(",") if kind], strict=True)
        fragments.append(
            {
                "type": "function",
                "name": name,
                "stateMutability": "nonpayable",
                "inputs": [{"name": each, "type": kind} for each, kind in inputs],
                "outputs": [],
            }
        )
    return Web3().eth.contract(address=to_checksum_address("0x" + "01" * 20), abi=fragments)


def test_calldata_agrees_with_the_movements(chain, pairs):
    """web3 decodes the calldata of every successful call to the parties and amounts of its logs."""
    contract = decoder()
    names = Counter()
    moved = {}
    for each in truth(chain):
        if each.kind not in ("native", "internal"):
            moved.setdefault(each.transaction_hash, []).append(each)
    tokens = {token.address for token in chain.contracts.tokens}
    for tx, receipt in pairs:
        if tx["to"] not in tokens or receipt["status"] == "0x0":
            continue
        function, given = contract.decode_function_input(tx["input"])
        names[function.abi_element_identifier] += 1
        found = moved.get(tx["hash"], [])
        values = given.get("values", [given.get("value")])
        ids = given.get("ids", [given.get("id")])
        if function.fn_name in ("approve", "deposit"):
            assert found == []
            continue

        kind_721 = found and found[0].kind == "erc721"
        assert [each.token_id if kind_721 else each.amount for each in found] == list(values)
        assert kind_721 or [each.token_id for each in found] == list(ids)[: len(found)]
        assert {each.to_address for each in found} <= {given.get("to", ZERO).lower()}
        source = given.get("from", ZERO if "int" in function.fn_name else tx["from"])
        if not (kind_721 and function.fn_name == "burn"):
            assert {each.from_address for each in found} <= {source.lower()}
    assert len(names) >= 10


def test_other_calls_agree_with_the_movements(chain, pairs):
    """A swap moves two tokens between trader and exchange; a disperser pays each of its list."""
    contract, contracts = decoder(), chain.contracts
    moved = {}
    for each in truth(chain):
        moved.setdefault(each.transaction_hash, []).append(each)
    swaps = payments = 0
    for tx, receipt in pairs:
        if receipt["status"] == "0x0" or tx["input"] == "0x" or not receipt["logs"]:
            continue
        found = moved.get(tx["hash"], [])
        if tx["to"] == contracts.exchange.address:
            swaps += 1
            _, given = contract.decode_function_input(tx["input"])
            paid, received = found

            assert [paid.contract, received.contract] == [each.lower() for each in given["path"]]
            assert (paid.amount, received.amount) == (given["paid"], given["least"])
            assert (paid.from_address, received.to_address) == (tx["from"], tx["from"])
            assert len(receipt["logs"]) == 3
        elif tx["to"] == contracts.disperser.address:
            payments += 1
            _, given = contract.decode_function_input(tx["input"])

            assert {each.contract for each in found} == {given["token"].lower()}
            assert [each.to_address for each in found] == [t.lower() for t in given["targets"]]
            assert [each.amount for each in found] == list(given["amounts"])
    assert swaps > 20
    assert payments > 10


def test_lookalikes_occur(pairs):
    """There are logs without topics, Transfers without indexed arguments, and other events."""
    logs = [log for _, receipt in pairs for log in receipt["logs"]]
    others = [
        log
        for log in logs
        if log["topics"]
        and log["topics"][0] not in (reading.TRANSFER, reading.SINGLE, reading.BATCH)
    ]

    assert any(not log["topics"] for log in logs)
    assert any(log["topics"] == [reading.TRANSFER] and len(log["data"]) == 194 for log in logs)
    assert len({log["topics"][0] for log in others}) >= 4


def test_new_contracts_emit_transfers(chain, pairs):
    """Some creations mint an ERC-20 token that no list knows."""
    created = {receipt["contractAddress"] for tx, receipt in pairs if tx["to"] is None}

    assert any(each.kind == "erc20" and each.contract in created for each in truth(chain))


def test_actors_are_ordered_by_activity(chain, pairs):
    """The first tenth of the actors sends more than the last half."""
    sent = Counter(tx["from"] for tx, _ in pairs)
    counts = [sent[actor.address] for actor in chain.actors]

    assert sum(counts[:10]) > sum(counts[50:])
    assert sum(counts) == len(pairs)
