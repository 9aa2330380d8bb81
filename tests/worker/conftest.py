import pickle

import pytest

from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.worker.node import Node
from tests.patience import HANG_SECONDS
from tests.worker.faulty import FaultyNode

CHAIN_ID = 1337


@pytest.fixture(scope="session")
def mined():
    """A chain to be copied, which is quicker than signing its transactions again."""
    chain = SimulatedChain(5, chain_id=CHAIN_ID, transfers=(2, 4), safe_depth=2, finalized_depth=4)
    chain.mine(10)
    return pickle.dumps(chain)


@pytest.fixture
def chain(mined):
    """A chain with a head at block 10."""
    return pickle.loads(mined)


@pytest.fixture
async def server(chain):
    async with SimulatorServer(chain) as server:
        yield server


@pytest.fixture
async def faulty(server):
    async with FaultyNode(server.url) as node:
        yield node


@pytest.fixture
async def open_node():
    """Makes nodes; all are closed afterwards."""
    nodes = []

    def opened(url, **options):
        settings = {
            "chain_id": CHAIN_ID,
            "timeout_seconds": 2 * HANG_SECONDS,
            "verify": "receipts",
            **options,
        }
        node = Node(url, "node", **settings)
        nodes.append(node)
        return node

    yield opened
    for node in nodes:
        await node.close()
