"""Blocks that nodes of particular chains served, in `tests/data/served`: read, proven, matched."""

import gzip
import json
from pathlib import Path

import pytest
from msgspec import Raw
from msgspec import json as msgspec_json
from structlog.testing import capture_logs

from crypitor.errors import Unproven
from crypitor.evm.profiles import profile_of
from crypitor.evm.types import Block
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import Kind, rule_of
from crypitor.worker.block import header_from, served
from crypitor.worker.proving import proven
from tests.monitor.test_kinds import indexed

FOLDER = Path(__file__).parents[1] / "data" / "served"


def shown(name):
    """The document of a block."""
    return json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))


def read(document):
    """The block as a node reads it."""
    return served(*(Raw(msgspec_json.encode(document[part])) for part in ("block", "receipts")))


def accepted(name, level=None):
    """The block as its network takes it, at its chain's level."""
    profile = profile_of(int(name.split("-")[0]))
    return proven(read(shown(name)), level or profile.strongest, profile, "node")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("2201-42767022", id="Stable's testnet, logs counted anew in each transaction"),
        pytest.param("2201-59083166", id="Stable's testnet, logs counted through"),
        pytest.param("4217-17708868", id="Tempo, with lists of calls"),
        pytest.param("4217-20660166", id="Tempo, with its system's transactions"),
        pytest.param("42431-6000178", id="Tempo's testnet"),
        pytest.param("945-6646068", id="Bittensor's testnet, a Substrate with Frontier"),
    ],
)
def test_they_prove_themselves_by_their_root(name):
    """By the rules that are known of the chain, or Ethereum's."""
    found = accepted(name, "receipts")

    assert len(found.transactions) == len(found.receipts) > 0


def test_what_is_counted_anew_in_each_transaction_is_so_on_that_chain_alone():
    """The same block under another chain's rules is refused by its logs' indexes."""
    with pytest.raises(Unproven) as refused:
        proven(read(shown("2201-42767022")), "receipts", profile_of(1), "node")

    assert refused.value.check == "logs"


@pytest.mark.parametrize(
    "name, passed",
    [
        pytest.param("25-6541", "logs", id="no receipt at all"),
        pytest.param("25-131465", "logs", id="a transaction without a receipt"),
        pytest.param("25-68216", "off", id="a bloom of logs that were reverted"),
        pytest.param("25-11446765", "off", id="logs that are numbered wrongly"),
    ],
)
def test_cronos_old_blocks_are_taken_at_what_they_pass(name, passed):
    """None of them stalls a backfill, the log tells, and what took no effect counts as failed."""
    with capture_logs() as logs:
        found = accepted(name)

    told = {one["transactionHash"] for one in shown(name)["receipts"]}
    left = [one.succeeded for one in found.receipts if one.transaction_hash not in told]
    assert len(found.receipts) == len(found.transactions)
    assert left == [False] * (len(found.transactions) - len(told))
    assert [one["proof"] for one in logs] == ([passed] if passed == "off" else [])


def test_calls_of_a_list_are_matched_on_a_real_block():
    """Tempo's payments are calls of a token's `transfer`, two of them in the block."""
    document = shown("4217-17708868")
    found = accepted("4217-17708868", "receipts")
    block = Block(header_from(found.seal), found.transactions, found.receipts)
    listed = [one for one in document["block"]["transactions"] if one.get("calls")]
    rule = rule_of(Kind.CALL, signature="transfer(address,uint256)")

    told = find_matches(block, "ethereum", 4217, indexed(rule, any_address=True, addresses=()))

    assert [(match.transaction.hash, match.subject.contract) for match in told] == [
        (one["hash"], one["calls"][0]["to"]) for one in listed
    ]
    assert len(told) == 2
