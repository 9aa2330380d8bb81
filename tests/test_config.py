"""The configuration: what is taken, what is refused, and how it is told."""

import dataclasses
import json
import re
import tomllib
from pathlib import Path

import pytest

from crypitor.config import Config, NetworkConfig, Role, check_roles, load
from crypitor.config.load import SECTIONS
from crypitor.errors import ConfigError
from crypitor.evm.coins import ZKSYNC_COIN
from crypitor.evm.networks import PRESETS
from crypitor.evm.profiles import Profile, profile_of

SHIPPED = Path(__file__).parents[1] / "config.toml"
NODE = 'rpc = ["https://node.example"]'


@pytest.fixture
def written(tmp_path):
    """Write a file and load it, with an environment if there is one."""

    def write(text: str, **environ: str) -> Config:
        path = tmp_path / "config.toml"
        path.write_text(text)
        return load(path, environ)

    return write


def mistakes(of) -> tuple[str, ...]:
    """Return what is refused, without the sentences behind the keys."""
    with pytest.raises(ConfigError) as raised:
        of()
    return raised.value.mistakes


def test_the_shipped_file_is_the_defaults():
    """What it says of each default is true."""
    shipped = load(SHIPPED, {})

    assert shipped.model_copy(update={"networks": {}}) == load(None, {}) == Config()
    assert list(shipped.networks) == ["ethereum"]
    assert shipped.followed == {}


def test_the_shipped_file_shows_every_key():
    """Those that have no value stand there as a comment."""
    text = SHIPPED.read_text()
    sections = {**SECTIONS, "networks.ethereum": NetworkConfig}
    for name, kind in sections.items():
        table = re.search(
            rf"^\[{re.escape(name)}\]\n(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL
        )[1]
        shown = re.findall(r"^(?:# )?([a-z_]+) =", table, re.MULTILINE)

        assert (name, sorted(shown)) == (name, sorted(kind.model_fields))


def test_the_shipped_networks_values_are_the_presets(written):
    """A user who adds a node's URL and nothing else changes nothing else."""
    edited = SHIPPED.read_text().replace("rpc = [] ", 'rpc = ["https://node.example"] ')

    assert written(edited) == written(f"[networks.ethereum]\n{NODE}")


def test_the_shipped_file_names_every_preset():
    """So that nobody has to search."""
    assert [name for name in PRESETS if not re.search(rf"\b{name}\b", SHIPPED.read_text())] == []


def test_a_preset_needs_only_a_node(written):
    """Contract: bsc is 56 and waits for 18 confirmations."""
    network = written(f"[networks.bsc]\n{NODE}").networks["bsc"]

    assert (network.chain_id, network.confirmations, network.native_symbol) == (56, 18, "BNB")


def test_what_is_written_goes_before_the_preset(written):
    """A preset only fills in."""
    network = written(f'[networks.bsc]\n{NODE}\nconfirmations = "finalized"').networks["bsc"]

    assert (network.confirmations, network.chain_id) == ("finalized", 56)


def test_another_network_needs_chain_id_and_node(written):
    """The rest has defaults."""
    network = written(f"[networks.dev]\nchain_id = 31337\n{NODE}").networks["dev"]

    assert (network.chain_id, network.confirmations, network.title) == (31337, 12, "dev")


def test_a_network_without_a_node_is_not_followed(written):
    """The shipped file has one, to be filled in."""
    config = written(f"[networks.ethereum]\nrpc = []\n[networks.bsc]\n{NODE}")

    assert list(config.followed) == ["bsc"]


def test_the_environment_goes_before_the_file_and_joins_it(written):
    """Tables are merged key by key."""
    config = written(
        f'[server]\nhost = "127.0.0.2"\nport = 1\n[networks.ethereum]\n{NODE}\nstart = 5',
        CRYPITOR__SERVER__PORT="9000",
        CRYPITOR__API__AUTH="false",
        CRYPITOR__API__ADMIN_KEY="a-key-of-thirty-two-characters-ab",
        CRYPITOR__NETWORKS__ETHEREUM__CONFIRMATIONS="3",
        CRYPITOR__NETWORKS__BASE__RPC='["https://base.example", "wss://base.example"]',
        CRYPITOR__WEBHOOK__ALLOW_PRIVATE='["127.0.0.0/8"]',
        CRYPITOR_CONFIG="not a key",
    )

    assert (config.server.host, config.server.port, config.api.auth) == ("127.0.0.2", 9000, False)
    assert config.api.admin_key.get_secret_value() == "a-key-of-thirty-two-characters-ab"
    assert (config.networks["ethereum"].start, config.networks["ethereum"].confirmations) == (5, 3)
    assert config.networks["base"].rpc == ("https://base.example", "wss://base.example")
    assert config.webhook.allow_private == ("127.0.0.0/8",)


def test_one_url_in_the_environment_needs_no_json(written):
    """The commonest case of all."""
    config = written("", CRYPITOR__NETWORKS__ETHEREUM__RPC="https://node.example")

    assert config.networks["ethereum"].rpc == ("https://node.example",)


def test_all_mistakes_are_told_at_once_each_with_its_key(written):
    """File and environment, unknown keys and wrong values, and what contradicts itself."""
    told = mistakes(
        lambda: written(
            """
            [sever]
            [server]
            host = "0.0.0.0"
            prot = 1
            port = 70000
            [api]
            auth = false
            [database]
            url = "mysql://x/y"
            [queue]
            kind = "rabbit"
            [networks.dev]
            rpc = ["ftp://node.example/secret-key", "https://a.example"]
            confirmations = "soon"
            [networks.ethereum]
            rpc = ["https://a.example"]
            chain_id = 2
            traces = "both"
            [webhook]
            allow_private = ["10.0.0.0/33"]
            schedule_seconds = [5, -1]
            """,
            CRYPITOR__LOG__LEVEL="loud",
            CRYPITOR__LOG__LEVLE="info",
            CRYPITOR__NONSENSE="1",
            CRYPITOR__="1",
        )
    )

    assert sorted(line.partition(": ")[0] for line in told) == [
        "CRYPITOR__",
        "database.url",
        "log.level",
        "log.levle",
        "networks.dev.chain_id",
        "networks.dev.confirmations",
        "networks.dev.rpc",
        "networks.ethereum.traces",
        "nonsense",
        "queue.kind",
        "server.port",
        "server.prot",
        "sever",
        "webhook.allow_private",
        "webhook.schedule_seconds[1]",
    ]
    assert "server.prot: unknown key; did you mean port?" in told
    assert "log.levle: unknown key; did you mean level? (set by CRYPITOR__LOG__LEVLE)" in told
    assert "secret-key" not in "".join(told)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[server]\nhost = "0.0.0.0"\n[api]\nauth = false', "api.auth"),
        ("[webhook]\nlease_seconds = 15", "webhook.lease_seconds"),
        ("[webhook]\nin_flight = 5", "webhook.in_flight_per_endpoint"),
        (f"[networks.bsc]\n{NODE}\nconfirmations = 668", "networks.bsc.confirmations"),
        (f"[networks.bsc]\n{NODE}\nchain_id = 1", "networks.bsc.chain_id"),
        (
            f"[networks.ethereum]\n{NODE}\n[networks.eth]\nchain_id = 1\n{NODE}",
            "networks.eth.chain_id",
        ),
        (f"[networks.Dev]\nchain_id = 5\n{NODE}", "networks.Dev"),
        ("[networks]\nethereum = 1", "networks.ethereum"),
        ("server = 1", "server"),
        ('[networks.bsc]\nrpc = ["https://a.example", "https://a.example"]', "networks.bsc.rpc"),
        ('[networks.bsc]\nrpc = ["node.example:8545"]', "networks.bsc.rpc"),
        (
            '[networks.bsc]\nrpc = ["https://a.example"]\npoll_seconds = 0',
            "networks.bsc.poll_seconds",
        ),
        ('[networks.bsc]\nrpc = ["https://a.example"]\nstart = -1', "networks.bsc.start"),
        ('[database]\nurl = "sqlite:///:memory:"', "database.url"),
        ('[database]\nurl = "sqlite://relative.db"', "database.url"),
        ('[database]\nurl = "postgresql://host"', "database.url"),
        ('[api]\nadmin_key = "short"', "api.admin_key"),
        ('[queue]\nsecurity = "SASL_SSL"\nusername = "me"', "queue.username"),
        ('[queue]\nsecurity = "SSL"\nssl_key = "key.pem"', "queue.ssl_key"),
        ('[queue]\nssl_ca = "ca.pem"', "queue.security"),
        ('[webhook]\nkafka_topics = ["crypitor.*"]', "webhook.kafka_topics"),
        ('[webhook]\nkafka_topics = ["a*b"]', "webhook.kafka_topics[0]"),
    ],
)
def test_what_cannot_work_is_refused(written, text, key):
    """Each value is right in form; only its meaning is wrong."""
    told = mistakes(lambda: written(text))

    assert [line.partition(": ")[0] for line in told] == [key]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1"])
def test_auth_may_be_off_on_loopback(written, host):
    """Nobody else can reach it there."""
    assert not written(f'[server]\nhost = "{host}"\n[api]\nauth = false').api.auth


def test_a_file_that_is_missing_or_no_toml_is_a_mistake(tmp_path, written):
    """The message names the file."""
    with pytest.raises(ConfigError, match=r"nowhere\.toml:\n  cannot be read: No such file"):
        load(tmp_path / "nowhere.toml", {})
    with pytest.raises(ConfigError, match="is not TOML"):
        written("[server")


def test_a_table_that_was_pasted_once_more_is_named(written):
    """The message says where it is, and what to do with its keys."""
    with pytest.raises(ConfigError) as told:
        written("[networks.ethereum]\nrpc = []\n[networks.ethereum]\nrpc = []")

    (mistake,) = told.value.mistakes
    assert mistake == (
        "is not TOML: [networks.ethereum] is there already (at line 3, column 19):"
        " put its keys into the first one"
    )


def test_mistakes_are_told_in_the_words_of_toml(written):
    """What is no list, or no text, is told how it is written."""
    with pytest.raises(ConfigError) as told:
        written("[webhook]\nallow_private = true\n[database]\nurl = 5")

    assert sorted(told.value.mistakes) == [
        'database.url: write text in quotes: "…"',
        'webhook.allow_private: write a list: ["…", "…"]',
    ]


def test_nothing_secret_is_in_what_a_debugger_or_a_log_shows(written):
    """URLs carry passwords and keys."""
    config = written(
        '[networks.bsc]\nrpc = ["https://node.example/v3/key-in-path"]',
        CRYPITOR__DATABASE__URL="postgresql://user:sesame@host/name",
        CRYPITOR__API__ADMIN_KEY="a-key-of-thirty-two-characters-ab",
        CRYPITOR__QUEUE__PASSWORD="broker-word",
    )

    assert not re.search(
        "sesame|key-in-path|a-key-of-thirty-two-characters-ab|broker-word", f"{config!r} {config}"
    )


@pytest.mark.parametrize(
    ("kind", "roles", "usable"),
    [
        ("memory", ["api", "worker", "monitor", "webhook"], True),
        ("memory", ["worker", "monitor"], True),
        ("memory", ["api", "webhook"], True),
        ("memory", ["worker"], False),
        ("memory", ["api", "monitor"], False),
        ("kafka", ["worker"], True),
    ],
)
def test_the_memory_queue_needs_both_its_ends_in_one_process(written, kind, roles, usable):
    """Blocks would go nowhere otherwise."""
    config = written(f'[queue]\nkind = "{kind}"\n[networks.bsc]\n{NODE}')
    told = []
    try:
        check_roles(config, [Role(role) for role in roles])
    except ConfigError as refused:
        told = [line.partition(":")[0] for line in refused.mistakes]

    assert told == ([] if usable else ["queue.kind"])


def test_running_without_a_network_says_what_to_do():
    """It is what a new user sees first."""
    told = mistakes(lambda: check_roles(Config(), list(Role)))

    assert len(told) == 1
    assert re.search(
        r"config\.toml.*rpc = .*CRYPITOR__NETWORKS__ETHEREUM__RPC.*crypitor demo", told[0]
    )


def test_the_api_alone_runs_without_a_network():
    """Other processes follow the chains."""
    assert check_roles(Config(), [Role.API, Role.WEBHOOK]) is None


def test_presets_are_the_contracts():
    """Names, chain ids and confirmations as the contract lists them."""
    listed = """ethereum 1 12, bsc 56 18, polygon 137 50, avalanche 43114 50, mantle 5000 50,
        arbitrum 42161 50, base 8453 50, optimism 10 50, gnosis 100 50, fantom 250 50"""
    without_number = """sepolia 11155111, celo 42220, linea 59144, scroll 534352, moonbeam 1284,
        moonriver 1285, aurora 1313161554, harmony 1666600000, telos 40, fuse 122, kaia 8217,
        cronos 25, zksync 324, blast 81457"""
    numbers = {
        name: (int(chain), int(count)) for name, chain, count in map(str.split, listed.split(","))
    }
    chains = {name: int(chain) for name, chain in map(str.split, without_number.split(","))}

    assert {
        name: (PRESETS[name].chain_id, PRESETS[name].confirmations) for name in numbers
    } == numbers
    assert {name: PRESETS[name].chain_id for name in chains} == chains


def test_every_preset_is_a_valid_network(written):
    """All its values pass the checks that a user's values pass."""
    text = "".join(f"[networks.{name}]\n{NODE}\n" for name in PRESETS)

    assert set(written(text).networks) == set(PRESETS)


def test_json_that_is_broken_is_told_with_its_variable(written):
    """A quoting mistake in a shell is common."""
    told = mistakes(lambda: written("", CRYPITOR__WEBHOOK__ALLOW_PRIVATE="[127.0.0.0/8]"))

    assert len(told) == 1
    assert told[0].startswith("webhook.allow_private: ")
    assert told[0].endswith("(set by CRYPITOR__WEBHOOK__ALLOW_PRIVATE)")


def test_the_shipped_file_is_plain_toml():
    """It is read by other programs too, without the environment."""
    assert json.dumps(tomllib.loads(SHIPPED.read_text()))


@pytest.mark.parametrize("chain_id, reset", [(1337, "follow"), (31337, "follow"), (1338, "stop")])
def test_development_chains_may_begin_anew(written, chain_id, reset):
    """By default a reset is followed where development nodes are at home, and nowhere else."""
    other = "follow" if reset == "stop" else "stop"
    text = f"[networks.dev]\nchain_id = {chain_id}\n{NODE}\n"

    assert written(text).networks["dev"].reset == reset
    assert written(f'{text}reset = "{other}"').networks["dev"].reset == other


def test_well_known_chains_never_begin_anew(written):
    """A preset's network is not to be reverted because its node shows another chain."""
    assert written(f"[networks.ethereum]\n{NODE}").networks["ethereum"].reset == "stop"
    assert mistakes(lambda: written(f'[networks.ethereum]\nreset = "follow"\n{NODE}')) == (
        'networks.ethereum.reset: the chain of ethereum is never begun anew; only "stop" is right',
    )


DEV = '[networks.dev]\nchain_id = 1337\nrpc = "http://127.0.0.1:8545"\n'


def test_what_a_profile_says_can_be_said_in_the_file(written):
    """Each key stands for a field of the chain's profile."""
    text = """
        root = "joined"
        receipt_gas = "own"
        bloom = false
        bloom_from = 5
        log_indexes = "transaction"
        uncommitted = ["system", "phantom"]
        block_receipt = true
        untyped = ["0x78"]
        holes = ["3-9", "20-30"]
        coin_logs = "zksync"
    """

    profile = written(DEV + text).networks["dev"].profile

    assert profile == Profile(
        root="joined",
        receipt_gas="own",
        bloom=False,
        bloom_from=5,
        log_indexes="transaction",
        uncommitted=frozenset({"system", "phantom"}),
        block_receipt=True,
        untyped=frozenset({"0x78"}),
        holes=((3, 9), (20, 30)),
        coin_logs=ZKSYNC_COIN,
    )


def test_what_is_not_said_is_what_is_known_of_the_chain(written):
    """A key changes its own field alone; without any the profile is the chain's."""
    text = '[networks.polygon]\nrpc = "http://127.0.0.1:8545"\n'

    assert written(text).networks["polygon"].profile == profile_of(137)
    said = written(text + "bloom = false").networks["polygon"].profile
    assert said == dataclasses.replace(profile_of(137), bloom=False)
    none = written(text + "uncommitted = []").networks["polygon"].profile
    assert none.uncommitted == frozenset()


def test_where_the_coin_is_said_to_write_logs_inner_transfers_are_taken_from_them(written):
    """As for the chains that are known to write them, unless the file says otherwise."""
    assert written(DEV).networks["dev"].traces == "off"
    assert written(DEV + 'coin_logs = "bor"').networks["dev"].traces == "logs"
    said = written(DEV + 'coin_logs = "bor"\ntraces = "off"')
    assert said.networks["dev"].traces == "off"


@pytest.mark.parametrize(
    "text, level",
    [
        (DEV, "receipts"),
        (DEV + 'root = "settled"', "settled"),
        (DEV + 'root = "settled"\nverify = "off"', "off"),
        (DEV + 'verify = "logs"', "logs"),
        ('[networks.sei]\nrpc = "http://127.0.0.1:8545"', "logs"),
        ('[networks.sei]\nrpc = "http://127.0.0.1:8545"\nroot = "joined"', "receipts"),
        ('[networks.avalanche]\nrpc = "http://127.0.0.1:8545"', "settled"),
        ('[networks.avalanche]\nrpc = "http://127.0.0.1:8545"\nroot = "trie"', "receipts"),
    ],
)
def test_the_default_proof_is_the_strongest_that_the_rules_allow(written, text, level):
    """Who says what the root is, gets it proven."""
    [network] = written(text).networks.values()

    assert network.verify == level


@pytest.mark.parametrize("level", ["logs", "receipts"])
def test_a_proof_that_cannot_hold_is_refused_with_the_reason(written, level):
    """Avalanche's headers are of earlier blocks."""
    text = f'[networks.avalanche]\nrpc = "http://127.0.0.1:8545"\nverify = "{level}"'

    [told] = mistakes(lambda: written(text))

    assert told == (
        f'networks.avalanche.verify: "{level}" cannot hold: the root and the bloom of this chain\'s'
        ' headers are of earlier blocks, which they settle; use "settled" or "off"'
    )


def test_settled_is_refused_where_nothing_is_settled_later(written):
    """Ethereum's headers are of their own block."""
    [told] = mistakes(lambda: written(DEV + 'verify = "settled"'))

    assert told.startswith('networks.dev.verify: "settled" is for chains whose headers settle')


@pytest.mark.parametrize(
    "line, key",
    [
        ('root = "tree"', "root"),
        ('uncommitted = ["all"]', "uncommitted[0]"),
        ('untyped = ["78"]', "untyped[0]"),
        ('holes = ["5"]', "holes[0]"),
        ('holes = ["9-5"]', "holes"),
        ('holes = ["9-"]', "holes[0]"),
        ("bloom_from = -1", "bloom_from"),
        ('coin_logs = "0x00"', "coin_logs"),
    ],
)
def test_rules_that_cannot_be_meant_are_mistakes(written, line, key):
    """Each is named with its key."""
    [told] = mistakes(lambda: written(DEV + line))

    assert told.startswith(f"networks.dev.{key}: ")


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda path: path.mkdir(), "is a folder: name a file in it"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "is no text in UTF-8"),
        (lambda path: path.write_text("a ="), "is not TOML"),
    ],
)
def test_what_is_no_such_file_is_one_sentence(tmp_path, make, words):
    """Which says what it is and what to do."""
    make(tmp_path / "config.toml")
    with pytest.raises(ConfigError) as told:
        load(tmp_path / "config.toml", {})

    assert len(told.value.mistakes) == 1
    assert told.value.mistakes[0].startswith(words)
