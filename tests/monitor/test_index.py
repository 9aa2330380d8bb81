import weakref
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypitor.monitor.index import Index
from crypitor.monitor.models import Kind, Rule, rule_of
from crypitor.monitor.prepared import prepare
from tests.chance import examples
from tests.monitor.test_match import MONITOR

TOKEN = "0x" + "d" * 40
ADDRESSES = [f"0x{number:040x}" for number in range(6)]
MONITORS = ["mo_1", "mo_2", "mo_3"]

EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from(MONITORS), st.just(())),
        st.tuples(st.just("remove"), st.sampled_from(MONITORS), st.just(())),
        st.tuples(
            st.sampled_from(["add", "drop"]),
            st.sampled_from(MONITORS),
            st.lists(st.sampled_from(ADDRESSES), max_size=4),
        ),
    ),
    max_size=40,
)


def who_watches(index, address):
    return sorted(w.monitor.id for w in index.watching(index.look_up(address)))


@settings(max_examples=examples(120), deadline=None)
@given(EDITS)
def test_index_equals_a_plain_model(edits):
    """
    After any edits the index knows the same watchers as sets of addresses per monitor do.
    """
    index, model = Index(), {}
    for edit, monitor, addresses in edits:
        if edit == "put":
            index.put(replace(MONITOR, id=monitor))
            model.setdefault(monitor, set())
        elif edit == "remove":
            index.remove(monitor)
            model.pop(monitor, None)
        elif monitor in model and edit == "add":
            index.add_addresses(monitor, [(address, None) for address in addresses])
            model[monitor] |= set(addresses)
        elif monitor in model:
            index.remove_addresses(monitor, addresses)
            model[monitor] -= set(addresses)

    for address in ADDRESSES:
        assert sorted(m for m in model if address in model[m]) == who_watches(index, address)
    assert sum(map(len, model.values())) == index.addresses
    assert len(model) == len(index)


def test_many_removed_monitors_are_swept_out():
    """
    The addresses of removed monitors leave the memory once they are many, those of others stay.
    """
    index = Index()
    for monitor in MONITORS[:2]:
        index.put(replace(MONITOR, id=monitor))
    index.add_addresses("mo_1", ((f"0x{number:040x}", None) for number in range(20_000)))
    index.add_addresses("mo_2", [(ADDRESSES[0], None), ("0x" + "e" * 40, None)])
    index.remove("mo_1")
    for _ in index.sweep():
        index.add_addresses("mo_2", [(f"0x{20_001:040x}", None)])

    assert index.look_up(f"0x{19_999:040x}") is None
    assert who_watches(index, f"0x{20_001:040x}") == ["mo_2"]
    assert who_watches(index, ADDRESSES[0]) == ["mo_2"]
    assert who_watches(index, "0x" + "e" * 40) == ["mo_2"]


def test_a_replacement_is_seen_at_once_and_whole():
    """
    Until a monitor's new addresses are all there the old ones are watched, and then only the new.
    """
    index = Index()
    index.put(MONITOR)
    index.add_addresses("mo_1", [(ADDRESSES[0], "old"), (ADDRESSES[1], None)])
    seen = []
    with index.replacing(replace(MONITOR, name="Renamed")) as add:
        for address in ADDRESSES[1:3]:
            add([(address, "new")])
            seen.append([who_watches(index, address) for address in ADDRESSES[:3]])

    assert seen == [[["mo_1"], ["mo_1"], []]] * 2
    assert [who_watches(index, address) for address in ADDRESSES[:3]] == [[], ["mo_1"], ["mo_1"]]
    (watching,) = index.watching(index.look_up(ADDRESSES[1]))
    assert (watching.monitor.name, watching.labels.get(ADDRESSES[1])) == ("Renamed", "new")
    assert index.addresses == 2


def test_a_replacement_that_fails_never_was():
    """
    When the new addresses cannot be read to their end, the monitor stays as it was.
    """
    index = Index()
    index.put(MONITOR)
    index.add_addresses("mo_1", [(ADDRESSES[0], None)])

    def chunks():
        yield [(ADDRESSES[1], None)]
        raise OSError("gone")

    def replace_all():
        with index.replacing(MONITOR) as add:
            for chunk in chunks():
                add(chunk)

    with pytest.raises(OSError, match="gone"):
        replace_all()

    assert [who_watches(index, address) for address in ADDRESSES[:2]] == [["mo_1"], []]


@settings(max_examples=examples(40), deadline=None)
@given(EDITS)
def test_many_are_found_as_each_alone_is(edits):
    """
    The pass over all parties of a block finds each address that somebody watches.
    """
    index = Index()
    for edit, monitor, addresses in edits:
        if edit == "put":
            index.put(replace(MONITOR, id=monitor))
        elif edit == "remove":
            index.remove(monitor)
        elif monitor in index and edit == "add":
            index.add_addresses(monitor, [(address, None) for address in addresses])
        elif monitor in index:
            index.remove_addresses(monitor, addresses)

    expected = {each: index.look_up(each) for each in ADDRESSES if index.look_up(each) is not None}
    found = index.watched_among({each[2:] for each in ADDRESSES})
    assert expected == {f"0x{digits}": numbers for digits, numbers in found.items()}
    assert index.watches_addresses or not expected


def test_labels_follow_their_address():
    """
    A label is replaced when it is given again, and goes with its address.
    """
    index = Index()
    index.put(MONITOR)
    index.add_addresses("mo_1", [(ADDRESSES[0], "hot"), (ADDRESSES[1], "cold")])
    index.add_addresses("mo_1", [(ADDRESSES[0], "warm")])
    index.remove_addresses("mo_1", [ADDRESSES[1]])
    index.add_addresses("mo_1", [(ADDRESSES[1], None)])

    (watching,) = index.watching(index.look_up(ADDRESSES[0]))
    assert watching.labels.few == {ADDRESSES[0]: "warm"}


class Label(str):
    """A label of which can be known whether it is still there."""

    __slots__ = ("__weakref__",)


def test_many_labels_of_a_removed_monitor_are_freed_in_steps():
    """
    No step of the sweep frees more than a tenth of them, and in the end all are gone.
    """
    index, alive = Index(), weakref.WeakSet()

    def labelled():
        for number in range(12_000):
            label = Label(number)
            alive.add(label)
            yield f"0x{number:040x}", label

    index.put(MONITOR)
    index.add_addresses("mo_1", labelled())
    index.remove("mo_1")
    left = [len(alive), *(len(alive) for _ in index.sweep())]

    assert left[0] == 12_000
    assert max(before - after for before, after in pairwise(left)) < 1_200
    assert left[-1] == 0


def test_contracts_follow_the_rules():
    """
    A monitor of any address is found by the contracts of its present rules alone.
    """
    index, other = Index(), "0x" + "c" * 40
    index.put(
        replace(MONITOR, any_address=True, rules=(Rule(Kind.ERC20, contracts=frozenset({TOKEN})),))
    )
    index.put(
        replace(MONITOR, any_address=True, rules=(Rule(Kind.ERC20, contracts=frozenset({other})),))
    )

    assert who_asks(index, Kind.ERC20, TOKEN) == []
    assert who_asks(index, Kind.ERC20, other) == ["mo_1"]

    index.remove("mo_1")

    assert who_asks(index, Kind.ERC20, other) == []


CONTRACTS = ["0x" + digit * 40 for digit in "cde"]
SIGNATURES = {
    Kind.EVENT: ["Paused(address by)", "Said(string what)", "Note(uint256 what) anonymous"],
    Kind.CALL: ["pause()", "say(string what)"],
}
SOME = st.none() | st.frozensets(st.sampled_from(CONTRACTS), min_size=1)
RULES = st.lists(
    st.one_of(
        *(
            st.builds(partial(rule_of, kind), signature=st.sampled_from(texts), contracts=SOME)
            for kind, texts in SIGNATURES.items()
        ),
        st.builds(
            partial(rule_of, where="chain_id == 1"),
            st.sampled_from([Kind.ERC20, Kind.ERC721]),
            contracts=SOME,
        ),
        st.builds(rule_of, st.just(Kind.NATIVE), where=st.just("amount > 5")),
    ),
    max_size=4,
)


@settings(max_examples=examples(120), deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(MONITORS), st.none() | st.tuples(RULES, st.booleans())),
        max_size=12,
    )
)
def test_what_rules_name_equals_a_plain_model(edits):
    """
    After any edits the index finds by signature, contract and kind what the present rules say.
    """
    index, model = Index(), {}
    for monitor, present in edits:
        if present is None:
            index.remove(monitor)
            model.pop(monitor, None)
        else:
            rules, any_address = present
            index.put(replace(MONITOR, id=monitor, rules=tuple(rules), any_address=any_address))
            model[monitor] = present

    for kind, texts in SIGNATURES.items():
        rules = index.asked.events if kind is Kind.EVENT else index.asked.calls
        for text in texts:
            asked = rule_of(kind, signature=text)
            for contract in [*CONTRACTS, None]:
                expected = {
                    monitor
                    for monitor, (present, _) in model.items()
                    for rule in present
                    if rule.abi == asked.abi and contract in (rule.contracts or {None})
                }
                found = rules.found.get(prepare(asked).key, {}).get(contract, {})
                same = [each for each in found.values() if each.prepared.rule.abi == asked.abi]
                alike = [one for each in same for one in each.alike.values()]
                assert expected == {ids(index, number) for one in alike for number in one.monitors}
                assert len(alike) <= 1
    for kind in (Kind.NATIVE, Kind.ERC20, Kind.ERC721):
        for contract in [*CONTRACTS, None]:
            expected = {
                monitor
                for monitor, (present, any_address) in model.items()
                for rule in present
                if any_address and rule.kind is kind
                and (rule.contracts is None or contract in rule.contracts)
            }  # fmt: skip
            assert sorted(expected) == who_asks(index, kind, contract)
    if not model:
        asked = index.asked
        assert asked.events.found == asked.calls.found == asked.transfers.found == {}


def who_asks(index, kind, contract):
    """The monitors that ask about any party of transfers of a contract."""
    several = index.asked.transfers.of(kind, contract)
    alike = [one for readers in several for one in readers.alike.values()]
    return sorted({ids(index, number) for one in alike for number in one.monitors})


def ids(index, number):
    """The monitor behind a number of the index."""
    [watching] = index.watching(number)
    return watching.monitor.id
