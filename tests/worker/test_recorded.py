"""Real mainnet blocks, served over real JSON-RPC, through node, follower and queue."""

import pytest

from crypitor.errors import Unproven
from tests.replayed import Replayed, cut_last_tx, drop_log, empty_logs, served
from tests.worker.following import Rig


@pytest.fixture
async def recorded():
    """All recorded blocks of Ethereum as one chain, and its address."""
    chain = Replayed(1)
    async with served(chain) as address:
        yield chain, address


@pytest.mark.parametrize("chain_id", [3, 10, 137, 42161, 8453])
async def test_follows_chains_of_other_rules(database, chain_id):
    """With the strongest proof, blocks of chains with rules of their own arrive, each of them."""
    chain = Replayed(chain_id)
    async with (
        served(chain) as address,
        Rig(database, f"http://{address}", chain_id=chain_id, verify="receipts") as rig,
    ):
        await rig.settle()

        assert rig.consumer.told == [*range(chain.head + 1)]


@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_carries_every_recorded_block_whole(database, recorded, scheme):
    """All transactions and logs of the recorded blocks arrive, each block proven by its root."""
    chain, address = recorded
    async with Rig(database, f"{scheme}://{address}", chain_id=1, window=8) as rig:
        await rig.settle()

        blocks = [message.block for message in rig.consumer.taken]
        assert [block.header.hash for block in blocks] == [
            chain.hash_at(number) for number in range(chain.head + 1)
        ]
        for block, document in zip(blocks, chain.documents, strict=True):
            logs = [log for receipt in document["receipts"] for log in receipt["logs"]]
            assert [one.hash for one in block.transactions] == [
                one["hash"] for one in document["block"]["transactions"]
            ]
            assert [
                (log.address, list(log.topics), log.data)
                for receipt in block.receipts
                for log in receipt.logs
            ] == [(log["address"], log["topics"], log["data"]) for log in logs]


@pytest.mark.parametrize("lose", [empty_logs, drop_log, cut_last_tx])
async def test_waits_for_the_logs_that_a_node_left_out(database, recorded, lose):
    """Each way in which nodes were seen to lose logs is found, and the whole block comes later."""
    chain, address = recorded
    async with Rig(database, f"http://{address}", chain_id=1, window=1) as rig:
        chain.losing[chain.one_with_logs()] = [lose, lose]
        with pytest.raises(Unproven):
            await rig.settle()
        await rig.settle()

        assert rig.consumer.told == [*range(chain.head + 1)]
        assert chain.lost[lose] == 2
