"""The root of a list in a block's header: transactions, receipts, withdrawals.

Source: Ethereum yellow paper, appendix D (the modified Merkle-Patricia tree), keyed by rlp(index).
Only the root is built, from a complete list, so no node is stored and none is ever changed.
"""

from collections.abc import Sequence
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
    if not values:
        return EMPTY_ROOT
    return keccak(_encoded(_shape(len(values)), values))


_Node: TypeAlias = "tuple[bytes, int] | tuple[bytes, _Node] | list[_Node | None]"
"""A leaf: its path and which value; an extension: its path and what is below; a branch."""


@lru_cache(maxsize=256)
def _shape(count: int) -> "_Node":
    """Return the trie over rlp(0) … rlp(count - 1): it is the same for all lists of a length."""
    pairs = sorted((rlp.encode(rlp.integer(index)).hex(), index) for index in range(count))
    return _node(pairs, 0)


def _node(pairs: Sequence[tuple[str, int]], depth: int) -> "_Node":
    """Return the node over these keys in their order, which agree in their first `depth` nibbles.

    No rlp(i) is a prefix of another, so a branch never has a value of its own.
    """
    first, last = pairs[0], pairs[-1]
    if len(pairs) == 1:
        return _path(first[0][depth:], leaf=True), first[1]
    shared = depth
    while first[0][shared] == last[0][shared]:
        shared += 1
    if shared > depth:
        return _path(first[0][depth:shared], leaf=False), _node(pairs, shared)
    children: list[_Node | None] = [None] * 16
    for nibble, group in groupby(pairs, lambda pair: pair[0][depth]):
        children[int(nibble, 16)] = _node([*group], depth + 1)
    return children


def _encoded(node: "_Node", values: Sequence[bytes]) -> bytes:
    if isinstance(node, list):
        children = [
            _EMPTY if child is None else _reference(_encoded(child, values)) for child in node
        ]
        return rlp.sequence((*children, _EMPTY))
    path, below = node
    if isinstance(below, int):
        value = values[below]
        # a single byte may stand for itself
        return _leaf_head(path, len(value)) + value if len(value) > 1 else _leaf(path, value)
    return rlp.sequence((path, _reference(_encoded(below, values))))


@lru_cache(maxsize=4096)
def _leaf_head(path: bytes, size: int) -> bytes:
    """Return what stands before a leaf's value of more than one byte: lengths and path."""
    whole = _leaf(path, bytes(size))
    return whole[:-size]


def _leaf(path: bytes, value: bytes) -> bytes:
    return rlp.sequence((path, rlp.encode(value)))


def _reference(node: bytes) -> bytes:
    """A node within its parent: itself when it is short, else its hash."""
    return node if len(node) < _HASH_SIZE else _HASH_PREFIX + keccak_256(node).digest()


def _path(nibbles: str, *, leaf: bool) -> bytes:
    """Hex-prefix encoding: a flag nibble, one of padding if the path is even, the path."""
    flag = 2 * leaf + len(nibbles) % 2
    return rlp.encode(bytes.fromhex(f"{flag}{'' if flag % 2 else '0'}{nibbles}"))
