"""Packed addresses are found, changed and removed as in a dictionary."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypitor.monitor.marks import keys_of
from crypitor.monitor.packed import Packed
from tests.chance import examples

ADDRESSES = [f"0x{number:040x}" for number in range(40)]
SOME = st.lists(st.sampled_from(ADDRESSES), max_size=12)
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), SOME, st.integers(1, 9)),
        st.tuples(st.just("remove"), SOME, st.just(0)),
        st.tuples(st.sampled_from(["step", "settle"]), st.just([]), st.just(0)),
        st.tuples(st.just("renumber"), st.just([]), st.integers(1, 9)),
    ),
    max_size=40,
)


@settings(max_examples=examples(150), deadline=None)
@given(EDITS)
def test_it_equals_a_dictionary(edits):
    """
    After any edits, with larger marks under way or done, few addresses or many.
    """
    packed, model = Packed(4), {}
    for edit, addresses, number in edits:
        if edit == "put":
            model |= put(packed, addresses, number, model)
        elif edit == "remove":
            for address in addresses:
                if model.pop(address, None) is not None:
                    packed.put(address, None)
        elif edit == "step":
            packed.settle()
        elif edit == "settle":
            while packed.settle():
                pass
        else:
            for _ in packed.renumber(
                lambda present, gone=number: None if present == gone else max(present, 5)
            ):
                pass
            model = {each: max(n, 5) for each, n in model.items() if n != number}

    assert among(packed, {*ADDRESSES}) == model
    assert {each: n for each in ADDRESSES if (n := packed.get(each))} == model
    assert {*model.values()} <= {n for some in packed.numbers() for n in some}
    assert len(packed) == len(model)


def among(packed, addresses):
    """Return what it says of many at once, which it takes without their 0x."""
    found = packed.among({each[2:] for each in addresses})
    return {f"0x{digits}": number for digits, number in found.items()}


def put(packed, addresses, number, model):
    """Put addresses that have no number yet or a lower one; return what changed."""
    changed = {each: number for each in addresses if model.get(each, 0) < number}
    told = packed.put_all(addresses, number, lambda present: number if present < number else None)
    assert told == len(changed)
    return changed


@pytest.fixture
def many():
    """50,000 addresses by fifty numbers, in many leaves."""
    chance, packed, model = random.Random(4), Packed(1000), {}
    for number in range(1, 51):
        some = ["0x" + chance.randbytes(20).hex() for _ in range(1000)]
        packed.put_all(some, number, lambda _: None)
        model |= dict.fromkeys(some, number)
    return packed, model


def test_no_address_is_confused_with_another(many):
    """
    Each of many leads to its own number, and none that is not there to any, before and after its
    marks fit.
    """
    packed, model = many
    others = {each[:-1] + ("0" if each[-1] != "0" else "1") for each in model} - model.keys()

    assert among(packed, {*model, *others}) == model
    while packed.settle():
        pass
    assert among(packed, {*model, *others}) == model
    assert len(packed) == len(model)


def test_what_is_removed_takes_no_more_room(many):
    """
    Leaves with little in them are joined, and the others are found as before.
    """
    packed, model = many
    leaves = sum(1 for _ in packed._leaves.parts(1))
    for address in [*model][1000:]:
        packed.put(address, None)
        del model[address]

    assert sum(1 for _ in packed._leaves.parts(1)) < leaves / 10
    assert among(packed, {*model}) == model
    assert len(packed) == len(model)


def test_few_that_are_not_there_pass_the_marks(many):
    """
    What is looked for in the leaves is some hundredth of what is asked, whatever was removed before.
    """
    packed, model = many
    for address in [*model][1000:]:
        packed.put(address, None)
    while packed.settle():
        pass
    others = [f"0x{number:040x}" for number in range(10**40, 10**40 + 10_000)]

    assert len(packed._marks.passing(keys_of(others))) < 100
    assert packed._marks.passing(keys_of([*model][:1000])) == [*range(1000)]


@pytest.mark.parametrize("count", [1, 2, 1000])
def test_neighbours_are_told_apart(count):
    """
    Addresses one after the other, of which each second one is there, in any order and part.
    """
    chance, packed = random.Random(count), Packed(0)
    there = {f"0x{2 * number:040x}": 1 + number % 7 for number in range(count)}
    order = [*there]
    chance.shuffle(order)
    for address in order:
        packed.put_all([address], there[address], lambda _: None)
    around = {f"0x{number:040x}" for number in range(2 * count + 2)}

    assert among(packed, around) == there
    assert {each: n for each in around if (n := packed.get(each))} == there


def test_a_key_across_two_others_is_none_of_them():
    """
    What stands in the memory of two neighbours is found only where it is a key itself.
    """
    packed = Packed(0)
    first, second = "0x" + "11" * 10 + "22" * 10, "0x" + "33" * 10 + "44" * 10
    across = "0x" + "22" * 10 + "33" * 10
    packed.put_all([first, second], 1, lambda _: None)
    assert packed.get(across) is None

    packed.put_all([across], 2, lambda _: None)
    assert among(packed, {first, second, across}) == {first: 1, second: 1, across: 2}


def test_other_texts_are_never_found(many):
    """
    Whatever a block may hold in place of an address: short, odd, no hexadecimal, or upper-case.
    """
    packed, model = many
    known = next(each for each in model if each.upper() != each)
    texts = {"", "0x", "0xZ", known[:-1], known + "00", "0x" + known[2:].upper(), "é" * 42}

    assert among(packed, texts) == {}
    assert among(packed, texts | {known}) == {known: model[known]}
    assert among(packed, {known + "0x" + "00" * 20, "", known}) == {known: model[known]}
    assert {packed.get(text) for text in texts} == {None}
