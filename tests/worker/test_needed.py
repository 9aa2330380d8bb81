"""A block is asked for with no more receipts than are needed."""

import asyncio
from dataclasses import replace

import pytest

from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.documents import block_document
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.errors import NodeUnavailable
from crypitor.evm.profiles import Profile
from crypitor.monitor.index import Index
from crypitor.monitor.models import Kind, Rule
from crypitor.monitor.needed import Needed
from tests.monitor.test_match import MONITOR
from tests.patience import HANG_SECONDS
from tests.worker.conftest import CHAIN_ID
from tests.worker.faulty import FaultyNode, altered, without
from tests.worker.following import NETWORK, Rig

NATIVE = replace(MONITOR, networks=(NETWORK,), rules=(Rule(Kind.NATIVE),))
BLOCK, RECEIPT, RECEIPTS = (
    "eth_getBlockByNumber", "eth_getTransactionReceipt", "eth_getBlockReceipts"
)  # fmt: skip


def asked_about(*addresses, **changes):
    """An index in which one monitor asks for native value of these addresses."""
    index = Index()
    index.put(replace(NATIVE, **changes))
    index.add_addresses("mo_1", [(address, None) for address in addresses])
    return index


def paying(chain, count=1):
    """A height, and the senders of its first native transfers, which are as many."""
    for number in range(1, chain.head.number + 1):
        told = block_document(chain.by_number(number), full=True)["transactions"]
        senders = list(
            dict.fromkeys(one["from"] for one in told if one["value"] != "0x0" and one["to"])
        )
        if len(senders) >= count:
            return number, senders[:count]
    raise AssertionError("no block has so many")


async def taken(database, url, index, **options):
    """All blocks of the node as the matcher gets them, by height."""
    needed = Needed(index, NETWORK, CHAIN_ID)
    async with Rig(
        database, url, needed=needed, **{"verify": "off", "tags_wanted": lambda: False, **options}
    ) as rig:
        await rig.settle()
        return {one.block.header.number: one.block for one in rig.consumer.taken}


async def test_no_receipts_where_nothing_matches(database, faulty):
    """A block that concerns nobody costs its own bytes alone."""
    blocks = await taken(database, faulty.url, asked_about("0x" + "9" * 40))

    created = [
        one.hash for block in blocks.values() for one in block.transactions if one.to is None
    ]
    assert [known for block in blocks.values() for known in block.known] == created
    assert RECEIPTS not in {method for post in faulty.posts for method in post}


async def test_the_receipt_of_what_matches_is_asked_for(database, chain, faulty):
    """One more request, with the receipts of the transactions that may match."""
    number, [sender] = paying(chain)
    blocks = await taken(database, faulty.url, asked_about(sender))
    block = blocks[number]
    mine = [one.hash for one in block.transactions if one.hash in block.known]

    assert mine == [
        one.hash
        for one in block.transactions
        if one.to is None or (sender in (one.sender, one.to) and one.value != "0x0")
    ]
    assert [len(receipt.logs_bloom) > 2 for receipt in block.receipts] == [
        one.hash in mine for one in block.transactions
    ]
    assert all(set(post) == {RECEIPT} for post in faulty.posts if BLOCK not in post)


@pytest.fixture
def crowded():
    """A chain whose blocks have more native transfers than receipts are asked for singly."""
    chain = SimulatedChain(5, chain_id=CHAIN_ID, transfers=(60, 60))
    chain.mine(3)
    return chain


@pytest.mark.parametrize("knows_bulk", [True, False])
async def test_many_receipts_are_asked_for_all_at_once(database, crowded, knows_bulk):
    """In a second request, in the way that the node has; the block is whole then."""
    async with SimulatorServer(crowded) as server, FaultyNode(server.url) as faulty:
        faulty.alter = None if knows_bulk else without(RECEIPTS)
        blocks = await taken(database, faulty.url, asked_about(any_address=True), start=1)

    assert {block.known for block in blocks.values()} == {None}
    assert all(
        receipt.transaction_hash == one.hash and len(receipt.logs_bloom) > 2
        for block in blocks.values()
        for one, receipt in zip(block.transactions, block.receipts, strict=True)
    )


async def test_receipts_that_are_not_had_singly_are_asked_for_all_at_once(database, chain, faulty):
    """A node may know them only so."""

    def none(request, answer):
        answer["result"] = None

    number, [sender] = paying(chain)
    faulty.alter = altered(RECEIPT, none)
    blocks = await taken(database, faulty.url, asked_about(sender))

    assert blocks[number].known is None


@pytest.mark.parametrize("wrong", ["blockHash", "transactionHash", "transactionIndex"])
async def test_a_receipt_of_something_else_is_refused(database, chain, faulty, wrong):
    """What is held against the block before it is believed."""

    def another(request, answer):
        answer["result"][wrong] = "0x" + "7" * (64 if "Hash" in wrong else 1)

    _, [sender] = paying(chain)
    faulty.alter = altered(RECEIPT, another)
    with pytest.raises(NodeUnavailable):
        await taken(database, faulty.url, asked_about(sender))


@pytest.mark.parametrize(
    "options",
    [
        {"verify": "receipts"},
        {"verify": "logs"},
        {"profile": Profile(block_receipt=True)},
        {"profile": Profile(uncommitted=("phantom",))},
    ],
)
async def test_other_proofs_and_chains_have_all_receipts(database, faulty, options):
    """Where receipts prove something, or some may be none, they come as they always did."""
    blocks = await taken(database, faulty.url, asked_about("0x" + "9" * 40), **options)

    assert {block.known for block in blocks.values()} == {None}


async def test_receipts_come_with_the_block_after_somebody_asks_about_logs(database, chain, faulty):
    """What was seen ahead without them is not published; and when nobody asks any more, they end."""
    index = asked_about("0x" + "9" * 40)
    needed = Needed(index, NETWORK, CHAIN_ID)
    async with Rig(database, faulty.url, needed=needed, verify="off", start=1) as rig:
        for _ in range(3):  # the first steps look ahead
            await rig.follower.step()
            await rig.consumer.take()
        async with asyncio.timeout(HANG_SECONDS):
            while rig.nodes.requests < len(rig.consumer.taken) + 3:
                await asyncio.sleep(0)
        before = len(rig.consumer.taken)
        index.put(replace(NATIVE, rules=(Rule(Kind.ERC20),)))
        await rig.settle()
        after = len(rig.consumer.taken)
        index.put(NATIVE)
        chain.mine(2)
        await rig.settle()
        blocks = [one.block for one in rig.consumer.taken]

    assert 0 < before < after
    assert [block.known is None for block in blocks] == [
        before <= at < after for at in range(len(blocks))
    ]
