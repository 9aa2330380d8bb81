"""Withdrawals and delegations: what is told of them, to whom, and why not."""

import json

import pytest
from msgspec.structs import replace

from crypitor.evm.types import Withdrawal
from crypitor.monitor.condition import ConditionError
from crypitor.monitor.explanation import Obstacle, Scene, findings
from crypitor.monitor.index import Index
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import DEFAULT_RULES, Direction, Kind, rule_of
from crypitor.monitor.prepared import prepare
from crypitor.webhook.body import document
from tests import recorded
from tests.evm.test_delegations import CARRIER, NOBODY, OTHER, OWNER, WALLET, sent, word
from tests.evm.test_delegations import block as authorizing
from tests.monitor.test_kinds import indexed
from tests.monitor.test_match import A, B, C, block

WITHDRAWAL, DELEGATION = rule_of(Kind.WITHDRAWAL), rule_of(Kind.DELEGATION)
OWNERS = OWNER.address.lower()


def crediting(*amounts, seen=None):
    """A block that credits these amounts, in gwei, to A, B, A, B …"""
    return replace(
        seen or block(),
        withdrawals=tuple(
            Withdrawal(hex(100 + place), hex(7 + place), (A, B)[place % 2], hex(amount))
            for place, amount in enumerate(amounts)
        ),
    )


def told(seen, index, chain_id=1):
    return [
        json.loads(document(match, chain_id))
        for match in find_matches(seen, "ethereum", chain_id, index)
    ]


def test_a_withdrawal_is_told_to_whom_it_is_credited():
    """In wei, with its validator; there is no sender and no transaction."""
    [one] = told(crediting(18_148_499), indexed(WITHDRAWAL))

    expected = {
        "kind": "withdrawal", "direction": "in", "address": A, "from_address": None,
        "to_address": A, "amount": "18148499000000000", "amount_formatted": "0.018148499",
        "transaction": None, "log_index": None, "item": 0, "contract": None, "event": None,
        "withdrawal": {"index": 100, "validator_index": 7},
    }  # fmt: skip
    assert expected == {name: one[name] for name in expected}


def test_each_of_a_block_is_a_match_of_its_own():
    """Several to one address differ in `item` and id; they come after the transactions."""
    seen = crediting(1, 2, 3, seen=block("0x5"))

    found = told(seen, indexed(rule_of(Kind.NATIVE), WITHDRAWAL))

    assert [(one["kind"], one["item"]) for one in found] == [
        ("native", None), ("withdrawal", 0), ("withdrawal", 2),
    ]  # fmt: skip
    assert len({one["id"] for one in found}) == 3
    assert sorted(one["id"][:15] for one in found) == [one["id"][:15] for one in found]


def test_a_block_without_transactions_may_credit():
    """Nothing else has to be in it."""
    empty = replace(crediting(5), transactions=(), receipts=())

    assert [one["kind"] for one in told(empty, indexed(WITHDRAWAL))] == ["withdrawal"]


@pytest.mark.parametrize(
    "rules", [DEFAULT_RULES, (rule_of(Kind.TRANSACTION), rule_of(Kind.INTERNAL))]
)
def test_only_those_who_ask_are_told(rules):
    """It is none of the rules of a monitor that gives none."""
    assert told(crediting(5, seen=block(sender=C, to=C)), indexed(*rules)) == []


def test_a_withdrawal_of_nothing_is_none():
    """A transfer's value is above zero."""
    assert told(crediting(0), indexed(WITHDRAWAL)) == []


def test_everybodys_withdrawals():
    """With `"addresses": "any"` a condition chooses among all."""
    rule = rule_of(Kind.WITHDRAWAL, where="amount >= 32 ether or withdrawal.validator_index == 8")
    found = told(crediting(5, 6, 32 * 10**9), indexed(rule, any_address=True, addresses=()))

    assert [(one["address"], one["item"]) for one in found] == [(B, 1), (A, 2)]


@pytest.mark.parametrize(
    "where", ["transaction.value > 1", "status == 'success'", "from_address == to_address"]
)
def test_a_condition_cannot_ask_for_a_transaction(where):
    """It is refused when the monitor is saved."""
    with pytest.raises(ConditionError):
        prepare(rule_of(Kind.WITHDRAWAL, where=where))


def test_recorded_withdrawals_are_told_as_they_stand_in_the_block():
    """Sixteen of mainnet's block 22869878, one match each."""
    doc = next(doc for doc in recorded.documents(1) if int(doc["block"]["number"], 16) == 22869878)
    listed = doc["block"]["withdrawals"]
    seen = replace(
        recorded.as_block(doc),
        withdrawals=tuple(
            Withdrawal(one["index"], one["validatorIndex"], one["address"], one["amount"])
            for one in listed
        ),
    )

    found = told(seen, indexed(WITHDRAWAL, addresses={one["address"] for one in listed}))

    assert [(one["address"], one["amount"]) for one in found] == [
        (one["address"], str(int(one["amount"], 16) * 10**9)) for one in listed
    ]


def test_a_withdrawal_is_in_no_transaction():
    """The trial of a transaction says so, and where to look."""
    [watching] = indexed(WITHDRAWAL).watching(1)
    scene = Scene("ethereum", 1, crediting(5), 0, traced=False)

    [found] = findings(scene, prepare(WITHDRAWAL), watching)

    assert [reason.obstacle for reason in found.reasons] == [Obstacle.KIND]


def test_a_delegation_is_told_to_who_watches_the_account():
    """`out`, from the account to the delegate, in the transaction that carried it."""
    seen = authorizing(sent(word(OTHER)), sent(word(OTHER), word(OWNER)))

    [one] = told(seen, indexed(DELEGATION, addresses=[OWNERS]))

    expected = {
        "kind": "delegation", "direction": "out", "address": OWNERS, "from_address": OWNERS,
        "to_address": WALLET, "amount": None, "log_index": None, "item": 1, "contract": None,
        "delegation": {"delegate": WALLET, "nonce": "5", "chain_id": 1},
    }  # fmt: skip
    assert expected == {name: one[name] for name in expected}
    assert one["transaction"]["from_address"] == CARRIER.address.lower()


def test_a_cleared_code_has_no_delegate():
    """The word for the zero address."""
    seen = authorizing(sent(word(OWNER, delegate=NOBODY)))

    [one] = told(seen, indexed(DELEGATION, addresses=[OWNERS]))

    assert (one["to_address"], one["delegation"]["delegate"]) == (None, None)


@pytest.mark.parametrize("party", [WALLET, CARRIER.address.lower()])
def test_neither_delegate_nor_carrier_is_told(party):
    """It is about the account whose code is set, nobody else."""
    assert told(authorizing(sent(word(OWNER))), indexed(DELEGATION, addresses=[party])) == []


def test_a_failed_transaction_still_delegates():
    """And is told as what it is."""
    seen = authorizing(sent(word(OWNER)), status="0x0")

    [one] = told(seen, indexed(DELEGATION, addresses=[OWNERS]))

    assert one["transaction"]["status"] == "failed"


def test_a_word_for_another_chain_is_no_match():
    """Nobody can use it here."""
    seen = authorizing(sent(word(OWNER, chain_id=5)))

    assert told(seen, indexed(DELEGATION, addresses=[OWNERS])) == []


@pytest.mark.parametrize(
    ("where", "matches"),
    [
        ("to_address == null", 0), (f"to_address == {WALLET}", 1), ("delegation.chain_id == 0", 0),
        ("delegation.nonce > 4 and not watched(transaction.from_address)", 1),
        (f"to_address not in [{WALLET}]", 0),
    ],
)  # fmt: skip
def test_conditions_on_delegations(where, matches):
    """Such as the alarm for any delegate that is not one's own wallet."""
    rule = rule_of(Kind.DELEGATION, where=where)

    assert len(told(authorizing(sent(word(OWNER))), indexed(rule, addresses=[OWNERS]))) == matches


def test_everybodys_delegations():
    """With `"addresses": "any"` a condition chooses among all."""
    rule = rule_of(Kind.DELEGATION, where=f"to_address == {WALLET}")
    seen = authorizing(sent(word(OWNER), word(OTHER, delegate=NOBODY)))

    found = told(seen, indexed(rule, any_address=True, addresses=()))

    assert [one["address"] for one in found] == [OWNERS]


def test_why_a_delegation_is_no_match_is_told():
    """Who the account is, and that it is not watched."""
    [watching] = indexed(DELEGATION, addresses=[A]).watching(1)
    scene = Scene("ethereum", 1, authorizing(sent(word(OWNER)), sent()), 0, traced=False)

    [found] = findings(scene, prepare(DELEGATION), watching)

    assert (found.direction, found.party) == (Direction.OUT, OWNERS)
    assert [reason.obstacle for reason in found.reasons] == [Obstacle.PARTY]


def test_rules_that_are_gone_are_not_looked_for():
    """The index counts the rules of each kind, so that nobody pays for what nobody asks."""
    index = indexed(WITHDRAWAL, DELEGATION, rule_of(Kind.TRANSACTION))
    assert {Kind.WITHDRAWAL, Kind.DELEGATION, Kind.TRANSACTION} == index.asked.kinds.keys()

    index.remove("mo_1")

    assert index.asked.kinds == Index().asked.kinds == {}
