"""What is asked of logs: never too little, and much less than everything."""

import random
from dataclasses import replace

import pytest

from crypitor.backfill.question import MOST_NAMED, Question, log_question
from crypitor.evm.transfers import TRANSFER, TRANSFER_BATCH, TRANSFER_SINGLE
from crypitor.monitor.models import Direction, Kind, Rule
from tests import recorded
from tests.monitor.test_match import MONITOR, A, B

C = "0x" + "c" * 40
TOKENS = (Rule(Kind.ERC20), Rule(Kind.ERC721), Rule(Kind.ERC1155))


def topic(address):
    return "0x" + "0" * 24 + address[2:]


def asking(*rules, addresses=(A, B), **changes):
    return log_question(replace(MONITOR, rules=rules, **changes), list(addresses))


def test_filters_name_the_parties_where_each_event_has_them():
    """
    ERC-20 and ERC-721 have sender and receiver in topics 1 and 2, ERC-1155 in 2 and 3 (ERCs).
    """
    parties = [topic(A), topic(B)]

    assert list(asking(*TOKENS).filters) == [
        {"topics": [[TRANSFER], parties]},
        {"topics": [sorted([TRANSFER, TRANSFER_SINGLE, TRANSFER_BATCH]), None, parties]},
        {"topics": [sorted([TRANSFER_SINGLE, TRANSFER_BATCH]), None, None, parties]},
    ]


def test_filters_follow_direction_and_contracts():
    """
    A rule for what one contract sends in needs one filter, with that contract.
    """
    question = asking(Rule(Kind.ERC20, Direction.IN, frozenset({C})), addresses=[A])

    assert list(question.filters) == [{"address": [C], "topics": [[TRANSFER], None, [topic(A)]]}]


def test_contracts_are_named_only_if_every_rule_names_some():
    """
    One rule for any contract makes the filter one for any contract.
    """
    question = asking(Rule(Kind.ERC20, contracts=frozenset({C})), Rule(Kind.ERC721))

    assert all("address" not in one for one in question.filters)


def test_many_addresses_are_asked_for_by_contract():
    """
    With too many addresses to name, the contracts alone are asked for.
    """
    many = [f"0x{number:040x}" for number in range(MOST_NAMED + 1)]
    question = asking(Rule(Kind.ERC20, contracts=frozenset({C})), addresses=many)

    assert list(question.filters) == [{"address": [C], "topics": [[TRANSFER]]}]


@pytest.mark.parametrize(
    "rules, addresses, changes",
    [
        ((*TOKENS, Rule(Kind.NATIVE)), [A], {}),
        (TOKENS, [f"0x{number:040x}" for number in range(MOST_NAMED + 1)], {}),
        (
            (Rule(Kind.ERC20, contracts=frozenset(f"0x{n:040x}" for n in range(MOST_NAMED + 1))),),
            [],
            {"any_address": True},
        ),
    ],
    ids=["native", "many addresses", "many contracts"],
)
def test_what_needs_whole_blocks(rules, addresses, changes):
    """
    Native transfers leave no log; filters that name too much are refused by nodes.
    """
    assert asking(*rules, addresses=addresses, **changes) is None


def test_no_addresses_give_no_filter():
    """
    An empty list in a filter would mean any party.
    """
    assert asking(*TOKENS, addresses=[]).filters == ()


def passes(log, one):
    """Whether a filter passes a log. Source: execution-apis, eth_getLogs."""
    topics = one["topics"]
    return ("address" not in one or log.address in one["address"]) and len(topics) <= len(
        log.topics
    ) and all(wanted is None or got in wanted for got, wanted in zip(log.topics, topics, strict=False))  # fmt: skip


async def test_nothing_is_ruled_out_that_matches():
    """
    For parties and contracts of recorded mainnet blocks, each match passes a filter and the bloom.
    """
    recorded.required()
    chance = random.Random(7)
    documents = recorded.documents(1)[:12]
    blocks = [recorded.as_block(document) for document in documents]
    moved = [m for document in documents for m in recorded.plain_transfers(document)]
    tokens = [m for m in moved if m["kind"] != "native"]
    matched = 0
    for _ in range(60):
        picked = chance.sample(tokens, 3)
        contracts = chance.choice([None, frozenset(m["contract"] for m in picked)])
        rules = tuple(
            Rule(kind, chance.choice([*Direction]), contracts)
            for kind in chance.sample([Kind.ERC20, Kind.ERC721, Kind.ERC1155], 2)
        )
        addresses = [m[chance.choice(["from", "to"])] for m in picked]
        monitor = replace(MONITOR, rules=rules)
        logs = log_question(monitor, addresses)
        question = Question(monitor, "ethereum", 1, 12, logs)
        question.watch((address, None) for address in addresses)
        for document, block in zip(documents, blocks, strict=True):
            for match, _ in await question.matches(block):
                matched += 1
                assert logs.may_be_in(int(document["block"]["logsBloom"], 16))
                assert any(passes(match.subject.log, one) for one in logs.filters)
    assert matched > 50


def test_a_bloom_without_the_party_rules_a_block_out():
    """
    Of recorded blocks, those are ruled out whose logs do not name a rare address, most of them.
    """
    recorded.required()
    question = asking(*TOKENS, addresses=["0x" + "5a" * 20])
    blooms = [int(document["block"]["logsBloom"], 16) for document in recorded.documents(1)]

    ruled_out = [bloom for bloom in blooms if not question.may_be_in(bloom)]
    assert len(ruled_out) > len(blooms) / 2
    assert not question.may_be_in(0)
    assert question.may_be_in(2**2048 - 1)
