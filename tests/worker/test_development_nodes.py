"""What development nodes do otherwise than others, as it was seen of them."""

import json
from pathlib import Path

import pytest
import structlog

from crypitor.errors import NodeUnavailable, Unproven
from crypitor.evm.profiles import Profile, profile_of
from crypitor.worker.block import served
from crypitor.worker.links import NO_PARENT
from crypitor.worker.pace import Pace, longest_silence
from crypitor.worker.proving import proven
from crypitor.worker.rpc import Raw
from tests.worker.faulty import FaultyNode
from tests.worker.following import Rig

GANACHE = json.loads(
    (Path(__file__).parents[1] / "data/development/ganache-7.9.2-failed.json").read_text()
)
BEGUN, ENDED = 3, 8
"""Heights between which blocks name no parent, as after `hardhat_mine`."""


def without_parents(asked, answers):
    """What Hardhat 2.29.1 answers of blocks that were mined many at once."""
    for answer in answers:
        block = answer.get("result")
        if isinstance(block, dict) and BEGUN <= int(block.get("number", "0x0"), 16) < ENDED:
            block["parentHash"] = NO_PARENT


def failed(**change):
    """The block of Ganache whose one transaction failed."""
    receipts = [{**GANACHE["receipts"][0], **change}]
    return served(Raw(json.dumps(GANACHE["block"]).encode()), Raw(json.dumps(receipts).encode()))


async def test_blocks_that_name_no_parent_are_followed(database, server, chain):
    """All come in their order on a development chain, with one warning."""
    with structlog.testing.capture_logs() as logs:
        async with FaultyNode(server.url) as faulty, Rig(database, faulty.url) as rig:
            faulty.alter = without_parents
            await rig.settle()
            chain.reorg(4, 5)
            await rig.settle()

            assert rig.consumer.told == [*range(11), *range(7, 12)]
            kept = await rig.consumer.hashes()
            assert kept == chain.canonical()[-len(kept) :]
    assert [one["event"] for one in logs if "no parent" in one["event"]] == [
        "blocks name no parent: taken to stand on the block of the height below"
    ]


async def test_every_way_to_a_header_tells_the_same_parent(faulty, chain, open_node):
    """By height, by hash, in a row, with bloom, and with its block."""
    faulty.alter = without_parents
    node = open_node(faulty.url)
    wanted, number = chain.by_number(5), 5

    found = [
        await node.header_at(number),
        await node.header(wanted.hash),
        (await node.headers(2, 9))[number - 2],
        (await node.blooms(2, 9))[number - 2].header,
        (await node.next(number)).block.header,
        (await node.block(number)).header,
    ]

    assert {one.parent_hash for one in found} == {wanted.parent_hash}


@pytest.mark.parametrize("disagrees", ["above", "itself", "below"])
async def test_a_parent_is_not_guessed(faulty, open_node, disagrees):
    """Where the block above stands on another one, or a neighbour changes, it is asked again."""
    looks = []

    def alter(asked, answers):
        without_parents(asked, answers)
        if len(answers) < 3:  # the block alone
            return
        looks.append(len(answers))
        below, itself, above = answers[-3:]
        if disagrees == "above":
            above["result"]["parentHash"] = "0x" + "ab" * 32
        elif disagrees == "itself":
            itself["result"]["hash"] = "0x" + "ab" * 32
        else:
            below["result"] = None

    faulty.alter = alter

    with pytest.raises(NodeUnavailable, match="names no parent"):
        await open_node(faulty.url).header_at(5)
    assert looks == [3]


async def test_on_other_chains_no_parent_is_made_up(faulty, open_node):
    """What a chain is not known to do stays what it is: a block that stands on nothing."""
    faulty.alter = without_parents
    node = open_node(faulty.url, profile=Profile())

    assert (await node.header_at(5)).parent_hash == NO_PARENT


@pytest.mark.parametrize("chain_id", [1337, 31337])
def test_a_failed_status_may_be_committed_to_as_a_byte(chain_id):
    """Ganache 7.9.2: its own block with a failed transaction proves itself."""
    block = proven(failed(), "receipts", profile_of(chain_id), "node").block

    assert [receipt.succeeded for receipt in block.receipts] == [False]


@pytest.mark.parametrize(
    "change",
    [{"status": "0x1"}, {"cumulativeGasUsed": "0xcf49"}, {"type": "0x1"}],
)
def test_all_else_is_still_committed_to(change):
    """No receipt passes that says anything else, success least of all."""
    with pytest.raises(Unproven):
        proven(failed(**change), "receipts", profile_of(1337), "node")


def test_what_does_not_prove_itself_names_the_level_that_would():
    """Under a chain id that nobody knows; of a known chain nobody is told to prove less."""
    with pytest.raises(Unproven, match='verify = "logs" would pass'):
        proven(failed(), "receipts", profile_of(987_654_321), "node")
    with pytest.raises(Unproven) as plain:
        proven(failed(), "receipts", profile_of(10), "node")
    assert "verify" not in str(plain.value)


def test_no_level_is_named_where_none_would_pass():
    """A receipt of another transaction is wrong at every level."""
    with pytest.raises(Unproven) as wrong:
        proven(
            failed(transactionHash="0x" + "ab" * 32), "receipts", profile_of(987_654_321), "node"
        )
    assert "verify" not in str(wrong.value)


async def test_ganaches_missing_method_is_one(faulty, open_node):
    """Code -32700 stands for a parse error; its words say what it is, and it is asked for once."""

    def refuse(asked, answers):
        for one, answer in zip(asked, answers, strict=True):
            if one["method"] == "eth_getBlockReceipts":
                answer.pop("result")
                answer["error"] = GANACHE["missing_method"]

    faulty.alter = refuse
    node = open_node(faulty.url)

    assert [(await node.next(number)).block.header.number for number in (5, 6)] == [5, 6]
    assert sum(post.count("eth_getBlockReceipts") for post in faulty.posts) == 1


async def test_another_block_for_an_orphaned_hash_is_not_believed(faulty, chain, open_node):
    """Ganache answers with the block that is at that height now."""
    orphaned = chain.head.hash

    def answered(asked, answers):
        for one, answer in zip(asked, answers, strict=True):
            if one["method"] == "eth_getBlockByHash":
                number = int(answer["result"]["number"], 16)
                answer["result"] = {**answer["result"], "hash": chain.by_number(number - 1).hash}

    faulty.alter = answered

    with pytest.raises(NodeUnavailable, match="asked for block"):
        await open_node(faulty.url).header(orphaned)


async def test_null_for_receipts_that_are_there_is_gone_around(database, server):
    """EthereumJS 0.10.5: all blocks come, by receipts one by one."""

    def none(asked, answers):
        for one, answer in zip(asked, answers, strict=True):
            if one["method"] == "eth_getBlockReceipts":
                answer["result"] = None

    async with FaultyNode(server.url) as faulty, Rig(database, faulty.url) as rig:
        faulty.alter = none
        with_patience = 30
        while rig.consumer.told[-1:] != [10] and with_patience:
            with_patience -= 1
            try:
                await rig.settle()
            except NodeUnavailable:
                rig.pass_seconds(60)

        assert rig.consumer.told == [*range(11)]


def test_an_announcing_development_node_is_looked_at_all_the_same():
    """It says nothing when it takes blocks back: the head is not stale for longer than that."""
    told, others = Pace(1.0, longest_silence(31337)), Pace(1.0, longest_silence(1))
    told.announced = others.announced = 20

    assert told.wait_seconds(0, expecting=False) == 2.0
    assert others.wait_seconds(0, expecting=False) == 10.0


def test_the_rules_are_for_development_chains_alone():
    """Those of the ids that the nodes have where nobody says anything else."""
    for chain_id, lenient in ((1337, True), (31337, True), (1, False), (987_654_321, False)):
        assert profile_of(chain_id).zero_parents is lenient
        assert profile_of(chain_id).zero_status is lenient
