"""The root of a list in a block's header: transactions, receipts, withdrawals.

Source: Ethereum yellow paper, appendix D (the modified Merkle-Patricia tree), keyed by rlp(index).
Only the root is built, from a complete list, so no node is stored and none is ever changed.
"""

from collections.abc import Sequence
from functools import lru_cache

from crypitor.evm import rlp
from crypitor.evm.keccak import keccak

EMPTY_ROOT = keccak(rlp.encode(b""))
"""The root of an empty list."""

_EMPTY = rlp.encode(b"")
_HASH_SIZE = 32


def ordered_root(values: Sequence[bytes]) -> bytes:
    """Return the 32-byte root of the trie that holds `values[i]` at rlp(i).

    values: encoded transactions or receipts; none is empty, because an empty value means "absent".
    """
    if not values:
        return EMPTY_ROOT
    keys, order = _sorted_keys(len(values))
    return keccak(_node(keys, [values[index] for index in order], 0, len(keys), 0))


@lru_cache(maxsize=1024)
def _sorted_keys(count: int) -> tuple[list[str], list[int]]:
    """The nibbles of rlp(0) … rlp(count - 1) as hex text, sorted, and the index of each."""
    pairs = sorted((rlp.encode(rlp.integer(index)).hex(), index) for index in range(count))
    return [key for key, _ in pairs], [index for _, index in pairs]


def _node(keys: list[str], values: list[bytes], start: int, end: int, depth: int) -> bytes:
    """Encode the node over keys[start:end], which agree in their first `depth` nibbles.

    No rlp(i) is a prefix of another, so a branch never has a value of its own.
    """
    first = keys[start]
    if end - start == 1:
        return rlp.sequence((_path(first[depth:], leaf=True), rlp.encode(values[start])))
    last = keys[end - 1]
    shared = depth
    while first[shared] == last[shared]:
        shared += 1
    if shared > depth:
        child = _reference(_node(keys, values, start, end, shared))
        return rlp.sequence((_path(first[depth:shared], leaf=False), child))
    children = [_EMPTY] * 17
    while start < end:
        nibble = keys[start][depth]
        stop = start + 1
        while stop < end and keys[stop][depth] == nibble:
            stop += 1
        children[int(nibble, 16)] = _reference(_node(keys, values, start, stop, depth + 1))
        start = stop
    return rlp.sequence(children)


def _reference(node: bytes) -> bytes:
    """A node within its parent: itself when it is short, else its hash."""
    return node if len(node) < _HASH_SIZE else rlp.encode(keccak(node))


def _path(nibbles: str, *, leaf: bool) -> bytes:
    """Hex-prefix encoding: a flag nibble, one of padding if the path is even, the path."""
    flag = 2 * leaf + len(nibbles) % 2
    return rlp.encode(bytes.fromhex(f"{flag}{'' if flag % 2 else '0'}{nibbles}"))
