from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from crypitor.monitor.index import Index
from crypitor.monitor.models import Kind, Rule
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


@settings(max_examples=300, deadline=None)
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

    assert index.look_up(f"0x{19_999:040x}") is None
    assert who_watches(index, ADDRESSES[0]) == ["mo_2"]
    assert who_watches(index, "0x" + "e" * 40) == ["mo_2"]


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
    assert watching.labels == {ADDRESSES[0]: "warm"}


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

    assert index.any_party(TOKEN) == ()
    assert len(index.any_party(other)) == 1

    index.remove("mo_1")

    assert index.any_party(other) == ()
