"""`where` against Python on integers, and against everything that people and chains may send."""

import tracemalloc
from types import SimpleNamespace

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from crypitor.evm.abi import parse_event
from crypitor.monitor.condition import (
    Condition,
    ConditionError,
    EvaluationError,
    Facts,
    compile_condition,
    explain,
    scope_for,
)
from tests.chance import examples
from tests.effort import rounds
from tests.monitor.test_condition import ALICE, ARGS, BOB, EVENT, EVENT_SCOPE, facts

# Python as the other implementation: the same text, but for the sign of the division.

NUMBERS = parse_event("E(uint256 a, uint256 b, int256 c, int8 d, uint8 e)")
NUMBERS_SCOPE = scope_for("event", NUMBERS.arguments)
INTEGERS = st.one_of(
    st.sampled_from(["args.a", "args.b", "args.c", "args.d", "args.e"]),
    st.integers(0, 9).map(str),
    st.integers(0, 2**300).map(str),
    st.integers(0, 2**200).filter(lambda n: not 16**39 <= n < 16**40).map(hex),
)


def more_integers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Operations without brackets, so that precedence is tried, and with them."""
    return st.one_of(
        st.tuples(inner, st.sampled_from("+-*/%"), inner).map(" ".join),
        st.tuples(inner, st.just("**"), st.integers(0, 4).map(str)).map(" ".join),
        inner.map("({})".format),
        inner.map("-{}".format),
        inner.map("abs({})".format),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(
            "{0[0]}({0[1]}, {0[2]})".format
        ),
    )


INTEGER_TEXTS = st.recursive(INTEGERS, more_integers, max_leaves=8)
COMPARISONS = st.one_of(
    st.tuples(INTEGER_TEXTS, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), INTEGER_TEXTS).map(" ".join),
    st.tuples(INTEGER_TEXTS, st.sampled_from(["in", "not in"]), st.lists(INTEGER_TEXTS, min_size=1, max_size=4)).map(
        lambda t: f"{t[0]} {t[1]} [{', '.join(t[2])}]"
    ),
)  # fmt: skip
TRUTHS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
        inner.map("not {}".format),
        inner.map("({})".format),
    ),
    max_leaves=5,
)
WORDS = st.tuples(
    st.integers(0, 2**256 - 1),
    st.sampled_from([0, 1, 2, 2**255, 2**256 - 1]),
    st.integers(-(2**255), 2**255 - 1),
    st.integers(-128, 127),
    st.integers(0, 255),
)


def python_outcome(text: str, words: tuple[int, ...]) -> bool | None:
    """What Python makes of it; None for a division by zero."""
    names = {"args": SimpleNamespace(**dict(zip("abcde", words, strict=True)))}
    try:
        return eval(text.replace("/", "//"), names)
    except ZeroDivisionError:
        return None


def our_outcome(condition: Condition, record: Facts) -> bool | None:
    """What a condition comes to; None when it has no answer."""
    try:
        return condition.evaluate(record)
    except EvaluationError:
        return None


@settings(max_examples=examples(130), deadline=None)
@given(TRUTHS, WORDS)
def test_integers_come_out_as_in_python(text: str, words: tuple[int, ...]) -> None:
    """Every operator, its precedence, its sign, and every bit of 256."""
    try:
        condition = compile_condition(text, NUMBERS_SCOPE)
    except ConditionError as refused:
        event(f"refused: {str(refused)[:30]}")
        assume(False)

    assert our_outcome(condition, facts(args=words)) is python_outcome(text, words)


@settings(max_examples=examples(130), deadline=None)
@given(
    st.integers(-(2**260), 2**260), st.integers(0, 40), st.sampled_from(["wei", "gwei", "ether"])
)
def test_a_written_number_is_exact_or_refused(number: int, power: int, unit: str) -> None:
    """A decimal fraction of a unit is its worth in the smallest unit, if that is whole."""
    worth = abs(number) * {"wei": 1, "gwei": 10**9, "ether": 10**18}[unit]
    digits = str(abs(number)).zfill(power + 1)
    text = f"{digits[: len(digits) - power]}.{digits[len(digits) - power :] or '0'} {unit}"
    whole = worth % 10**power == 0

    try:
        condition = compile_condition(f"{text} == {worth // 10**power}", NUMBERS_SCOPE)
    except ConditionError as refused:
        assert (whole, "not a whole number" in str(refused)) == (False, True)  # noqa: PT017
    else:
        assert (whole, condition.evaluate(facts())) == (True, True)


# Hostile data: the largest values, texts that grow when they are folded, lists as long as blocks allow.

LONG = (
    ALICE, 2**256 - 1, -(2**63), "İ" * 2000, "0x" + "ab" * 999, "0xffffffff", False, [2**256 - 1 - i for i in range(2000)],
    ["İ" * 4] * 500, [ALICE] * 2000, [(BOB, 3)], (2**256 - 1, 0), "0x" + "ff" * 32, 2**256 - 1, ["0x" + "ab" * 999] * 2000,
)  # fmt: skip
HUGE = (
    ALICE, 0, 0, "İ" * 10**6, "0x" + "ab" * 10**6, "0x00000000", False, [2**256 - 1] * 10**5,
    ["İ" * 1000] * 1000, [ALICE] * 10**5, [], (0, 0), "0x" + "00" * 32, 0, ["0x" + "ab" * 10**6] * 1000,
)  # fmt: skip
RECORDS = [facts(), facts(args=LONG), facts(args=HUGE)]


MOST_ROUNDS = 60_000
"""Of a plain loop, which takes some two milliseconds for them; what is accepted needs a third."""


def worst_rounds(condition: Condition, record: Facts) -> float:
    """What an evaluation costs, in rounds of a plain loop."""
    return rounds(lambda: our_outcome(condition, record), enough=MOST_ROUNDS)


def evaluated(text: str) -> Condition | None:
    """A condition that was tried on hostile data; None when it was refused, with a place in it."""
    try:
        condition = compile_condition(text, EVENT_SCOPE)
    except ConditionError as refused:
        assert 0 <= refused.position <= len(text)  # noqa: PT017
        assert str(refused)  # noqa: PT017
        return None
    for record in RECORDS:
        explained = explain(condition, record)
        assert our_outcome(condition, record) is explained.outcome
        assert (explained.error is None) == (explained.outcome is not None)
        assert worst_rounds(condition, record) <= MOST_ROUNDS
    return condition


TOKENS = st.sampled_from(
    """and or not in == != < <= > >= + - * / % ** ( ) [ ] , . && || ! true false null 0 1 2 256 1e18 1.5 ether gwei 0xff 0x
    args args.amount args.delta args.name args.payload args.tag args.open args.prices args.words args.path args.legs args.range args.topic
    args.blobs args[3] contract status block.number transaction.value transaction.to_address network 'x' 'İ' "failed" 0xa9059cbb ALICE
    watched( min( max( abs( len( lower( contains( starts_with( ends_with( __class__ .__class__ __import__('os') f lambda if # \\ ' \0""".replace("ALICE", ALICE).split()
)  # fmt: skip


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(TOKENS, max_size=30).map(" ".join))
def test_any_row_of_words_is_refused_or_harmless(text: str) -> None:
    """A row of words is refused in one way, or evaluates quickly and raises nothing."""
    event("accepted" if evaluated(text) else "refused")


@settings(max_examples=examples(150), deadline=None)
@given(st.text(max_size=200) | st.text("()[]!-'\"0x.,1a ", max_size=2100))
def test_any_text_is_refused_or_harmless(text: str) -> None:
    """So does any text."""
    event("accepted" if evaluated(text) else "refused")


# Conditions that are right in their types, so that the fuzz reaches what evaluates.

INT = st.sampled_from(["args.amount", "args.delta", "args.range.low", "args.prices[0]", "args.prices[-1]", "args.prices[args.amount]", "args.legs[0].in", "args[13]", "block.number", "transaction.value", "len(args.name)", "len(args.prices)", "len(args.payload)", "0", "3", "1 ether", "0xff", "2**256"])  # fmt: skip
TEXT = st.sampled_from(["args.name", "args.words[0]", "args.words[99999]", "network", "status", "lower(args.name)", "'x'", "'İ'", "'ALPHA'"])  # fmt: skip
BYTES = st.sampled_from(["args.payload", "args.blobs[0]", "args.blobs[-1]"])
PARTY = st.sampled_from(["args.maker", "contract", "transaction.to_address", "transaction.from_address", "args.path[1]", "args.legs[0].who", ALICE, f"'{BOB}'"])  # fmt: skip
WHOLE = st.recursive(
    INT,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/%"), inner).map("({0[0]} {0[1]} {0[2]})".format),
        st.tuples(inner, st.integers(0, 16)).map("({0[0]} ** {0[1]})".format),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map("{0[0]}({0[1]}, {0[2]})".format),
        inner.map("abs(-{})".format),
    ),
    max_leaves=12,
)  # fmt: skip
ATOMS = st.one_of(
    st.tuples(WHOLE, st.sampled_from(["==", "!=", "<", ">="]), WHOLE).map(" ".join),
    st.tuples(TEXT, st.sampled_from(["==", "!="]), TEXT).map(" ".join),
    st.tuples(PARTY, st.sampled_from(["==", "!="]), PARTY).map(" ".join),
    st.tuples(BYTES, st.sampled_from(["==", "!="]), BYTES).map(" ".join),
    st.tuples(WHOLE, st.just("in args.prices")).map(" ".join),
    st.tuples(TEXT, st.just("not in args.words")).map(" ".join),
    st.tuples(PARTY, st.just("in args.path")).map(" ".join),
    st.tuples(BYTES, st.just("in args.blobs")).map(" ".join),
    st.tuples(TEXT, st.lists(TEXT, min_size=1, max_size=6)).map(lambda t: f"{t[0]} in [{', '.join(t[1])}]"),
    st.tuples(PARTY, st.lists(PARTY, min_size=1, max_size=6)).map(lambda t: f"{t[0]} in [{', '.join(t[1])}]"),
    PARTY.map("watched({})".format),
    st.tuples(st.sampled_from(["contains", "starts_with", "ends_with"]), TEXT, TEXT).map("{0[0]}({0[1]}, {0[2]})".format),
    st.tuples(st.sampled_from(["starts_with", "ends_with"]), BYTES, BYTES).map("{0[0]}({0[1]}, {0[2]})".format),
    st.just("args.open"),
)  # fmt: skip
CONDITIONS = st.lists(
    st.tuples(st.sampled_from(["and", "or", "and not", "or not"]), ATOMS), min_size=1, max_size=25
).map(lambda parts: "true " + " ".join(f"{sign} {atom}" for sign, atom in parts))


@settings(max_examples=examples(130), deadline=None)
@given(CONDITIONS)
def test_a_well_typed_condition_is_harmless(text: str) -> None:
    """What is accepted is quick and raises one error only, whatever the chain holds."""
    event("accepted" if evaluated(text) else "refused")


def with_another_word(text: str, place: int, words: list[str]) -> str:
    """A condition of which one word became any others, or none."""
    row = text.split(" ")
    at = place % len(row)
    return " ".join([*row[:at], *words, *row[at + 1 :]])


@settings(max_examples=examples(130), deadline=None)
@given(CONDITIONS, st.integers(0, 1000), st.lists(TOKENS, max_size=2))
def test_a_condition_with_a_slip_is_refused_or_harmless(
    text: str, place: int, words: list[str]
) -> None:
    """A word too few, too many or in place of another ends in one of the same two ways."""
    event("accepted" if evaluated(with_another_word(text, place, words)) else "refused")


COSTLY = [
    "contains(args.name,'x')", "args.name==args.words[0]", "args.name=='" + "x" * 200 + "'", "1 in args.prices", "'i' in args.words", "args.name in args.words", "args.payload in args.blobs",
    "args.payload==args.payload", f"{BOB} in args.path", "args[13]**16==0", "args[13]**4/args.amount==0", "args[13]**8/args.amount**4==0", "args[13]**16%args.amount**8==0", "args.amount**8*args.amount**8==0",
    "args.delta**63/args.delta**31==0", "transaction.value==1", "watched(transaction.to_address)", "ends_with(args.name,'x')", "lower(args.name)=='x'", "starts_with(args.payload,args.payload)", "args.name in [network,args.words[0]]",
]  # fmt: skip


@pytest.mark.parametrize("part", COSTLY)
def test_as_many_costly_parts_as_are_accepted_take_no_longer_than_is_allowed(part: str) -> None:
    """The bound of time and of memory holds for the longest condition of each operation."""
    accepted = []
    for count in range(1, 200):
        try:
            accepted.append(compile_condition(" or ".join([part] * count), EVENT_SCOPE))
        except ConditionError:
            break
    longest = accepted[-1]
    for record in RECORDS:
        our_outcome(longest, record)
        tracemalloc.start()
        our_outcome(longest, record)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

        assert worst_rounds(longest, record) <= MOST_ROUNDS
        assert peak < 2**20


def test_the_hostile_records_are_of_the_event() -> None:
    """They have a value for each argument, so that no test passes for want of one."""
    assert {len(record.args) for record in RECORDS} == {len(EVENT.arguments)} == {len(ARGS)}
