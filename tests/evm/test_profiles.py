"""What is particular of chains: blocks in the forms of 2026, proven by their chain's profile."""

import itertools

import msgspec
import pytest
from msgspec.structs import replace

from crypitor.errors import Unproven
from crypitor.evm.bloom import logs_bloom
from crypitor.evm.joined import is_joined_root
from crypitor.evm.keccak import keccak
from crypitor.evm.pairing import paired
from crypitor.evm.profiles import PLAIN, Profile, profile_of
from crypitor.evm.proof import prove
from crypitor.evm.receipts import encode_receipt
from crypitor.evm.trie import ordered_root
from crypitor.evm.types import Receipt, Seal, Transaction
from tests.evm.recorded import recorded_block
from tests.recorded import newest

LOG_PROFILE = Profile(log_indexes="transaction")


class Shown:
    """A block in the product's types."""

    def __init__(self, document):
        block = document["block"]
        self.seal = msgspec.convert(block, Seal)
        self.transactions = msgspec.convert(block["transactions"], tuple[Transaction, ...])
        self.receipts = msgspec.convert(document["receipts"], tuple[Receipt, ...])


def refusal(shown, profile, level="receipts", receipts=None, transactions=None, seal=None):
    """The check that refuses the block, None if none does."""
    seal = seal or shown.seal
    try:
        pairs = paired(
            seal, transactions or shown.transactions, receipts or shown.receipts, profile
        )
        prove(seal, *pairs, level, profile)
    except Unproven as missing:
        return missing.check
    return None


def with_changed_log(receipts, place):
    """The receipts, one of which has a log with other data, and its bloom as it was."""
    changed = list(receipts)
    logs = changed[place].logs
    changed[place] = replace(changed[place], logs=(replace(logs[0], data="0x01"), *logs[1:]))
    return changed


@pytest.mark.parametrize(
    "name, chain_id",
    [
        ("op_deposit_regolith", 10),
        ("op_deposit_canyon", 10),
        ("op_mixed_jovian", 10),
        ("hyperevm", 999),
        ("celo_l1_block_receipt", 42220),
        ("kaia_ok", 8217),
    ],
)
@pytest.mark.parametrize("level", ["off", "logs", "receipts"])
def test_blocks_in_the_newest_forms_prove_themselves(name, chain_id, level):
    """Each gives its chain's root, and passes the weaker levels."""
    assert refusal(Shown(newest(name)[0]), profile_of(chain_id), level) is None


@pytest.mark.parametrize("name", ["hyperevm", "celo_l1_block_receipt", "kaia_ok"])
def test_their_rules_hold_nowhere_else(name):
    """A chain without such a profile refuses them."""
    assert refusal(Shown(newest(name)[0]), PLAIN) is not None


@pytest.mark.parametrize(
    "name, chain_id, place",
    [("hyperevm", 999, 0), ("celo_l1_block_receipt", 42220, 2), ("kaia_ok", 8217, 1)],
)
def test_a_changed_log_is_refused_by_their_rules(name, chain_id, place):
    """What is committed to is held against the root, the block's own receipt too."""
    shown = Shown(newest(name)[0])

    changed = with_changed_log(shown.receipts, place)

    assert refusal(shown, profile_of(chain_id), receipts=changed) == "root"


def test_amsterdams_blocks_prove_themselves():
    """All blocks that geth 1.17.10 made by the rules of Amsterdam give the plain root."""
    blocks = [Shown(each) for each in newest("amsterdam-geth")]

    assert [refusal(each, PLAIN) for each in blocks] == [None] * 23


def test_only_gasless_transactions_are_left_out_of_the_root():
    """A system transaction is one by its cumulative gas, wherever it stands in its block."""
    shown = Shown(newest("hyperevm")[0])
    claimed = replace(shown.receipts[-1], cumulative_gas_used="0x1")

    assert refusal(shown, profile_of(999), receipts=[*shown.receipts[:-1], claimed]) == "root"
    first = [
        replace(each, transaction_index=hex(place))
        for place, each in enumerate((shown.receipts[-1], *shown.receipts[:-1]))
    ]
    moved = [
        replace(each, index=hex(place))
        for place, each in enumerate((shown.transactions[-1], *shown.transactions[:-1]))
    ]
    assert refusal(shown, profile_of(999), receipts=first, transactions=moved) is None


def test_a_logs_of_a_system_transaction_are_held_against_its_own_bloom():
    """The header does not know them; their receipt's bloom does."""
    shown = Shown(newest("hyperevm")[0])
    log = replace(
        shown.receipts[0].logs[0],
        index="0x1",
        transaction_hash=shown.receipts[-1].transaction_hash,
    )
    lost = replace(shown.receipts[-1], logs_bloom="0x" + logs_bloom([log]).hex())

    whole = replace(lost, logs=(log,))
    for receipt, expected in ((lost, "bloom"), (whole, None)):
        told = [*shown.receipts[:-1], receipt]
        assert refusal(shown, profile_of(999), receipts=told) == expected


def test_the_blocks_own_receipt_gets_a_transaction_that_moves_nothing():
    """Its logs are of the block, and its transaction has the block's hash."""
    shown = Shown(newest("celo_l1_block_receipt")[0])

    transactions, receipts = paired(
        shown.seal, shown.transactions, shown.receipts, profile_of(42220)
    )

    added = transactions[-1]
    assert len(transactions) == len(receipts) == 3
    assert (added.hash, added.index, added.value, added.input) == (
        shown.seal.hash, "0x2", "0x0", "0x",
    )  # fmt: skip
    assert added.to is not None
    assert receipts[-1].logs == shown.receipts[-1].logs


def joined(receipts):
    """The root of receipts by the rule of Kaia, written anew."""
    before, encoded = 0, b""
    for receipt in receipts:
        total = int(receipt.cumulative_gas_used, 16)
        encoded += encode_receipt(
            replace(receipt, type=None, cumulative_gas_used=hex(total - before))
        )
        before = total
    return keccak(encoded)


def failing(count, status):
    """Receipts of Kaia, so many of which failed for a reason."""
    receipts = Shown(newest("kaia_ok")[0]).receipts
    return [replace(each, status=status) if place < count else each
            for place, each in enumerate(receipts)]  # fmt: skip


@pytest.mark.parametrize("status", ["0x2", "0x7", "0x9", "0xe", "0x1e"])
@pytest.mark.parametrize("count", [1, 2])
def test_why_transactions_of_kaia_failed_is_found_out(count, status):
    """The root commits to the reason, and nodes say only that they failed."""
    root = joined(failing(count, status))
    told = failing(count, "0x0")

    assert is_joined_root(told, root) is True
    assert is_joined_root(with_changed_log(told, 2), root) is False


def test_what_cannot_be_told_of_many_failures_is_not_refused():
    """Usual reasons are found; others are left to the bloom, and a network goes on."""
    shown = Shown(newest("kaia_ok")[0])
    usual = joined(failing(3, "0x9"))
    rare = replace(shown.seal, receipts_root="0x" + joined(failing(3, "0x1d")).hex())
    told = failing(3, "0x0")

    assert is_joined_root(told, usual) is True
    assert refusal(shown, profile_of(8217), receipts=told, seal=rare) is None
    lost = [*told[:1], replace(told[1], logs=()), *told[2:]]
    lost[2] = replace(lost[2], logs=tuple(replace(log, index="0x0") for log in lost[2].logs))
    assert refusal(shown, profile_of(8217), receipts=lost, seal=rare) == "bloom"


def anew(receipts):
    """The receipts with logs that are counted anew in each of them."""
    return [
        replace(
            receipt,
            logs=tuple(replace(log, index=hex(n)) for n, log in enumerate(receipt.logs)),
        )
        for receipt in receipts
    ]


@pytest.mark.parametrize("level", ["logs", "receipts"])
def test_log_indexes_that_start_anew_keep_the_proof(level):
    """Both ways of counting are taken where a chain has both; a gap is found in either."""
    block = recorded_block(1, 17173049)
    told = anew(block.receipts)
    place = next(n for n, each in enumerate(told) if len(each.logs) > 2)
    gap = list(told)
    gap[place] = replace(told[place], logs=(told[place].logs[0], *told[place].logs[2:]))

    assert refusal(block, LOG_PROFILE, level, receipts=told) is None
    assert refusal(block, LOG_PROFILE, level) is None
    assert refusal(block, PLAIN, level, receipts=told) == "logs"
    assert refusal(block, LOG_PROFILE, level, receipts=gap) == "logs"


def test_a_root_over_each_transactions_own_gas():
    """Older Ethermint commits to the gas of the transaction alone."""
    block = recorded_block(1, 17173049)
    sums = [int(receipt.cumulative_gas_used, 16) for receipt in block.receipts]
    own = [
        replace(receipt, cumulative_gas_used=hex(after - before))
        for receipt, (before, after) in zip(
            block.receipts, itertools.pairwise([0, *sums]), strict=True
        )
    ]
    root = "0x" + ordered_root([encode_receipt(each) for each in own]).hex()
    seal = replace(block.seal, receipts_root=root)

    assert refusal(block, Profile(receipt_gas="own"), seal=seal) is None
    assert refusal(block, PLAIN, seal=seal) == "root"


def test_a_transaction_without_a_receipt_took_no_effect():
    """Where a chain has such ones, the rest gives the root; elsewhere one is missing."""
    block = recorded_block(1, 17173049)
    phantom = replace(
        block.transactions[0], hash="0x" + "ab" * 32, index=hex(len(block.transactions))
    )
    told = (*block.transactions, phantom)
    profile = Profile(uncommitted=frozenset({"phantom"}))

    assert refusal(block, profile, transactions=told) is None
    assert refusal(block, PLAIN, transactions=told) == "receipts"
    _, receipts = paired(block.seal, told, block.receipts, profile)
    assert not receipts[-1].succeeded
    lost = block.receipts[:-1]
    assert refusal(block, profile, receipts=lost) == "root"


def test_celos_fee_is_committed_to_where_it_is_served():
    """CIP-64 after the move: the base fee is the fifth item of a receipt of type 0x7b."""
    receipt = replace(recorded_block(1, 17173049).receipts[0], type="0x7b")
    plain, priced = encode_receipt(receipt), encode_receipt(replace(receipt, base_fee="0x7"))

    assert priced[0] == plain[0] == 0x7B
    assert priced.endswith(b"\x07")
    assert len(priced) == len(plain) + 1


def test_a_typed_receipt_of_celo_takes_either_way_of_encoding():
    """Many at once give what one by one gives."""
    block = recorded_block(1, 17173049)
    receipts = [replace(each, type="0x7b", base_fee="0x7") for each in block.receipts]
    root = "0x" + ordered_root([encode_receipt(each) for each in receipts]).hex()
    seal = replace(block.seal, receipts_root=root)

    assert refusal(block, profile_of(42220), receipts=receipts, seal=seal) is None


def test_the_bloom_is_no_proof_where_logs_are_served_that_it_does_not_have():
    """Of which heights it is one."""
    assert profile_of(1).blooms_at(0)
    assert not profile_of(324).blooms_at(10**9)
    assert not profile_of(43114).blooms_at(10**9)
    assert not profile_of(999).blooms_at(10**9)
    assert not profile_of(25).blooms_at(19_999_999)
    assert profile_of(25).blooms_at(20_000_000)
    assert [profile_of(137).blooms_at(height) for height in (80_084_799, 80_084_800)] == [
        False, True,
    ]  # fmt: skip


def test_a_receipt_that_older_nodes_of_polygon_serve_twice_counts_once():
    """The state-sync transaction's, at the end; nothing else may come twice."""
    block = recorded_block(137, 20000000)
    profile = profile_of(137)

    assert refusal(block, profile, receipts=(*block.receipts, block.receipts[-1])) is None
    assert refusal(block, profile, receipts=(*block.receipts, block.receipts[0])) == "receipts"
    assert refusal(block, PLAIN, receipts=(*block.receipts, block.receipts[-1])) == "receipts"


@pytest.mark.parametrize("uncommitted", ["state_sync", "system", "phantom"])
def test_a_block_without_receipts_is_only_refused(uncommitted):
    """A node that has a block's transactions, and none of its receipts."""
    block = recorded_block(1, 17173049)
    profile = Profile(uncommitted=frozenset({uncommitted}), block_receipt=True, holes=((0, 9),))
    seal = replace(block.seal, number="0x5")
    transactions, receipts = paired(seal, block.transactions, (), profile)

    assert len(receipts) in (0, len(transactions))
    with pytest.raises(Unproven):
        prove(seal, transactions, receipts, "receipts", profile)
