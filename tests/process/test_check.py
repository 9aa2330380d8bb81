"""`crypitor check`: each part, what is wrong with it, and no traces."""

import pytest

from crypitor.config import load
from crypitor.database.migrate import migrate
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.process.check import findings


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
    assert [one.sentence.partition(": ")[2] for one in after] == [
        f"chmod 600 {database}", f"chmod 600 {tmp_path}/admin.key",
    ]  # fmt: skip


async def test_a_file_that_is_no_database_is_told(tmp_path):
    """By what `run` would end with."""
    (tmp_path / "crypitor.db").write_text("something else, " * 100)
    config = tmp_path / "config.toml"
    config.write_text(f'[database]\nurl = "sqlite:///{tmp_path}/crypitor.db"\n', encoding="utf-8")
    found = {one.subject: one async for one in findings(load(config, {}))}

    assert not found["database"].works
    assert "is another kind of file" in found["database"].sentence
