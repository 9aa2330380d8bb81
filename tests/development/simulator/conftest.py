"""A forked chain, its server, and ways to ask it."""

import json
import pickle

import aiohttp
import pytest

from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer


@pytest.fixture(scope="session")
def mined():
    """A chain to be copied: signing its transactions takes twenty times as long."""
    chain = SimulatedChain(9, chain_id=31337, safe_depth=2, finalized_depth=4)
    chain.mine(6)
    chain.reorg(2)
    return pickle.dumps(chain)


@pytest.fixture
def chain(mined):
    return pickle.loads(mined)


@pytest.fixture
async def server(chain):
    async with SimulatorServer(chain) as server:
        yield server


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def post(server, session):
    """Sends bytes or a JSON document, returns the decoded answer."""

    async def send(body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with session.post(server.url, data=data) as response:
            assert response.status == 200
            text = await response.text()
            return json.loads(text) if text else None

    return send


@pytest.fixture
def ask(post):
    """Calls a method, returns the whole answer but for the version."""

    async def call(method, *params):
        answer = await post({"jsonrpc": "2.0", "id": 5, "method": method, "params": list(params)})

        assert answer.pop("jsonrpc") == "2.0"
        assert answer.pop("id") == 5
        return answer

    return call
