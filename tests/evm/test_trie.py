import rlp as oracle
from hypothesis import example, given
from hypothesis import strategies as st
from trie import HexaryTrie

from crypitor.evm.trie import EMPTY_ROOT, ordered_root


def root_by_insertion(values):
    """The root that the PyPI package `trie` finds by inserting one value after another."""
    trie = HexaryTrie({})
    for index, value in enumerate(values):
        trie[oracle.encode(index)] = value
    return trie.root_hash


def test_an_empty_list_has_the_known_root():
    """The empty root is the constant that every empty block on mainnet carries."""
    expected = "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"

    assert EMPTY_ROOT.hex() == expected
    assert ordered_root([]).hex() == expected


@given(st.lists(st.binary(min_size=1, max_size=90), max_size=40))
@example([b"\x01"] * 2)
@example([b"short"] * 129)
def test_root_agrees_with_the_trie_package(values):
    """Lists of short and long values have the root that `trie.HexaryTrie` builds by insertion."""
    assert ordered_root(values) == root_by_insertion(values)


def test_root_agrees_at_every_change_of_key_length():
    """rlp(index) grows at 128 and at 256; the root is right on both sides of each."""
    values = [bytes([index % 251 + 1]) * (index % 60 + 1) for index in range(300)]
    sizes = [1, 2, 16, 17, 127, 128, 129, 255, 256, 257, 300]

    assert [ordered_root(values[:size]) for size in sizes] == [
        root_by_insertion(values[:size]) for size in sizes
    ]
