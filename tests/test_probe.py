"""`crypitor network probe`: what it finds of chains of every kind, and that it is enough to go on."""

import asyncio
import os
import sys
import tomllib
from pathlib import Path

import pytest
from msgspec.structs import replace

from crypitor.config import load
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.quirks import Quirk
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.errors import NodeUnavailable
from crypitor.evm.coins import BOR_COIN, EIP_7708, ZKSYNC_COIN
from crypitor.evm.profiles import PLAIN, Profile, profile_of
from crypitor.probe.fitting import fit
from crypitor.probe.probe import probe
from crypitor.probe.telling import lines, table
from crypitor.process.check import findings
from crypitor.worker.block import Served
from tests.evm.recorded import recorded_blocks
from tests.evm.test_profiles import Shown
from tests.recorded import newest
from tests.worker.conftest import CHAIN_ID
from tests.worker.faulty import FaultyNode
from tests.worker.following import Rig

BLOCKS = 60
RECENT = 30

FOUND = {
    Quirk.LATE_ROOTS: {"verify": "settled", "root": "settled", "bloom": False},
    Quirk.SYSTEM_TRANSACTIONS: {"verify": "receipts", "uncommitted": ["system"], "bloom": False},
    Quirk.PHANTOMS: {"verify": "receipts", "uncommitted": ["phantom"]},
    Quirk.INDEXES_ANEW: {"verify": "receipts", "log_indexes": "transaction"},
    Quirk.JOINED_ROOT: {"verify": "receipts", "root": "joined", "receipt_gas": "own"},
    Quirk.OWN_GAS: {"verify": "receipts", "receipt_gas": "own"},
    Quirk.NO_BLOOM: {"verify": "receipts", "bloom": False},
    Quirk.STRANGE_ROOT: {"verify": "logs"},
    Quirk.HOLES: {"verify": "receipts", "holes": ["0-20"]},
    Quirk.COIN_LOGS: {"verify": "receipts"},
    Quirk.ZKSYNC_COIN: {"verify": "receipts", "coin_logs": "zksync"},
    Quirk.BOR_COIN: {"verify": "receipts", "coin_logs": "bor"},
}
"""What each way to be another chain comes to in the table."""


def quirky(*quirks, blocks=BLOCKS):
    chain = SimulatedChain(5, chain_id=CHAIN_ID, transfers=(4, 8), quirks=quirks)
    chain.mine(blocks)
    return chain


def rules_in(text):
    """The keys of the table that say how blocks prove themselves."""
    [network] = tomllib.loads(text)["networks"].values()
    return {
        key: value
        for key, value in network.items()
        if key not in {"chain_id", "rpc", "max_reorg_depth"}
    }


async def looked_at(chain, blocks=RECENT):
    async with SimulatorServer(chain) as server:
        return await probe(server.url, blocks, 5.0, None)


def test_every_quirk_is_tried():
    """What the simulator can be, the probe has to find."""
    assert set(FOUND) == set(Quirk)


@pytest.mark.parametrize("quirk", Quirk)
async def test_what_makes_a_chain_another_one_is_found(quirk):
    """And no more than that."""
    found = await looked_at(quirky(quirk))

    assert rules_in(table(found, "dev", "http://127.0.0.1:1")) == FOUND[quirk]


@pytest.mark.parametrize(
    "quirk, coin",
    [
        (Quirk.COIN_LOGS, EIP_7708),
        (Quirk.ZKSYNC_COIN, ZKSYNC_COIN),
        (Quirk.BOR_COIN, BOR_COIN),
    ],
)
async def test_a_coin_that_speaks_is_told(quirk, coin):
    """Whose logs tell every payment; on a chain where none do, nothing is said of it."""
    speaks = f"the chain's own coin: every payment is also a log of {coin.address}"

    assert speaks in lines(await looked_at(quirky(quirk)))
    assert not any("own coin" in line for line in lines(await looked_at(quirky())))


async def test_a_chain_of_ethereums_kind_needs_nothing():
    """The rules are those of a chain that nobody knows anything of."""
    found = await looked_at(quirky())

    assert found.fit.profile == PLAIN
    assert found.fit.unexplained is None
    assert found.fit.checked > RECENT
    assert rules_in(table(found, "dev", "http://127.0.0.1:1")) == {"verify": "receipts"}


@pytest.mark.parametrize(
    "quirks",
    [
        {Quirk.INDEXES_ANEW, Quirk.NO_BLOOM, Quirk.OWN_GAS},
        {Quirk.PHANTOMS, Quirk.SYSTEM_TRANSACTIONS},
        {Quirk.JOINED_ROOT, Quirk.INDEXES_ANEW},
        {Quirk.STRANGE_ROOT, Quirk.NO_BLOOM},
        {Quirk.STRANGE_ROOT, Quirk.INDEXES_ANEW, Quirk.PHANTOMS},
        *({quirk} for quirk in Quirk),
    ],
    ids=lambda quirks: "-".join(sorted(quirks)),
)
async def test_with_the_table_that_it_prints_the_chain_is_followed(database, tmp_path, quirks):
    """From its first block on, whatever comes together."""
    chain = quirky(*quirks)
    async with SimulatorServer(chain) as server:
        found = await probe(server.url, RECENT, 5.0, None)
        path = tmp_path / "config.toml"
        path.write_text(table(found, "dev", server.url), encoding="utf-8")
        network = load(path, {}).networks["dev"]
        options = {"profile": network.profile, "verify": network.verify}
        async with Rig(database, server.url, **options) as rig:
            await rig.settle()

            assert rig.consumer.told == [*range(BLOCKS + 1)]


async def test_what_no_rule_explains_is_shown_with_the_smallest_block():
    """Of a root that is of something else, the block with the fewest transactions."""
    chain = quirky(Quirk.STRANGE_ROOT)
    found = await looked_at(chain)

    left = found.fit.unexplained
    number = int(left.block.seal.number, 16)
    smallest = min(len(chain.by_number(each).transactions) for each in range(BLOCKS))
    assert left.level == "receipts"
    assert len(chain.by_number(number).transactions) == smallest
    told = "\n".join(lines(found))
    assert f'at "receipts"; the smallest is {number} {left.block.seal.hash}' in told
    assert 'verify = "logs" holds' in told


async def test_a_block_that_leaves_out_logs_lets_no_level_hold():
    """A node that lies now and then is not taken for a chain with a rule of its own."""

    def alter(asked, answers):
        for one, answer in zip(asked, answers, strict=True):
            if one["method"] == "eth_getBlockReceipts" and int(one["params"][0], 16) % 3 == 0:
                for receipt in answer["result"]:
                    receipt["logs"] = receipt["logs"][:-1]

    async with SimulatorServer(quirky()) as server, FaultyNode(server.url) as faulty:
        faulty.alter = alter
        found = await probe(faulty.url, RECENT, 5.0, None)

    assert found.fit.profile.strongest == "off"
    assert int(found.fit.unexplained.block.seal.number, 16) % 3 == 0


async def test_what_the_node_can_do_is_measured():
    """Methods, tags, the longest range of logs and the largest batch."""
    found = await looked_at(quirky())

    assert found.client.startswith("crypitor-simulator")
    assert (found.head, found.recent, found.old) == (BLOCKS, RECENT, BLOCKS - RECENT)
    assert found.tags == {"safe": 32, "finalized": BLOCKS}
    assert found.methods == {
        "eth_getBlockReceipts": True,
        "debug_traceBlockByHash": True,
        "trace_block": True,
        "newHeads": False,
    }
    assert found.batch == 1000
    assert found.range == 10
    assert found.block_seconds == 1.0
    assert found.reorged == 0


async def test_a_node_with_limits_is_known_by_them():
    """No receipts at once, batches of twenty, no traces; heads over WebSocket."""

    def alter(asked, answers):
        if len(asked) > 20:
            return [
                {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "too many"}}
            ]
        for one, answer in zip(asked, answers, strict=True):
            if one["method"] in {"eth_getBlockReceipts", "debug_traceBlockByHash", "trace_block"}:
                answer.pop("result", None)
                answer["error"] = {"code": -32601, "message": "method not found"}
        return None

    async with SimulatorServer(quirky(Quirk.PHANTOMS)) as server:
        async with FaultyNode(server.url) as faulty:
            faulty.alter = alter
            found = await probe(faulty.url, RECENT, 5.0, None)
        pushed = await probe(server.ws_url, RECENT, 5.0, None)

    assert found.batch == 20
    assert not any(found.methods.values())
    assert rules_in(table(found, "dev", "http://127.0.0.1:1")) == FOUND[Quirk.PHANTOMS]
    assert pushed.methods["newHeads"]


async def test_blocks_that_are_replaced_meanwhile_are_counted():
    """A reorg while it looks."""
    chain = quirky()

    def alter(asked, answers):
        if asked[0]["method"] == "trace_block":
            chain.reorg(4, 5)

    async with SimulatorServer(chain) as server, FaultyNode(server.url) as faulty:
        faulty.alter = alter
        found = await probe(faulty.url, RECENT, 5.0, None)

    assert found.reorged == 3  # the head itself was not read


@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_another_client_reads_the_newest_block_alike(scheme):
    """web3, which has code of its own for all of it; Python's limit of recursion stays."""
    async with SimulatorServer(quirky()) as server:
        url = server.url.replace("http", scheme, 1)
        found = await probe(url, RECENT, 20.0, None)

    assert found.web3 == ""
    assert "web3.py, another client: reads the newest block that was read alike" in lines(found)
    assert sys.getrecursionlimit() == 1000


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("extraData", "0x" + "00" * 97, "stopped by ExtraDataLengthError"),
        ("hash", "0x" + "11" * 32, "other hashes"),
    ],
)
async def test_what_another_client_does_not_read_alike_is_told(field, value, told):
    """A chain of authorities, for which programs with web3 need a part more; and a node that lies."""

    def alter(asked, answers):
        for one, answer in zip(asked, answers, strict=True):
            # web3 asks for one block alone.
            if [one["method"] for one in asked] == ["eth_getBlockByNumber"] and one["params"][1]:
                answer["result"][field] = value

    async with SimulatorServer(quirky()) as server, FaultyNode(server.url) as faulty:
        faulty.alter = alter
        found = await probe(faulty.url, RECENT, 20.0, None)

    assert told in found.web3
    assert any(told in line for line in lines(found))


async def test_a_node_that_is_gone_is_told():
    """Nothing is made up."""
    with pytest.raises(NodeUnavailable):
        await probe("http://127.0.0.1:1", RECENT, 2.0, None)


def as_served(recorded):
    return [Served(one.seal, one.transactions, one.receipts) for one in recorded]


@pytest.mark.parametrize("chain_id", [1, 3, 10, 143, 8453, 34443, 534352])
def test_recorded_blocks_are_of_ethereums_kind(chain_id):
    """No rule is made up for chains that need none."""
    assert fit(as_served(recorded_blocks([chain_id])), PLAIN).profile == PLAIN


def test_what_is_known_of_recorded_chains_is_found_without_knowing_it():
    """Polygon's transactions outside the root, Arbitrum's untyped receipts."""
    polygon = fit(as_served(recorded_blocks([137])), PLAIN).profile
    arbitrum = fit(as_served(recorded_blocks([42161])), PLAIN).profile

    assert polygon.uncommitted == profile_of(137).uncommitted
    assert (polygon.strongest, polygon.bloom) == ("receipts", False)
    assert (arbitrum.strongest, arbitrum.untyped) == ("receipts", frozenset({"0x78"}))


@pytest.mark.parametrize(
    "name, rules",
    [
        ("hyperevm", {"uncommitted": frozenset({"system"})}),
        ("celo_l1_block_receipt", {"block_receipt": True}),
        ("kaia_ok", {"root": "joined", "receipt_gas": "own"}),
    ],
)
def test_the_newest_forms_are_found_without_knowing_them(name, rules):
    """From a single block."""
    shown = Shown(newest(name)[0])
    found = fit([Served(shown.seal, shown.transactions, shown.receipts)], PLAIN).profile

    assert found.strongest == "receipts"
    assert {key: getattr(found, key) for key in rules} == rules


def test_the_rules_in_force_are_tried_first():
    """What holds with them is not explained otherwise."""
    known = Profile("logs", log_indexes="transaction")

    found = fit(as_served(recorded_blocks([1])), known)

    assert found.profile == Profile("receipts", log_indexes="transaction")


def test_amsterdams_coin_is_seen_to_speak():
    """Every payment is also a log; the probe says of whom."""
    from crypitor.probe.probe import _coin

    blocks = [Shown(each) for each in newest("amsterdam-geth")]

    assert _coin(blocks) == "0x" + "f" * 39 + "e"
    assert _coin([replace_logs(blocks[1])]) is None


def replace_logs(shown):
    shown.receipts = tuple(replace(each, logs=()) for each in shown.receipts)
    return shown


async def command(folder, *words):
    """What the command prints, and its status."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crypitor", "network", "probe", *words,
        cwd=folder, env={**os.environ, "PYTHONPATH": str(Path.cwd()), "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_the_command_takes_a_url_and_prints_a_table(tmp_path):
    """Without any configuration; what the URL holds behind the host is not shown."""
    async with SimulatorServer(quirky(Quirk.INDEXES_ANEW)) as server:
        url = f"{server.url}/?key=sesame"
        status, out, err = await command(tmp_path, url, "--blocks", "20")

    assert (status, err) == (0, "")
    assert "read: 20 blocks below the head" in out
    assert 'log_indexes = "transaction"' in out.partition("[networks.chain-1337]")[2]
    assert "sesame" not in out


async def test_the_command_takes_a_name_and_says_what_is_stronger(tmp_path):
    """The rules of the configuration are those that are tried first."""
    async with SimulatorServer(quirky(Quirk.INDEXES_ANEW)) as server:
        (tmp_path / "config.toml").write_text(
            f'[networks.dev]\nchain_id = {CHAIN_ID}\nrpc = ["{server.url}"]\nverify = "off"\n'
            'log_indexes = "transaction"\n',
            encoding="utf-8",
        )
        status, out, _ = await command(tmp_path, "dev")

    assert status == 0
    assert 'stronger than verify = "off", which is in force' in out
    assert "[networks.dev]" in out


@pytest.mark.parametrize(
    "table, said",
    [
        ("", "chain_id: is missing"),
        ("chain_id = 7\n", "chain_id = 7: the node is of another chain"),
        ('chain_id = "seven"\n', "chain_id: "),
        ('chain_id = 1337\nverify = "all"\nholes = "no"\n', "verify: "),
        ('chain_id = 1337\n[server]\nport = "x"\n', "server.port: "),
    ],
)
async def test_a_network_whose_table_is_not_complete_is_looked_at(tmp_path, table, said):
    """Only rpc is needed: what is missing or wrong beside it is what the command finds out."""
    async with SimulatorServer(quirky(Quirk.INDEXES_ANEW)) as server:
        (tmp_path / "config.toml").write_text(
            f'[networks.dev]\nrpc = ["{server.url}"]\nlog_indexes = "transaction"\n{table}',
            encoding="utf-8",
        )
        status, out, err = await command(tmp_path, "dev", "--blocks", "20")

    assert (status, "stronger" in out) == (0, False)
    assert said in out + err
    [network] = tomllib.loads(out.partition("\n\n")[2])["networks"].values()
    assert (network["chain_id"], network["log_indexes"]) == (CHAIN_ID, "transaction")


async def test_the_next_node_of_a_name_is_asked_where_one_is_gone(tmp_path):
    """As `run` would."""
    async with SimulatorServer(quirky()) as server:
        (tmp_path / "config.toml").write_text(
            f'[networks.dev]\nrpc = ["http://127.0.0.1:1/sesame", "{server.url}/?key=sesame"]\n',
            encoding="utf-8",
        )
        status, out, err = await command(tmp_path, "dev", "--blocks", "20")

    assert status == 0
    assert "the next node is asked" in err
    assert "keep your own line" in out
    assert "sesame" not in out + err


async def test_a_url_needs_no_configuration_that_is_right(tmp_path):
    """Not even one that is TOML."""
    (tmp_path / "config.toml").write_text("[[[", encoding="utf-8")
    async with SimulatorServer(quirky()) as server:
        status, out, err = await command(tmp_path, server.url, "--blocks", "20")

    assert (status, err) == (0, "")
    assert "chain_id = 1337" in out


async def test_the_command_says_what_it_does_not_know(tmp_path):
    """A name without a node, and a node that does not answer."""
    unknown, dead = await asyncio.gather(
        command(tmp_path, "nowhere"), command(tmp_path, "http://127.0.0.1:1/sesame")
    )

    assert (unknown[0], dead[0]) == (1, 1)
    assert "nowhere" in unknown[2]
    assert "http://127.0.0.1:1: " in dead[2]
    assert "sesame" not in dead[2]


@pytest.mark.parametrize(
    "quirk, verify, told",
    [
        (None, "logs", True),
        (None, "off", True),
        (None, "receipts", False),
        (Quirk.STRANGE_ROOT, "logs", False),
        (Quirk.STRANGE_ROOT, "off", True),
        (Quirk.JOINED_ROOT, "logs", True),
    ],
)
async def test_check_says_when_a_stronger_proof_would_hold(tmp_path, quirk, verify, told):
    """It looks at a few blocks; the probe looks at many and prints what to write."""
    chain = quirky(*([quirk] if quirk else []))
    async with SimulatorServer(chain) as server:
        path = tmp_path / "config.toml"
        path.write_text(
            f'[database]\nurl = "sqlite:///{tmp_path}/data/crypitor.db"\n'
            f'[networks.dev]\nchain_id = {CHAIN_ID}\nrpc = ["{server.url}"]\nverify = "{verify}"',
            encoding="utf-8",
        )
        sentences = [str(one) async for one in findings(load(path, {})) if "node" in one.subject]

    assert len(sentences) == 1
    assert ("crypitor network probe dev" in sentences[0]) is told
