"""Real mainnet blocks, served over real JSON-RPC, through node, follower and queue."""

import importlib.util
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from crypitor.errors import Unproven
from tests.evm.recorded import blocks_folder
from tests.worker.following import Rig


@pytest.fixture(scope="module")
def replay():
    """The tool that serves recorded blocks as one linked chain."""
    path = blocks_folder().parents[1] / "tools" / "replay_rpc.py"
    spec = importlib.util.spec_from_file_location("replay_rpc", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def documents(replay):
    """All recorded blocks of Ethereum, as the tool reads them."""
    return replay.load([str(blocks_folder() / "1")])


@pytest.fixture
async def recorded(replay, documents):
    """The chain as the tool keeps it, and its address."""
    async with served(replay, documents, 1) as found:
        yield found


@asynccontextmanager
async def served(replay, documents, chain_id):
    chain = replay.Chain(documents, chain_id=chain_id, loops=1, head=10**6)
    runner = web.AppRunner(replay.make_app(chain), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield chain, f"127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.filterwarnings("ignore::aiohttp.web_exceptions.NotAppKeyWarning")
@pytest.mark.parametrize("chain_id", [3, 10, 137, 42161, 8453])
async def test_follows_chains_of_other_rules(database, replay, chain_id):
    """With the strongest proof, blocks of chains with rules of their own arrive, each of them."""
    documents = replay.load([str(blocks_folder() / str(chain_id))])
    async with (
        served(replay, documents, chain_id) as (chain, address),
        Rig(database, f"http://{address}", chain_id=chain_id, verify="receipts") as rig,
    ):
        await rig.settle()

        assert rig.consumer.told == [*range(chain.size)]


@pytest.mark.filterwarnings("ignore::aiohttp.web_exceptions.NotAppKeyWarning")
@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_carries_every_recorded_block_whole(database, recorded, scheme):
    """All transactions and logs of the recorded blocks arrive, each block proven by its root."""
    chain, address = recorded
    async with Rig(database, f"{scheme}://{address}", chain_id=1, window=8) as rig:
        await rig.settle()

        blocks = [message.block for message in rig.consumer.taken]
        assert [block.header.hash for block in blocks] == [
            chain.hash_at(number) for number in range(chain.size)
        ]
        for block, document in zip(blocks, chain.docs, strict=True):
            logs = [log for receipt in document["receipts"] for log in receipt["logs"]]
            assert [one.hash for one in block.transactions] == [
                one["hash"] for one in document["block"]["transactions"]
            ]
            assert [
                (log.address, list(log.topics), log.data)
                for receipt in block.receipts
                for log in receipt.logs
            ] == [(log["address"], log["topics"], log["data"]) for log in logs]


@pytest.mark.filterwarnings("ignore::aiohttp.web_exceptions.NotAppKeyWarning")
@pytest.mark.parametrize("fault", ["empty_logs", "drop_log", "cut_last_tx"])
async def test_waits_for_the_logs_that_a_node_left_out(database, recorded, fault):
    """Each way in which nodes were seen to lose logs is found, and the whole block comes later."""
    chain, address = recorded
    async with Rig(database, f"http://{address}", chain_id=1, window=1) as rig:
        chain.faults.append(
            {"kind": fault, "times": 2, "method": "eth_getBlockReceipts", "blocks": [20]}
        )
        with pytest.raises(Unproven):
            await rig.settle()
        await rig.settle()

        assert rig.consumer.told == [*range(chain.size)]
        assert chain.stats[f"fault:{fault}"] == 2
