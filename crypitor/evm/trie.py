"""The root of a list in a block's header: transactions, receipts, withdrawals.

Source: Ethereum yellow paper, appendix D (the modified Merkle-Patricia tree), keyed by rlp(index).
Only the root is built, from a complete list, so no node is stored and none is ever changed.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from typing import TypeAlias

from sha3 import keccak_256

from crypitor.evm import rlp
from crypitor.evm.keccak import keccak

EMPTY_ROOT = keccak(rlp.encode(b""))
"""The root of an empty list."""

_EMPTY = rlp.encode(b"")
_HASH_SIZE = 32
_HASH_PREFIX = rlp.encode(bytes(_HASH_SIZE))[:1]


def ordered_root(values: Sequence[bytes]) -> bytes:
    """Return the 32-byte root of the trie that holds `values[i]` at rlp(i).

    values: encoded transactions or receipts; none is empty, because an empty value means "absent".
    """
    return streamed_root(values, len(values))


def streamed_root(values: Iterable[bytes], count: int) -> bytes:
    """Return `ordered_root` of so many values, each of which is needed only for a moment."""
    if not count:
        return EMPTY_ROOT
    paths, root = _shape(count)
    if isinstance(root, int):
        (value,) = values
        return keccak(_leaf(paths[root], value))
    references = [
        _HASH_PREFIX + keccak_256(_leaf_heads[path, len(value)] + value).digest()
        if len(value) >= _HASH_SIZE
        else _reference(_leaf(path, value))
        for path, value in zip(paths, values, strict=True)
    ]
    return keccak(_encoded(root, references))


_Node: TypeAlias = "int | tuple[bytes, _Node] | list[_Node | None]"
"""A leaf: which value; an extension: its path and what is below; a branch."""


@lru_cache(maxsize=256)
def _shape(count: int) -> "tuple[list[bytes], _Node]":
    """Return the trie over rlp(0) … rlp(count - 1), and the path that is left for each leaf.

    It is the same for all lists of a length.
    """
    pairs = sorted((rlp.encode(rlp.integer(index)).hex(), index) for index in range(count))
    paths = [b""] * count
    return paths, _node(pairs, 0, paths)


def _node(pairs: Sequence[tuple[str, int]], depth: int, paths: list[bytes]) -> "_Node":
    """Return the node over these keys in their order, which agree in their first `depth` nibbles.

    No rlp(i) is a prefix of another, so a branch never has a value of its own.
    """
    first, last = pairs[0], pairs[-1]
    if len(pairs) == 1:
        paths[first[1]] = _path(first[0][depth:], leaf=True)
        return first[1]
    shared = depth
    while first[0][shared] == last[0][shared]:
        shared += 1
    if shared > depth:
        return _path(first[0][depth:shared], leaf=False), _node(pairs, shared, paths)
    children: list[_Node | None] = [None] * 16
    for nibble, group in groupby(pairs, lambda pair: pair[0][depth]):
        children[int(nibble, 16)] = _node([*group], depth + 1, paths)
    return children


def _encoded(node: "tuple[bytes, _Node] | list[_Node | None]", leaves: Sequence[bytes]) -> bytes:
    """Return the encoding of an extension or a branch. leaves: their references."""
    if isinstance(node, tuple):
        path, below = node
        return rlp.sequence((path, _below(below, leaves)))
    children = [
        leaves[child]
        if isinstance(child, int)
        else _EMPTY
        if child is None
        else _below(child, leaves)
        for child in node
    ]
    return rlp.sequence((*children, _EMPTY))


def _below(node: "_Node", leaves: Sequence[bytes]) -> bytes:
    return leaves[node] if isinstance(node, int) else _reference(_encoded(node, leaves))


class _LeafHeads(dict[tuple[bytes, int], bytes]):
    """What stands before a value of two or more bytes, by its leaf's path and its size."""

    def __missing__(self, key: tuple[bytes, int]) -> bytes:
        path, size = key
        if len(self) >= _KEPT:
            self.clear()
        self[key] = head = _leaf(path, bytes(size))[:-size]
        return head


_KEPT = 4096
_leaf_heads = _LeafHeads()


def _leaf(path: bytes, value: bytes) -> bytes:
    return rlp.sequence((path, rlp.encode(value)))


def _reference(node: bytes) -> bytes:
    """A node within its parent: itself when it is short, else its hash."""
    return node if len(node) < _HASH_SIZE else _HASH_PREFIX + keccak_256(node).digest()


def _path(nibbles: str, *, leaf: bool) -> bytes:
    """Hex-prefix encoding: a flag nibble, one of padding if the path is even, the path."""
    flag = 2 * leaf + len(nibbles) % 2
    return rlp.encode(bytes.fromhex(f"{flag}{'' if flag % 2 else '0'}{nibbles}"))
