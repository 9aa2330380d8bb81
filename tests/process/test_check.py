"""`crypitor check`: each part, what is wrong with it, and no traces."""

import json
import re
import shutil
import socket
import time

import pytest

from crypitor.config import load
from crypitor.database.engine import Database
from crypitor.database.migrate import migrate
from crypitor.database.networks import begin, keep_genesis, lead
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.chaos import Chaos
from crypitor.development.simulator.faults import Fault
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.evm.types import Header
from crypitor.process.check import Finding, findings
from tests.forked import ForkedService
from tests.ports import free_port
from tests.worker.faulty import FaultyNode, altered


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
        assert "blocks prove themselves (receipts)" in finding.sentence
        assert finding.works


@pytest.mark.parametrize("chain_id, works", [(1337, True), (31337, True), (1338, False)])
async def test_an_old_head_is_a_trouble_but_where_blocks_are_made_when_told(
    checked, chain_id, works
):
    """A development node that is merely idle works; elsewhere the node may have stopped."""
    chain = SimulatedChain(chain_id=chain_id, transfers=(1, 2), actors=3, genesis_time=0)
    chain.mine()
    async with SimulatorServer(chain) as server:
        found = await checked(f'[networks.dev]\nchain_id = {chain_id}\nrpc = ["{server.url}"]')
    [finding] = [one for subject, one in found.items() if subject.startswith("node ")]

    assert finding.works is works
    assert ("stopped following" in finding.sentence) is not works


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


async def test_files_that_others_may_read_are_a_warning(tmp_path):
    """With the command that closes them; nothing else is wrong with them."""
    database = tmp_path / "crypitor.db"
    await migrate(f"sqlite:///{database}")
    config = tmp_path / "config.toml"
    config.write_text(f'[database]\nurl = "sqlite:///{database}"\n', encoding="utf-8")
    (tmp_path / "admin.key").touch(mode=0o600)
    tmp_path.chmod(0o700)
    before = [one async for one in findings(load(config, {})) if one.subject == "files"]
    for name in ("crypitor.db", "admin.key"):
        (tmp_path / name).chmod(0o644)
    after = [one async for one in findings(load(config, {})) if one.subject == "files"]

    assert before == []
    assert all(one.works and str(one).startswith("WARNING") for one in after)
    assert [one.cure for one in after] == [
        f"`chmod 600 {database}`", f"`chmod 600 {tmp_path}/admin.key`",
    ]  # fmt: skip


async def test_a_file_that_is_no_database_is_told(tmp_path):
    """By what `run` would end with."""
    (tmp_path / "crypitor.db").write_text("something else, " * 100)
    config = tmp_path / "config.toml"
    config.write_text(f'[database]\nurl = "sqlite:///{tmp_path}/crypitor.db"\n', encoding="utf-8")
    found = {one.subject: one async for one in findings(load(config, {}))}

    assert not found["database"].works
    assert "is another kind of file" in found["database"].sentence


# ---- what has been matched, and a service that runs


@pytest.fixture
async def fresh():
    """A simulated chain whose newest block is of now."""
    chain = SimulatedChain(7, genesis_time=time.time() - 30)
    chain.mine(30)
    async with SimulatorServer(chain) as server:
        yield server


@pytest.fixture
def matched(tmp_path, migrated_sqlite):
    """Make a database in which the newest blocks of a chain are matched, up to a height."""

    async def store(chain, tip, kept=10, chain_id=1337):
        shutil.copy(migrated_sqlite, tmp_path / "crypitor.db")
        blocks = [chain.by_hash(one) for one in chain.canonical()] if tip else []
        headers = [Header(b.number, b.hash, b.parent_hash, b.timestamp) for b in blocks]
        below = [one for one in headers if tip - kept < one.number <= tip]

        async def work(tx):
            term = await lead(tx, "dev", chain_id)
            await begin(tx, "dev", term=term, sequence=1, before=below)

        async with Database.open(f"sqlite:///{tmp_path}/crypitor.db") as database:
            await database.write(work)

    return store


@pytest.fixture
def found(tmp_path):
    """Check one network with nodes; returns subject → finding, with `node` for the last one's."""

    async def check(*urls, port=None, database="crypitor.db", **network):
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in network.items())
        (tmp_path / "config.toml").write_text(
            f"""[database]\nurl = "sqlite:///{database}"\n[server]\nport = {port or free_port()}
[networks.dev]\nchain_id = 1337\nrpc = {json.dumps(urls)}\n{lines}"""
        )
        config = load(tmp_path / "config.toml", {})
        told = [one async for one in findings(config)]
        return {"node" if one.subject.startswith("node ") else one.subject: one for one in told}

    return check


async def test_where_everything_works_nothing_is_said_to_do(found, fresh, matched):
    """On a database that has matched the node's own blocks."""
    await matched(fresh.chain, 30)
    told = await found(fresh.url)

    assert [str(one) for one in told.values() if not one.works] == []
    assert "crypitor run" in told["service"].sentence


@pytest.mark.parametrize(
    "seed, blocks, tip, words, command",
    [
        (7, 25, 30, "5 blocks behind block 30", "wait until it has caught up"),
        (9, 40, 30, "none of the blocks 21 to 30", "crypitor network resume dev --from-block 0`"),
        (9, 5, 30, "its head is 5, but blocks up to 30", "network resume dev --from-block 0`"),
        (9, 25, 30, "none of the blocks 21 to 30", "network resume dev --from-block N`"),
    ],
)
async def test_the_nodes_chain_is_compared_with_what_was_matched(
    found, fresh, matched, seed, blocks, tip, words, command
):
    """One that is behind, one that was reset, and another chain with the same id."""
    await matched(fresh.chain, tip)
    other = SimulatedChain(seed, genesis_time=time.time() - 30)
    other.mine(blocks)
    if seed == 7:  # the same chain, of which the node has not all yet
        other = SimulatedChain(7, genesis_time=fresh.chain._genesis_time)
        other.mine(blocks)
    async with SimulatorServer(other) as server:
        told = await found(server.url)

    assert not told["node"].works
    assert words in told["node"].sentence
    assert command in told["node"].cure


async def test_a_reorg_that_a_start_would_follow_is_no_trouble(found, fresh, matched):
    """Some blocks that were matched are gone, and one below them is there."""
    await matched(fresh.chain, 30)
    fresh.chain.reorg(4, 6)
    told = await found(fresh.url)

    assert told["node"].works


async def test_another_chain_under_the_same_name_is_refused(found, fresh, matched):
    """As at the start."""
    await matched(fresh.chain, 0, chain_id=5)
    told = await found(fresh.url)

    assert "chain 5 was followed under this name" in told["network dev"].sentence
    assert "another name" in told["network dev"].cure


async def test_a_node_is_asked_with_the_batch_of_a_start(found, fresh):
    """What is below the first block, and that block with its receipts, head and tags at once."""
    block, receipts = "eth_getBlockByNumber", "eth_getBlockReceipts"
    async with FaultyNode(fresh.url) as node:
        await found(node.url)
        asked = [methods for methods in node.posts if "eth_chainId" not in methods]

    assert [block] * 30 in asked
    assert [block, block, receipts, block, block] in asked


async def test_a_block_that_a_start_needs_and_the_node_has_not(found, fresh):
    """`start` lies below its history."""
    async with FaultyNode(fresh.url) as node:

        def forget(request, answer):
            place = request["params"][0]
            if place.startswith("0x") and int(place, 16) < 20:
                answer["result"] = None

        node.alter = altered("eth_getBlockByNumber", forget)
        told = await found(node.url, start=10)

    assert "has not all of block 9, though its head is 30" in told["node"].sentence
    assert "networks.dev.start" in told["node"].cure


async def test_a_service_that_runs_is_asked(found, fresh, tmp_path):
    """It is ready, and then it is not: its database is held, and nothing is refused for that."""
    service = ForkedService(
        tmp_path,
        {
            "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
            "CRYPITOR__NETWORKS__DEV__RPC": f'["{fresh.url}"]',
            "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.05",
        },
    )
    await service.start()
    ready = await found(fresh.url, port=service.port)
    elsewhere = await found(fresh.url)
    another = await found(fresh.url, port=service.port, database="other.db")
    await fresh.__aexit__(None, None, None)
    await service.until_ready(503, 60)
    not_ready = await found(fresh.url, port=service.port)
    status = await service.stop()
    stopped = await found(fresh.url, port=service.port)

    assert ready["service"].works, ready["service"]
    assert "is ready" in ready["service"].sentence
    assert ready["database"].works
    assert f"process {service.process._process.pid} on " in elsewhere["service"].sentence
    assert "--config" in elsewhere["service"].cure
    assert "with another database" in another["service"].sentence
    assert "worker dev" in not_ready["service"].sentence
    assert not not_ready["service"].works
    assert stopped["service"].works
    assert status == 0


async def test_a_place_that_is_taken_by_another_program(found, fresh):
    """A start would be refused, whether that one speaks HTTP or not."""
    port = int(fresh.url.rpartition(":")[2])
    http = await found(fresh.url, port=port)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        bound = await found(fresh.url, port=mute.getsockname()[1])

    assert "another program answers" in http["service"].sentence
    assert "cannot listen on" in bound["service"].sentence
    for told in (http, bound):
        assert not told["service"].works
        assert "server.port" in told["service"].cure


async def test_a_database_that_cannot_be_made(found, fresh, tmp_path):
    """A file stands where its folder would be."""
    (tmp_path / "data").write_text("")
    text = tmp_path / "config.toml"
    await found(fresh.url)
    text.write_text(text.read_text().replace("///crypitor.db", "///data/crypitor.db"))
    told = {one.subject: one async for one in findings(load(text, {}))}

    assert not told["database"].works
    assert told["database"].cure
    assert sorted(one.name for one in tmp_path.iterdir()) == ["config.toml", "data"]


def test_no_trouble_is_told_without_a_cure():
    """It could not be made."""
    with pytest.raises(ValueError, match="what is to be done"):
        Finding("queue", works=False, sentence="is away")


async def test_tells_what_a_node_refuses(checked):
    """A plan that takes two calls in a request is usable, and `check` says what was found."""
    chain = SimulatedChain(transfers=(1, 2), actors=3, genesis_time=time.time() - 3)
    chain.mine(3)
    chaos = Chaos(0, {Fault.SMALL_BATCHES: 1.0})
    async with SimulatorServer(chain, chaos=chaos) as node:
        found = await checked(f'[networks.dev]\nchain_id = 1337\nrpc = ["{node.url}"]')
        [finding] = [each for subject, each in found.items() if subject.startswith("node")]

    assert finding.works
    assert re.search("takes [12] calls? in a request", finding.sentence)
    assert "too many calls in a batch" in finding.sentence


async def test_a_chain_that_was_begun_anew_is_told_as_that(found, fresh, matched, tmp_path):
    """By its genesis, with the one command that goes on."""
    await matched(fresh.chain, 30)
    async with Database.open(f"sqlite:///{tmp_path}/crypitor.db") as database:
        await database.write(lambda tx: keep_genesis(tx, "dev", 1, "0x" + "ee" * 32))
    told = await found(fresh.url)

    assert not told["node"].works
    assert "begun anew" in told["node"].sentence
    assert "`crypitor network resume dev --from-block 0`" in told["node"].cure
