"""Chains whose blocks differ from Ethereum's, through node and follower, under their profiles."""

from contextlib import asynccontextmanager

import pytest
import structlog
from msgspec import json as msgspec_json
from msgspec.structs import replace

from crypitor.database.networks import resume
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.quirks import Quirk
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.errors import NodeUnavailable, Unproven
from crypitor.evm.coins import BOR_COIN, ZKSYNC_COIN
from crypitor.evm.keccak import keccak
from crypitor.evm.profiles import PLAIN, Profile, profile_of
from crypitor.evm.trie import EMPTY_ROOT
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import Kind, rule_of
from crypitor.webhook.message import NetworkTitle
from crypitor.worker.beginning import headers_below
from crypitor.worker.block import served
from crypitor.worker.node import Node
from crypitor.worker.proving import proven
from crypitor.worker.rpc import Raw
from tests.monitor.test_kinds import indexed
from tests.patience import HANG_SECONDS
from tests.recorded import newest
from tests.worker.conftest import CHAIN_ID
from tests.worker.faulty import FaultyNode
from tests.worker.following import MAX_REORG_DEPTH, NETWORK, Rig

BLOCKS = 12
LATE = Profile("settled", root="settled")
SYSTEM = Profile(uncommitted=frozenset({"system"}))
PHANTOM = Profile(uncommitted=frozenset({"phantom"}))
COINS = {Quirk.COIN_LOGS, Quirk.ZKSYNC_COIN, Quirk.BOR_COIN}
"""They change what blocks tell, and not how they prove it."""

HOLED = Profile(holes=((0, 100),))


def quirky(*quirks):
    """A chain of its own kind."""
    chain = SimulatedChain(
        5, chain_id=CHAIN_ID, transfers=(4, 8), safe_depth=2, finalized_depth=4, quirks=quirks
    )
    chain.mine(BLOCKS)
    return chain


@asynccontextmanager
async def following(database, chain, **options):
    """A follower of the chain, through a node that may be made faulty."""
    async with (
        SimulatorServer(chain) as server,
        FaultyNode(server.url) as faulty,
        Rig(database, faulty.url, **options) as rig,
    ):
        yield rig, faulty


@pytest.mark.parametrize(
    "quirk, profile, level",
    [
        (Quirk.LATE_ROOTS, LATE, "settled"),
        (Quirk.SYSTEM_TRANSACTIONS, SYSTEM, "receipts"),
        (Quirk.SYSTEM_TRANSACTIONS, SYSTEM, "logs"),
        (Quirk.PHANTOMS, PHANTOM, "receipts"),
        (Quirk.INDEXES_ANEW, Profile(log_indexes="transaction"), "receipts"),
        (Quirk.JOINED_ROOT, Profile(root="joined"), "receipts"),
        (Quirk.OWN_GAS, Profile(receipt_gas="own"), "receipts"),
        (Quirk.NO_BLOOM, Profile(bloom=False), "logs"),
        (Quirk.STRANGE_ROOT, Profile("logs"), "logs"),
        (Quirk.HOLES, HOLED, "receipts"),
        (Quirk.COIN_LOGS, PLAIN, "receipts"),
        (Quirk.ZKSYNC_COIN, Profile(coin_logs=ZKSYNC_COIN), "receipts"),
        (Quirk.BOR_COIN, Profile(coin_logs=BOR_COIN), "receipts"),
    ],
)
async def test_every_kind_of_chain_is_followed_under_its_profile(database, quirk, profile, level):
    """All blocks arrive, at the strongest level that the chain can pass, and nothing else does."""
    chain = quirky(quirk)
    async with following(database, chain, profile=profile, verify=level) as (rig, _):
        await rig.settle()

        assert rig.consumer.told == [*range(BLOCKS + 1)]
        assert await rig.consumer.hashes() == chain.canonical()[-len(await rig.consumer.hashes()) :]


@pytest.mark.parametrize("quirk", sorted(set(Quirk) - {Quirk.NO_BLOOM} - COINS))
async def test_without_its_profile_it_stops(database, quirk):
    """What no rule explains is never passed over."""
    async with following(database, quirky(quirk)) as (rig, _):
        with pytest.raises(NodeUnavailable if quirk is Quirk.PHANTOMS else Unproven):
            await rig.settle()  # each receipt is asked for, and one is not there


async def test_a_block_that_cannot_prove_itself_is_told_as_such(database):
    """Where holes are known, the log says which block was taken at which level."""
    with structlog.testing.capture_logs() as logs:
        async with following(database, quirky(Quirk.HOLES), profile=HOLED) as (rig, _):
            await rig.settle()

    told = [(one["block"], one["proof"]) for one in logs if one["event"].startswith("block taken")]
    assert told == [(0, "off"), (5, "off"), (10, "off")]


async def test_receipts_one_by_one_of_transactions_that_have_none(database):
    """A node without eth_getBlockReceipts answers null for them for ever."""

    def refuse(asked, answers):
        for one, answer in zip(asked, answers, strict=True):
            if one["method"] == "eth_getBlockReceipts":
                answer.pop("result", None)
                answer["error"] = {"code": -32601, "message": "method not found"}

    options = {"profile": PHANTOM, "verify": "receipts"}
    async with following(database, quirky(Quirk.PHANTOMS), **options) as (rig, faulty):
        faulty.alter = refuse
        await rig.settle()

        assert rig.consumer.told == [*range(BLOCKS + 1)]


def without_logs_of(number):
    """A node that leaves out all logs of one block."""

    def alter(asked, answers):
        for one, answer in zip(asked, answers, strict=True):
            if one["method"] == "eth_getBlockReceipts" and one["params"] == [hex(number)]:
                for receipt in answer["result"]:
                    receipt["logs"] = []

    return alter


async def test_a_header_finds_what_was_left_out_of_a_block_that_it_settles(database):
    """The block was told at once, the loss is an alarm as soon as the chain settles it."""
    options = {"profile": LATE, "verify": "settled", "window": 1}
    async with following(database, quirky(Quirk.LATE_ROOTS), **options) as (rig, faulty):
        faulty.alter = without_logs_of(3)
        with pytest.raises(Unproven) as found:
            await rig.settle()

        assert found.value.check == "settled"
        assert "blocks 3 to 4" in str(found.value)
        assert rig.consumer.told == [*range(6)]
        assert "blocks 3 to 4" in rig.follower.status.trouble


async def test_what_was_matched_wrongly_is_named_with_the_way_on(database):
    """When the node is well again, the operator is told from which block to go on."""
    options = {"profile": LATE, "verify": "settled", "window": 1}
    async with following(database, quirky(Quirk.LATE_ROOTS), **options) as (rig, faulty):
        faulty.alter = without_logs_of(3)
        with pytest.raises(Unproven):
            await rig.settle()
        faulty.heal()
        rig.pass_seconds(100)
        with pytest.raises(Unproven, match="network resume dev --from-block 3") as found:
            await rig.settle()

        assert found.value.check == "settled"


async def test_after_the_operators_word_it_goes_on_with_what_is_true(database):
    """`crypitor network resume` reverts what was matched wrongly, and the range proves itself."""
    options = {"profile": LATE, "verify": "settled", "window": 1}
    chain = quirky(Quirk.LATE_ROOTS)
    async with following(database, chain, **options) as (rig, faulty):
        faulty.alter = without_logs_of(3)
        with pytest.raises(Unproven):
            await rig.settle()
        faulty.heal()
        rig.pass_seconds(100)
        before = await headers_below(3, MAX_REORG_DEPTH, rig.nodes)
        await database.write(
            lambda tx: resume(tx, NETWORK, before=before, now=2, title=NetworkTitle("Dev"))
        )
        rig.clock.now += 10_000
        await rig.settle()

        assert rig.consumer.told == [*range(6), *range(3, BLOCKS + 1)]
        logs = [len(receipt.logs) for one in rig.consumer.taken[-BLOCKS + 2 :][:1]
                for receipt in one.block.receipts]  # fmt: skip
        assert sum(logs) == sum(len(each.events) for each in chain.by_number(3).transactions)


async def test_after_a_restart_settled_blocks_are_read_again(database):
    """What is not in memory is asked for, and the proof goes on."""
    chain = quirky(Quirk.LATE_ROOTS)
    async with following(database, chain, profile=LATE, verify="settled") as (rig, faulty):
        await rig.settle()
        chain.mine(1)
        await rig.restart()
        await rig.settle()
        chain.mine(3)
        faulty.alter = without_logs_of(BLOCKS - 1)
        await rig.restart()
        with pytest.raises(Unproven):
            await rig.settle()
        faulty.heal()
        rig.pass_seconds(100)
        await rig.settle()

        assert rig.consumer.told[-1] == BLOCKS + 4


async def test_tags_are_no_higher_than_what_is_proven(database):
    """What a tag confirms was proven, also where the node's tags are ahead."""
    chain = quirky(Quirk.LATE_ROOTS)
    async with following(database, chain, profile=LATE, verify="settled", window=1) as (rig, _):
        await rig.settle()

        for message in rig.consumer.taken:
            proven = max(0, (message.block.header.number - 2) // 2 * 2)
            for tag in (message.safe, message.finalized):
                assert tag is None or tag <= proven
        assert rig.consumer.taken[-1].safe == BLOCKS - 2


async def test_a_branch_is_settled_by_its_own_blocks(database):
    """After a reorg, what was published of the branch that was left counts no more."""
    chain = quirky(Quirk.LATE_ROOTS)
    async with following(database, chain, profile=LATE, verify="settled") as (rig, _):
        await rig.settle()
        chain.reorg(3, 5)
        await rig.settle()

        assert (await rig.consumer.hashes())[-1] == chain.head.hash


def test_the_logs_of_a_blocks_own_receipt_are_its_events():
    """Celo before its move: what the protocol's calls tell is matched like any event."""
    document = newest("celo_l1_block_receipt")[0]
    block = proven(read(document), "receipts", profile_of(42220), "node").block
    log = document["receipts"][-1]["logs"][0]
    name = "0x" + keccak(b"Told()").hex()
    with_event = [
        replace(
            receipt,
            logs=tuple(
                replace(one, topics=(name,)) if one.address == log["address"] else one
                for one in receipt.logs
            ),
        )
        for receipt in block.receipts
    ]
    rule = rule_of(Kind.EVENT, signature="event Told()", contracts=frozenset({log["address"]}))

    [found] = find_matches(
        replace(block, receipts=tuple(with_event)), "ethereum", 42220, indexed(rule)
    )

    assert found.transaction.hash == document["block"]["hash"]
    assert found.subject.log_index == int(log["logIndex"], 16)
    everything = indexed(
        rule_of(Kind.NATIVE, include_failed=True, where="true"),
        rule_of(Kind.DEPLOYMENT, where="true"),
        any_address=True,
    )
    assert find_matches(block, "ethereum", 42220, everything) == []


@pytest.mark.parametrize("empty", [False, True])
@pytest.mark.parametrize("level", ["receipts", "logs"])
async def test_a_blocks_own_receipt_is_asked_for_where_all_are_asked_for_singly(level, empty):
    """Celo's method for it; of a block that has none, an empty one is served."""
    document = newest("celo_l1_block_receipt")[0]
    block, receipts = document["block"], document["receipts"]
    if empty:
        block = {**block, "receiptsRoot": "0x" + EMPTY_ROOT.hex(), "logsBloom": "0x" + "00" * 256}
        block["transactions"] = []
        receipts = [{**receipts[-1], "logs": [], "transactionIndex": "0x0"}]
    told = {
        "eth_chainId": lambda _: hex(42220),
        "eth_getBlockByNumber": lambda _: block,
        "eth_getTransactionReceipt": lambda wanted: next(
            one for one in receipts if one["transactionHash"] == wanted
        ),
        "eth_getBlockReceipt": lambda _: receipts[-1],
        "eth_getLogs": lambda _: [log for one in receipts for log in one["logs"]],
    }

    def tell(asked, answers):
        for one, answer in zip(asked, answers, strict=True):
            answer.pop("result", None)
            answer.pop("error", None)
            if one["method"] in told:
                answer["result"] = told[one["method"]](one["params"][0] if one["params"] else None)
            else:
                answer["error"] = {"code": -32601, "message": "method not found"}

    options = {"chain_id": 42220, "timeout_seconds": HANG_SECONDS, "verify": level}
    async with SimulatorServer(quirky()) as server, FaultyNode(server.url) as faulty:
        faulty.alter = tell
        async with Node(faulty.url, "node", **options) as node:
            found = await node.block(int(block["number"], 16))

    expected = [] if empty else [len(one["logs"]) for one in receipts]
    assert [len(one.logs) for one in found.receipts] == expected
    assert len(found.transactions) == len(found.receipts)


def batched(calls):
    """A served block with a transaction that has a list of calls, and none of its own."""
    document = newest("hyperevm")[0]
    first = document["block"]["transactions"][0]
    for name in ("to", "value", "input"):
        del first[name]
    first |= {"type": "0x76", "calls": calls}
    return document


def read(document):
    """The block as a node reads it."""
    return served(*(Raw(msgspec_json.encode(document[part])) for part in ("block", "receipts")))


def test_a_transaction_with_calls_needs_nothing_of_its_own():
    """Account-abstraction types have no receiver, value and input, or several."""
    to = "0x" + "AB" * 20
    found = read(batched([{"to": to, "value": "0x5", "input": "0x01"}, {"to": None}]))

    [first, *_] = found.transactions
    assert (first.to, first.value, first.input) == (None, "0x0", "0x")
    assert [(call.to, call.value, call.input) for call in first.calls] == [
        (to.lower(), "0x5", "0x01"), (None, "0x0", "0x"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "calls", [[], [{"to": "0x1"}], [{"value": "5"}], [{"input": "0x1"}], [{"value": -5}]]
)
def test_a_transaction_without_value_and_good_calls_is_refused(calls):
    """A node that leaves the value out is not believed, nor one with calls that cannot be."""
    with pytest.raises(NodeUnavailable):
        read(batched(calls))
