"""Monitors that watch every party: asked together, against asking each for each party."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypitor.monitor import subjects
from crypitor.monitor.condition import EvaluationError
from crypitor.monitor.facts import facts_of
from crypitor.monitor.index import Index
from crypitor.monitor.match import Tally, concerns, find_matches
from crypitor.monitor.models import Direction, Kind, Rule, match_id
from crypitor.monitor.prepared import prepare
from crypitor.monitor.sieve import CROWD
from tests.monitor.test_match import MONITOR, TOKEN, A, B, C, block, erc20

AMOUNTS = [0, 1, 2, 3, 2**256 - 1]
WHERE = st.one_of(
    st.none(),
    st.tuples(st.sampled_from(["<", "<=", "==", ">=", ">"]), st.sampled_from(AMOUNTS)).map(
        lambda pair: f"amount {pair[0]} {pair[1]}"
    ),
    st.tuples(
        st.sampled_from(["address", "from_address", "to_address"]),
        st.sampled_from(["==", "!="]),
        st.sampled_from([A, B, C]),
    ).map(" ".join),
    st.sampled_from(
        ["direction == 'in'", "direction == 'out' and amount > 1", "label == 'mine'", "label == null",
         "watched(address)", "10 / amount > 4", "status == 'failed'", "amount > 1 and 10 / amount > 4",
         f"direction == 'in' and to_address == {A}", f"address == {A} or amount == 2"]
    ),
)  # fmt: skip
RULES = st.lists(
    st.builds(
        Rule,
        st.sampled_from([Kind.ERC20, Kind.NATIVE]),
        direction=st.sampled_from([*Direction]),
        where=WHERE,
        include_failed=st.booleans(),
    )
    | st.builds(
        Rule, st.just(Kind.ERC20), where=WHERE, contracts=st.sampled_from([frozenset({TOKEN}), frozenset({B, TOKEN}), frozenset({B})]),
    ),
    min_size=1, max_size=3,
)  # fmt: skip
ASKED = st.tuples(
    RULES,
    st.booleans(),
    st.dictionaries(st.sampled_from([A, B, C]), st.none() | st.just("Mine"), max_size=2),
    st.sampled_from([("ethereum",), ("base",), ("base", "ethereum")]),
)
MONITORS = [f"mo_{number}" for number in range(12)]


def put(index, monitor, asked):
    rules, any_address, addresses, networks = asked
    index.put(
        replace(MONITOR, id=monitor, rules=tuple(rules), any_address=any_address, networks=networks)
    )
    index.add_addresses(monitor, addresses.items())


def told(seen, index, watching):
    """The ids of a monitor's matches: each rule asked about each party of each transfer."""
    if "ethereum" not in watching.monitor.networks:
        return set()
    [transaction], [receipt] = seen.transactions, seen.receipts
    moved = [subjects.native(transaction, receipt)]
    moved += [each for log in receipt.logs for each in subjects.token_transfers(log)]
    found = set()
    for subject in filter(None, moved):
        for direction, party in ((Direction.OUT, subject.sender), (Direction.IN, subject.receiver)):
            if party is None or not watching.watches(party):
                continue
            facts = facts_of(
                "ethereum", 1, seen.header, transaction, receipt, subject, watching, direction, party
            )  # fmt: skip
            for rule in watching.monitor.rules:
                asks = rule.kind is subject.kind and direction in prepare(rule).directions
                if asks and concerns(rule, subject, receipt) and holds(prepare(rule), facts):
                    found.add(
                        match_id(
                            watching.monitor.id, direction, party, seen.header, transaction, subject
                        )
                    )  # fmt: skip
    return found


def holds(prepared, facts):
    try:
        return prepared.condition is None or prepared.condition.evaluate(facts)
    except EvaluationError:
        return False


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(MONITORS), st.none() | ASKED), max_size=30),
    st.lists(
        st.tuples(st.sampled_from([A, B]), st.sampled_from([A, B, C]), st.sampled_from(AMOUNTS)),
        max_size=3,
    ),
    st.sampled_from(["0x0", "0x2", "0x3"]),
    st.booleans(),
)
def test_many_match_as_each_rule_asked_of_each_party(edits, transfers, value, succeeds):
    """
    After any edits, the matches are those of every rule asked about every party by itself.
    """
    index, present = Index(), {}
    for monitor, asked in edits:
        index.remove(monitor)
        present.pop(monitor, None)
        if asked is not None:
            put(index, monitor, asked)
            present[monitor] = asked
    logs = [erc20(*each, index=hex(n)) for n, each in enumerate(transfers)] if succeeds else []
    seen = block(value=value, status="0x1" if succeeds else "0x0", logs=logs)

    every = index.watching(tuple(range(index._next_number)))
    expected = [each for watching in every for each in told(seen, index, watching)]
    assert sorted(expected) == sorted(m.id for m in find_matches(seen, "ethereum", 1, index))
    for monitor in present:
        index.remove(monitor)
    assert index.asked.transfers.found == {}


@pytest.mark.parametrize(
    "where",
    ["amount > {}", "amount == {}", "address == 0x{:040x}", "from_address == 0x{:040x} and amount > 0",
     "direction == 'in' and amount > {}", "amount > 0 and to_address == 0x{:040x}"],
)  # fmt: skip
def test_of_many_conditions_few_are_asked(where):
    """
    What is evaluated for a transfer does not grow with the monitors that watch every party.
    """
    index, tally = Index(), Tally()
    for number in range(150):
        rule = Rule(Kind.ERC20, where=where.format(number + 5) + " and 1 / (amount - 5) > 0")
        index.put(replace(MONITOR, id=f"mo_{number}", rules=(rule,), any_address=True))

    # each condition that is asked has no answer, and is counted
    assert find_matches(block(logs=[erc20(A, B, 5)]), "ethereum", 1, index, tally) == []
    assert tally.condition_errors <= 2 * CROWD


def test_a_condition_that_asks_no_party_is_asked_once_for_both():
    """
    A transfer's two parties share one answer, where it cannot be another one.
    """
    index, tally = Index(), Tally()
    for number in range(3):
        rule = Rule(Kind.ERC20, where="1 / amount > 5")
        index.put(replace(MONITOR, id=f"mo_{number}", rules=(rule,), any_address=True))

    assert find_matches(block(logs=[erc20(A, B, 0)]), "ethereum", 1, index, tally) == []
    assert tally.condition_errors == 1


@pytest.mark.parametrize("kind", [Kind.ERC20, Kind.NATIVE])
@pytest.mark.parametrize(("amount", "asked"), [(4, 0), (5, 2), (6, 2)])
def test_what_moves_less_than_anybody_asks_for_is_not_asked_about(kind, amount, asked):
    """The least amount of several conditions counts, and comes back when its rule goes."""
    index, tally = Index(), Tally()
    for number, least in enumerate((5, 90)):
        rule = Rule(kind, where=f"1 / (amount - amount) > 0 and amount >= {least}")
        index.put(replace(MONITOR, id=f"mo_{number}", rules=(rule,), any_address=True))
    seen = block(value=hex(amount), logs=[erc20(A, B, amount)])

    assert find_matches(seen, "ethereum", 1, index, tally) == []
    assert tally.condition_errors == asked  # each that is asked has no answer
    index.remove("mo_0")
    assert find_matches(seen, "ethereum", 1, index, tally) == []
    assert tally.condition_errors == asked
