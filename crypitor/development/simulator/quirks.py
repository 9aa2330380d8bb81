"""How the blocks of some chains differ from Ethereum's, each with the chain where it was seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from crypitor.evm import rlp
from crypitor.evm.keccak import keccak
from crypitor.evm.trie import ordered_root

_SETTLED_TOGETHER = 2
_LEAST_LAG = 2
_HOLE_EVERY = 5
_LAST_HOLE = 20


class Quirk(StrEnum):
    """A way for a chain to be another one."""

    LATE_ROOTS = "late_roots"
    SYSTEM_TRANSACTIONS = "system_transactions"
    PHANTOMS = "phantoms"
    INDEXES_ANEW = "indexes_anew"
    JOINED_ROOT = "joined_root"
    OWN_GAS = "own_gas"
    NO_BLOOM = "no_bloom"
    STRANGE_ROOT = "strange_root"
    HOLES = "holes"
    COIN_LOGS = "coin_logs"
    ZKSYNC_COIN = "zksync_coin"
    BOR_COIN = "bor_coin"


MEANING: dict[Quirk, str] = {
    Quirk.LATE_ROOTS: "headers commit to blocks 2 to 4 below, two at a time (Avalanche)",
    Quirk.SYSTEM_TRANSACTIONS: "the first transaction of a block is in no root (HyperEVM)",
    Quirk.PHANTOMS: "failed transactions have no receipt (Cronos)",
    Quirk.INDEXES_ANEW: "logs are counted anew in each transaction (Stable)",
    Quirk.JOINED_ROOT: "receiptsRoot is the hash of all receipts in a row (Kaia)",
    Quirk.OWN_GAS: "receipts commit to the gas of their transaction alone (older Ethermint)",
    Quirk.NO_BLOOM: "logsBloom is zero (ZKsync)",
    Quirk.STRANGE_ROOT: "receiptsRoot is of something else (Sei)",
    Quirk.HOLES: "to block 20 every fifth has a log too many in root and bloom (Cronos)",
    Quirk.COIN_LOGS: "each move of the coin is a log too, as EIP-7708 says (Ethereum's Amsterdam)",
    Quirk.ZKSYNC_COIN: "each move of the coin is a log of 0x…800a, fees and refunds too (ZKsync)",
    Quirk.BOR_COIN: "each move of the coin is a LogTransfer of 0x…1010 (Polygon)",
}
"""Quirk → what the chain does, for people."""


@dataclass(frozen=True, slots=True)
class Executed:
    """What a block leaves for a later one to settle. receipts: encoded. bloom: all of its bits."""

    number: int
    receipts: tuple[bytes, ...]
    bloom: int


def read_quirks(names: Sequence[str]) -> frozenset[Quirk]:
    """Return the quirks of these names. Raises ValueError for another one."""
    unknown = [name for name in names if name not in MEANING]
    if unknown:
        raise ValueError(f"no quirk {', '.join(unknown)}; there are: {', '.join(MEANING)}")
    return frozenset(map(Quirk, names))


def settles(number: int) -> int:
    """Return up to which height a block settles with late roots."""
    return max(0, (number - _LEAST_LAG) // _SETTLED_TOGETHER * _SETTLED_TOGETHER)


def has_hole(number: int) -> bool:
    """Whether a block of this height does not prove itself."""
    return number % _HOLE_EVERY == 0 and number <= _LAST_HOLE


def root_of(receipts: Sequence[bytes], number: int, quirks: frozenset[Quirk]) -> bytes:
    """Return receiptsRoot over encoded receipts."""
    if Quirk.STRANGE_ROOT in quirks:
        return keccak(b"".join((b"results", *receipts)))
    if Quirk.JOINED_ROOT in quirks:
        return keccak(b"".join(receipts))
    if Quirk.HOLES in quirks and has_hole(number):
        return ordered_root([*receipts, rlp.encode([])])
    return ordered_root(receipts)
