"""Which rules explain the blocks of a chain, and how strongly they prove them. Pure.

The rules that are known of the chain are tried first, then every other, the simplest first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from crypitor.errors import Unproven
from crypitor.evm.bloom import logs_bloom
from crypitor.evm.pairing import paired
from crypitor.evm.profiles import Gas, Indexes, Level, Profile, Root, Uncommitted
from crypitor.evm.proof import prove
from crypitor.evm.receipts import encode_receipts
from crypitor.evm.trie import streamed_root
from crypitor.worker.block import Served

_PILOTS = 8

_PLAIN_TYPES = {None, "0x0", "0x1", "0x2", "0x3", "0x4", "0x7e", "0x7f"}
_ROOTS: tuple[tuple[Root, Gas], ...] = (
    ("trie", "cumulative"), ("trie", "own"), ("joined", "own"),
)  # fmt: skip
_INDEXES: tuple[Indexes, ...] = ("block", "transaction")
_OUTSIDE: tuple[frozenset[Uncommitted], ...] = (
    frozenset(),
    frozenset({"state_sync"}),  # says less than the next one, which would explain it too
    frozenset({"system"}),
    frozenset({"phantom"}),
    frozenset({"system", "phantom"}),
)


@dataclass(frozen=True, slots=True)
class Unexplained:
    """The smallest block that a level does not hold for under the rules that explain most."""

    level: Level
    block: Served
    reason: str
    blocks: int


@dataclass(frozen=True, slots=True)
class Fit:
    """What was found.

    profile: the rules; `strongest` is the level that all blocks pass that have to.
    checked: how many blocks had receipts to be proven.
    unexplained: what keeps a stronger level, or a part of the blocks, from holding.
    """

    profile: Profile
    checked: int
    unexplained: Unexplained | None = None


@dataclass(frozen=True, slots=True)
class _Trial:
    profile: Profile
    failures: list[tuple[Served, str]]


def fit(samples: Sequence[Served], known: Profile) -> Fit:
    """Return the rules that explain these blocks best.

    samples: in the order of height, the newest ones in a row.
    known: what is known of the chain.
    """
    checked = sum(bool(sample.receipts) for sample in samples)
    settled = _settled(samples, known)
    if settled is not None:
        return Fit(settled, checked)
    by_root = _best(samples, known, "receipts")
    if not by_root.failures:
        return Fit(_with_bloom(by_root.profile, samples), checked)
    unexplained = _unexplained("receipts", by_root)
    if (holed := _with_holes(by_root, samples)) is not None:
        return Fit(holed, checked, unexplained)
    by_bloom = _best(samples, known, "logs")
    if not by_bloom.failures and _has_bloom(samples):
        return Fit(replace(by_bloom.profile, strongest="logs"), checked, unexplained)
    by_pairs = _best(samples, known, "off")
    if by_pairs.failures:
        unexplained = _unexplained("off", by_pairs)
    bloom = not by_bloom.failures and _has_bloom(samples)
    profile = replace(by_pairs.profile, strongest="off", bloom=bloom)
    return Fit(profile, checked, unexplained)


def _best(samples: Sequence[Served], known: Profile, level: Level) -> _Trial:
    """Return the rules under which the fewest blocks fail; the first of those that are equal.

    Rules under which none of a few blocks holds are not tried on all.
    """
    best: _Trial | None = None
    pilots = [sample for sample in samples if sample.receipts][-_PILOTS:]
    for profile in _candidates(samples, known):
        if best and pilots and all(_refusal(pilot, profile, level) for pilot in pilots):
            continue
        most = len(samples) if best is None else len(best.failures) - 1
        failures = []
        for sample in samples:
            if reason := _refusal(sample, profile, level):
                failures.append((sample, reason))
                if len(failures) > most:
                    break
        else:
            best = _Trial(profile, failures)
            if not failures:
                break
    assert best is not None  # the first fails in no more than all blocks
    return best


def _candidates(samples: Sequence[Served], known: Profile) -> Iterator[Profile]:
    """Yield all rules, those that differ least from what is known first."""
    if known.root == "settled":
        known = replace(known, root="trie", bloom=True)
    yield replace(known, bloom=True)
    kinds = {receipt.type for sample in samples for receipt in sample.receipts}
    strange = frozenset(kind for kind in kinds if kind is not None and kind not in _PLAIN_TYPES)
    found = [
        replace(
            known,
            root=root,
            receipt_gas=gas,
            log_indexes=indexes,
            uncommitted=outside,
            block_receipt=block_receipt,
            untyped=untyped,
            bloom=True,
        )
        for (root, gas), indexes, outside, block_receipt, untyped in product(
            _ROOTS,
            _INDEXES,
            _OUTSIDE,
            (False, True),
            {known.untyped, frozenset(), strange},
        )
    ]
    yield from sorted(found, key=_strangeness)


def _strangeness(profile: Profile) -> int:
    """Return by how much a chain with these rules differs from Ethereum."""
    return (
        2 * (profile.root != "trie")
        + 2 * (profile.receipt_gas != "cumulative")
        + (profile.log_indexes != "block")
        + 2 * len(profile.uncommitted)
        + profile.block_receipt
        + 2 * len(profile.untyped)
    )


def _refusal(sample: Served, profile: Profile, level: Level) -> str | None:
    try:
        pairs = paired(sample.seal, sample.transactions, sample.receipts, profile)
        prove(sample.seal, *pairs, level, profile)
    except Unproven as missing:
        return str(missing)
    return None


def _settled(samples: Sequence[Served], known: Profile) -> Profile | None:
    """Return the rules of a chain whose headers settle earlier blocks, if this is one."""
    by_height = {int(sample.seal.number, 16): sample for sample in samples}
    shown = 0
    for height, sample in by_height.items():
        parent = by_height.get(height - 1)
        if parent is None or not (sample.seal.settled_height and parent.seal.settled_height):
            continue
        first, last = int(parent.seal.settled_height, 16) + 1, int(sample.seal.settled_height, 16)
        settled = [by_height.get(each) for each in range(first, last + 1)]
        receipts = [receipt for each in settled if each for receipt in each.receipts]
        if None in settled or not receipts:
            continue
        root = streamed_root(encode_receipts(receipts), len(receipts))
        if "0x" + root.hex() != sample.seal.receipts_root:
            return None
        shown += 1
    if not shown:
        return None
    return replace(known, strongest="settled", root="settled", bloom=False)


def _with_bloom(profile: Profile, samples: Sequence[Served]) -> Profile:
    """Return the rules with what the headers' blooms say of all logs that are served."""
    for sample in samples:
        logs = [log for receipt in sample.receipts for log in receipt.logs]
        if logs_bloom(logs).hex() != sample.seal.logs_bloom[2:]:
            return replace(profile, strongest="receipts", bloom=profile.bloom_from > 0)
    return replace(profile, strongest="receipts", bloom=True)


def _has_bloom(samples: Sequence[Served]) -> bool:
    """Whether any header has one; a chain without logs has nothing to show."""
    return any(int(sample.seal.logs_bloom, 16) for sample in samples)


def _with_holes(trial: _Trial, samples: Sequence[Served]) -> Profile | None:
    """Return the rules with a hole over all that fails; None where the newest blocks fail too."""
    last = max(int(sample.seal.number, 16) for sample, _ in trial.failures)
    passing = [int(sample.seal.number, 16) for sample in samples]
    above = [height for height in passing if height > last]
    if len(above) * 2 < len(samples):
        return None
    hole = (0, min(above) - 1)
    return replace(trial.profile, strongest="receipts", holes=(*trial.profile.holes, hole))


def _unexplained(level: Level, trial: _Trial) -> Unexplained:
    def size(failure: tuple[Served, str]) -> tuple[int, int]:
        block = failure[0]
        return len(block.transactions), sum(len(receipt.logs) for receipt in block.receipts)

    block, reason = min(trial.failures, key=size)
    return Unexplained(level, block, reason, len(trial.failures))
