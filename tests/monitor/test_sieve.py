"""Conditions that are looked up by what they require, against asking every one."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypitor.evm.abi import parse_event
from crypitor.monitor.condition import EvaluationError, compile_condition, scope_for
from crypitor.monitor.index import Index
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import Kind, rule_of
from crypitor.monitor.sieve import CROWD, Sieve
from tests.chance import examples
from tests.monitor.test_condition import facts
from tests.monitor.test_match import MONITOR, TOKEN, A, B, C, block, erc20

EVENT = parse_event(
    "event E(address who, int256 n, string name, bool on, uint256[] list, bytes4 tag)"
)
SCOPE = scope_for("event", EVENT.arguments)
NUMBERS = [-2, -1, 0, 1, 2, 2**255 - 1]
NAMES = ["", "Öl", "öL", "ÖLE", "x" * 40]
TAGS = ["0x00000001", "0xa9059cbb"]


def arguments(texts):
    """What an event may tell: what these conditions name, and its neighbours, among others."""
    named = {int(each) for text in texts for each in re.findall(r"(?<![\w.'])-?\d+(?!\w)", text)}
    near = {number + step for number in named | {0} for step in (-1, 0, 1)}
    numbers = st.sampled_from(sorted(near))
    names = {each for text in texts for each in re.findall("'([^']*)'", text)}
    shown = {form(name) for name in names | {""} for form in (str, str.upper, str.lower)}
    return st.tuples(
        st.sampled_from([A, B, C]), numbers, st.sampled_from(sorted(shown)), st.booleans(),
        st.lists(numbers, max_size=2), st.sampled_from(TAGS),
    )  # fmt: skip


def listed(strategy):
    return st.lists(strategy, min_size=1, max_size=3).map(lambda items: f"[{', '.join(items)}]")


ADDRESSES = st.sampled_from([A, B, C])
INTEGERS = (st.sampled_from(NUMBERS) | st.integers(-(2**255), 2**255 - 1)).map(str)
TEXTS = st.sampled_from(NAMES).map("'{}'".format)
SINGLE = st.one_of(
    st.tuples(st.just("args.name =="), TEXTS),
    st.tuples(st.just("args.n"), st.sampled_from(["<", "<=", ">", ">="]), INTEGERS),
    st.tuples(INTEGERS, st.sampled_from(["<", "<=", ">", ">="]), st.just("args.n")),
).map(" ".join)
ATOMS = st.one_of(
    st.tuples(st.just("args.who"), st.sampled_from(["==", "!="]), ADDRESSES),
    st.tuples(st.just("args.who"), st.sampled_from(["in", "not in"]), listed(ADDRESSES)),
    st.tuples(ADDRESSES, st.just("=="), st.just("args.who")),
    st.tuples(st.just("args.n"), st.sampled_from(["==", "<", "<=", ">", ">="]), INTEGERS),
    st.tuples(INTEGERS, st.sampled_from(["==", "<", "<=", ">", ">="]), st.just("args.n")),
    st.tuples(st.just("args.n in"), listed(INTEGERS)),
    st.tuples(st.just("args.name"), st.sampled_from(["==", "!="]), TEXTS),
    st.tuples(st.just("args.name in"), listed(TEXTS)),
    st.tuples(st.just("args.tag =="), st.sampled_from(TAGS)),
    st.tuples(st.just("args.list[0] =="), INTEGERS),
    st.tuples(st.just("10 / args.n >"), INTEGERS),
    st.sampled_from(
        ["args.on", "not args.on", "args.on == false", "chain_id == 1", "block.number > 5",
         "transaction.to_address == null", "transaction.value >= 1 ether", "status == 'failed'",
         "contains('success', status)", f"watched({A})", "watched(args.who)", "true"]
    ).map(lambda text: (text,)),
).map(" ".join)  # fmt: skip
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.just("and"), inner).map(" ".join),
        st.tuples(inner, st.just("or"), inner).map("({0[0]} {0[1]} {0[2]})".format),
        inner.map("not ({})".format),
    ),
    max_leaves=4,
)


def outcome(condition, record):
    try:
        return condition.evaluate(record)
    except EvaluationError:
        return None


@settings(max_examples=examples(70), deadline=None)
@given(
    st.lists(SINGLE | CONDITIONS, min_size=4, max_size=25),
    st.lists(st.sampled_from(range(25)), max_size=12),
    st.data(),
)
def test_what_is_looked_up_equals_asking_every_condition(texts, edits, data):
    """
    After any edits every condition that holds is let through, each once.
    """
    sieve, present = Sieve(), {}
    for number in [*range(len(texts)), *(edit for edit in edits if edit < len(texts))]:
        if number in present:
            sieve.remove(number)
            del present[number]
        else:
            present[number] = compile_condition(texts[number], SCOPE)
            sieve.add(number, present[number].conjuncts)

    asked = arguments([condition.text for condition in present.values()])
    for args in data.draw(st.lists(asked, min_size=4, max_size=4)):
        record = facts(args=args)
        passed = list(sieve.passed(record))
        assert len(passed) == len(set(passed))
        assert set(passed) <= present.keys()
        held = {number for number, condition in present.items() if outcome(condition, record)}
        assert held == {number for number in passed if outcome(present[number], record)}


def test_what_cannot_be_read_is_asked():
    """An item outside its list keeps no condition from being asked, and so from being counted."""
    sieve = Sieve()
    for number in range(5):
        sieve.add(number, compile_condition(f"args.list[1] == {number}", SCOPE).conjuncts)

    assert {0, 1, 2, 3, 4} == set(sieve.passed(facts(args=(A, 0, "", True, [7], TAGS[0]))))
    assert [3] == list(sieve.passed(facts(args=(A, 0, "", True, [7, 3], TAGS[0]))))


@pytest.mark.parametrize(
    "text",
    [
        "args.n == {}", "args.n in [{}, {} + 5000]", "args.n > {} + 10", "20 - {} > args.n + 0 and args.n > {}",
        "args.n < -{} - 1", "args.who == 0x{:040x}", "args.name == 'n{}'", "args.on and args.n == {}",
        "chain_id == 1 and args.n >= {} + 10", "args.n > -1 and args.who == 0x{:040x}",
        "args.on == true and watched(args.who) and args.n == {}", "args.n >= 0 and args.n < -{}",
    ],
)  # fmt: skip
def test_of_a_thousand_conditions_few_are_asked(text):
    """A condition is kept by what tells it from others, though all require something else too."""
    sieve = Sieve()
    for number in range(1000):
        condition = compile_condition(text.format(number, number), SCOPE)
        sieve.add(number, condition.conjuncts)

    passed = list(sieve.passed(facts(args=(A, 5, "N7", True, [], TAGS[0]))))
    assert len(passed) <= 2 * CROWD


TRANSFER = "event Transfer(address indexed from, address indexed to, uint256 value)"
MONITORS = [f"mo_{number}" for number in range(12)]
WHERE = st.one_of(
    st.sampled_from([A, B, C]).map("args.to == {}".format),
    st.just("args.value in [1, 3]"),
    st.integers(0, 4).map("args.value > {}".format),
    st.tuples(st.integers(0, 4), st.sampled_from([A, B])).map(
        lambda pair: f"args.value <= {pair[0]} and args.to != {pair[1]}"
    ),
    st.sampled_from(["watched(args.to)", "watched(args.to) and args.value == 2", "args.value / 2 == 1"]),
    st.none(),
)  # fmt: skip
RULES = st.lists(
    st.builds(
        lambda where, contracts: rule_of(Kind.EVENT, signature=TRANSFER, where=where, contracts=contracts),
        WHERE, st.sampled_from([None, frozenset({TOKEN}), frozenset({B})]),
    ),
    max_size=3,
)  # fmt: skip
ASKED = st.tuples(
    RULES, st.sampled_from([("ethereum",), ("base",), ("ethereum", "base")]), st.sets(st.sampled_from([A, B]))
)  # fmt: skip


def put(index, monitor, rules, networks, addresses):
    changed = replace(MONITOR, id=monitor, rules=tuple(rules), networks=networks)
    with index.replacing(changed) as take:
        take((address, None) for address in addresses)


@settings(max_examples=examples(70), deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(MONITORS), st.none() | ASKED), max_size=40),
    st.lists(st.tuples(st.sampled_from([A, B]), st.sampled_from([A, B, C]), st.integers(0, 5)), max_size=4),
)  # fmt: skip
def test_many_monitors_match_as_each_would_alone(edits, transfers):
    """
    After any edits, matches of events are those that an index of each monitor alone finds.
    """
    index, model = Index(), {}
    for monitor, asked in edits:
        if asked is None:
            index.remove(monitor)
            model.pop(monitor, None)
        else:
            put(index, monitor, *asked)
            model[monitor] = asked
    seen = block(logs=[erc20(*each, index=hex(n)) for n, each in enumerate(transfers)])

    expected = []
    for monitor, asked in model.items():
        alone = Index()
        put(alone, monitor, *asked)
        expected += [match.id for match in find_matches(seen, "ethereum", 1, alone)]
    assert sorted(expected) == sorted(
        match.id for match in find_matches(seen, "ethereum", 1, index)
    )


@pytest.mark.parametrize("sign", ["==", "<", "<=", ">", ">="])
def test_orders_are_exact_at_their_constants(sign):
    """Whichever side the constant is on, those are let through for which Python says so."""
    for bound in (-1, 0, 1):
        for value in (-2, -1, 0, 1, 2):
            for text in (f"args.n {sign} {bound}", f"{bound} {sign} args.n"):
                sieve = Sieve()
                sieve.add(text, compile_condition(text, SCOPE).conjuncts)
                expected = [text] if eval(text.replace("args.n", str(value))) else []
                assert expected == list(sieve.passed(facts(args=(A, value, "", True, [], TAGS[0]))))
