"""`crypitor check`: each part, what is wrong with it, and no traces."""

import time

import pytest

from crypitor.check import findings
from crypitor.config import load
from crypitor.database.engine import Database
from crypitor.database.migrate import migrate
from crypitor.database.networks import begin, keep_genesis, lead
from crypitor.evm.types import Header
from crypitor.simulator.chain import SimulatedChain
from crypitor.simulator.chaos import Chaos
from crypitor.simulator.faults import Fault
from crypitor.simulator.rpc import SimulatorServer


@pytest.fixture
async def node():
    """A simulated chain with some blocks, the newest of them old."""
    chain = SimulatedChain(transfers=(1, 2), actors=3, genesis_time=0)
    async with SimulatorServer(chain) as server:
        for _ in range(3):
            chain.mine()
        yield server


@pytest.fixture
def checked(tmp_path):
    """Check a configuration; returns subject → works and sentence."""

    async def check(text: str):
        path = tmp_path / "config.toml"
        path.write_text(
            f'[database]\nurl = "sqlite:///{tmp_path}/data/crypitor.db"\n' + text, encoding="utf-8"
        )
        found = {finding.subject: finding async for finding in findings(load(path, {}))}
        assert [each.name for each in tmp_path.iterdir()] == ["config.toml"]
        return found

    return check


async def test_a_new_configuration_is_told_what_is_missing(checked):
    """No node yet, and no database, which is no trouble."""
    found = await checked("")

    assert not found["configuration"].works
    assert "networks.ethereum.rpc" in found["configuration"].sentence
    assert found["database"].works
    assert found["queue"].works


async def test_nodes_are_asked_for_chain_head_and_a_proven_block(checked, node):
    """Each by itself, over both ways."""
    found = await checked(
        f'[networks.dev]\nchain_id = {node.chain.chain_id}\nrpc = ["{node.url}", "{node.ws_url}"]'
    )
    port = node.url.rpartition(":")[2]

    for number in (1, 2):
        finding = found[f"node 127.0.0.1:{port}#{number} of dev"]
        assert "chain 1337, head 3, " in finding.sentence
        # The simulated blocks are of long ago.
        assert not finding.works
        assert "stopped following" in finding.sentence


async def test_a_wrong_chain_and_a_dead_node_are_troubles_without_their_keys(checked, node):
    """What the URL holds behind the host stays out of the sentence."""
    found = await checked(
        f'[networks.bsc]\nrpc = ["{node.url}/?key=sesame", "http://127.0.0.1:1/v3/sesame"]'
    )
    told = {subject: str(finding) for subject, finding in found.items() if "node" in subject}

    assert [finding.works for subject, finding in found.items() if subject in told] == [False] * 2
    assert any("chain id is 1337, not 56" in sentence for sentence in told.values())
    assert any("onnect" in sentence for sentence in told.values())
    assert "sesame" not in str(told)


async def test_a_schema_that_nobody_will_update_is_a_trouble(checked):
    """With database.migrate = false somebody has to run `crypitor migrate`."""
    found = await checked("migrate = false")

    assert not found["database"].works
    assert "crypitor migrate" in found["database"].sentence


async def test_a_broker_that_is_down_is_a_trouble(checked):
    """It is waited for at start, and the sentence says so."""
    found = await checked('[queue]\nkind = "kafka"\nbootstrap_servers = ["127.0.0.1:1"]')

    assert not found["queue"].works
    assert "waited for" in found["queue"].sentence


async def test_tells_what_a_node_refuses(checked):
    """A plan that takes two calls in a request is usable, and `check` says what was found."""
    chain = SimulatedChain(transfers=(1, 2), actors=3, genesis_time=time.time() - 3)
    chain.mine(3)
    chaos = Chaos(0, {Fault.SMALL_BATCHES: 1.0})
    async with SimulatorServer(chain, chaos=chaos) as node:
        found = await checked(f'[networks.dev]\nchain_id = 1337\nrpc = ["{node.url}"]')
        [finding] = [each for subject, each in found.items() if subject.startswith("node")]

    assert finding.works
    assert "takes 2 calls in a request" in finding.sentence
    assert "too many calls in a batch" in finding.sentence


@pytest.mark.parametrize(
    "genesis, tip, sentence",
    [
        ("0x" + "ee" * 32, 50, "crypitor network resume dev --from-block 0"),
        (None, 500, "is 497 blocks below what was matched"),
        (None, 3, "goes on from the first block that differs"),
    ],
)
async def test_compares_what_was_matched(tmp_path, genesis, tip, sentence):
    """A chain that was begun anew, is behind, or is another one, is told with what to do."""
    chain = SimulatedChain(transfers=(1, 2), actors=3, genesis_time=time.time() - 3)
    chain.mine(3)
    url = f"sqlite:///{tmp_path}/crypitor.db"
    await migrate(url)
    matched = [Header(tip, "0x" + "aa" * 32, "0x" + "bb" * 32, chain.head.timestamp + 5)]

    async def work(tx):
        await lead(tx, "dev", 1337)
        await begin(tx, "dev", term=1, sequence=1, before=matched)
        await keep_genesis(tx, "dev", 1, genesis or chain.by_number(0).hash)

    async with SimulatorServer(chain) as node:
        async with Database.open(url) as database:
            await database.write(work)
        path = tmp_path / "config.toml"
        path.write_text(
            f'[database]\nurl = "{url}"\n[networks.dev]\nchain_id = 1337\nrpc = ["{node.url}"]'
        )
        found = [one async for one in findings(load(path, {})) if one.subject.startswith("node")]

    assert [one.works for one in found] == [False]
    assert sentence in found[0].sentence
