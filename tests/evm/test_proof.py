"""
Proof of completeness on every recorded block, each under its chain's profile.
"""

import pytest
from msgspec.structs import replace

from crypitor.errors import Unproven
from crypitor.evm.bloom import logs_bloom
from crypitor.evm.profiles import profile_of
from crypitor.evm.proof import prove
from crypitor.evm.receipts import encode_receipt
from crypitor.evm.types import Header
from tests.evm.recorded import recorded_block, recorded_blocks
from tests.recorded import COUNT

CHAINS = (
    1, 10, 137, 143, 3, 34443, 42161, 43114, 534352, 666666666, 80001, 8453, 84531,
)  # fmt: skip
CUT = {"43114/31878202", "80001/22743478"}
"""Recordings that do not have all of their block; the tests below show what is missing."""

NOTHING_COMMITTED = {"137/135808", "137/147648"}
"""All that these have is a state-sync transaction: their receiptsRoot is the empty one."""


@pytest.fixture(scope="module")
def blocks():
    """Every recorded block that is whole."""
    return [block for block in recorded_blocks(CHAINS) if block.name not in CUT]


@pytest.fixture(scope="module")
def covered(blocks):
    """Those whose root covers what was recorded of them."""
    return [block for block in blocks if block.name not in NOTHING_COMMITTED]


def refusal(block, level="receipts"):
    """The check that refused the block, or None."""
    profile = profile_of(block.chain_id)
    try:
        prove(block.seal, block.transactions, block.receipts, level, profile)
    except Unproven as error:
        return error.check
    return None


def with_logs(block, logs_of_receipts, *, renumber):
    """The block with other logs; renumbered, they look contiguous again."""
    receipts, index = [], 0
    for receipt, logs in zip(block.receipts, logs_of_receipts, strict=True):
        numbered = [replace(log, index=hex(index + place)) for place, log in enumerate(logs)]
        receipts.append(replace(receipt, logs=tuple(numbered if renumber else logs)))
        index += len(logs)
    return block._replace(receipts=tuple(receipts))


def all_logs(block):
    """The logs of each receipt, as lists that may be changed."""
    return [list(receipt.logs) for receipt in block.receipts]


def one_log_dropped(block):
    """The first log is gone, and the others are numbered as if it had never been."""
    logs = all_logs(block)
    place = next((place for place, some in enumerate(logs) if some), None)
    if place is None:
        return None
    logs[place] = logs[place][1:]
    return with_logs(block, logs, renumber=True)


def last_logs_cut(block):
    """The logs of the last transaction that has any are gone."""
    logs = all_logs(block)
    places = [place for place, some in enumerate(logs) if some]
    if not places:
        return None
    logs[places[-1]] = []
    return with_logs(block, logs, renumber=False)


def all_logs_emptied(block):
    """No receipt has a log."""
    logs = all_logs(block)
    return with_logs(block, [[] for _ in logs], renumber=False) if any(logs) else None


def a_receipt_missing(block):
    """The last receipt is gone."""
    return block._replace(receipts=block.receipts[:-1]) if block.receipts else None


def a_foreign_receipt(block):
    """The first receipt says it is this one, with the outcome of another block's."""
    if not block.receipts:
        return None
    mine = block.receipts[0]
    foreign = replace(mine, cumulative_gas_used=hex(int(mine.cumulative_gas_used, 16) + 1))
    return block._replace(receipts=(foreign, *block.receipts[1:]))


def two_logs_swapped(block):
    """Two neighbours of one transaction have changed places, and indexes."""
    logs = all_logs(block)
    for place, some in enumerate(logs):
        if len(some) > 1 and (some[0].data, some[0].topics) != (some[1].data, some[1].topics):
            logs[place] = [some[1], some[0], *some[2:]]
            return with_logs(block, logs, renumber=True)
    return None


def a_topic_changed(block):
    """One digit of the last topic of a log is another."""
    logs = all_logs(block)
    for some in logs:
        if some and some[0].topics:
            topic = some[0].topics[-1]
            changed = topic[:-1] + ("1" if topic[-1] == "0" else "0")
            some[0] = replace(some[0], topics=(*some[0].topics[:-1], changed))
            return with_logs(block, logs, renumber=True)
    return None


def test_every_recorded_block_is_accepted_under_its_profile():
    """No profile asks for more than the blocks of its chain can show."""
    blocks = recorded_blocks(CHAINS)
    refused = [
        block.name for block in blocks if refusal(block, profile_of(block.chain_id).strongest)
    ]

    assert refused == []
    assert len(blocks) == COUNT


def test_every_whole_recorded_block_gives_its_root(blocks):
    """Legacy, typed, pre-Byzantium, Arbitrum's, deposit and state-sync receipts of 12 chains."""
    assert [block.name for block in blocks if refusal(block)] == []
    assert len(blocks) == COUNT - len(CUT)


def test_what_is_missing_of_the_recordings_that_are_refused():
    """Of one, most of the header's gas was used elsewhere; of the other, receipts lack logs."""
    avalanche = recorded_block(43114, 31878202)
    mumbai = recorded_block(80001, 22743478)

    assert int(avalanche.receipts[-1].cumulative_gas_used, 16) == 200_398
    assert avalanche.gas_used == 2_624_202
    assert [
        receipt.transaction_index
        for receipt in mumbai.receipts
        if logs_bloom(receipt.logs).hex() != receipt.logs_bloom[2:]
    ] == ["0x1", "0x3"]
    assert {refusal(avalanche), refusal(mumbai)} == {"root", "logs"}


@pytest.mark.parametrize("level", ["off", "logs"])
def test_a_proven_block_passes_the_weaker_levels(blocks, level):
    """What the strongest level accepts, the weaker ones accept."""
    assert [block.name for block in blocks if refusal(block, level)] == []


@pytest.mark.parametrize(
    "damage, least",
    [
        pytest.param(one_log_dropped, 60, id="one log dropped"),
        pytest.param(last_logs_cut, 60, id="last transaction's logs cut"),
        pytest.param(all_logs_emptied, 60, id="all logs emptied"),
        pytest.param(a_receipt_missing, 70, id="a receipt missing"),
        pytest.param(a_foreign_receipt, 70, id="a foreign receipt"),
        pytest.param(two_logs_swapped, 50, id="two logs swapped"),
        pytest.param(a_topic_changed, 60, id="a topic changed"),
    ],
)
def test_damage_is_refused(covered, damage, least):
    """A damaged block is refused on every chain, wherever the damage is possible."""
    damaged = [found for found in map(damage, covered) if found is not None]

    assert [block.name for block in damaged if refusal(block) is None] == []
    assert len(damaged) >= least


def first_receipt(**fields):
    """A change of fields of the first receipt."""
    return lambda block: block._replace(
        receipts=(replace(block.receipts[0], **fields), *block.receipts[1:])
    )


def every_log(change):
    """A change of every log; indexes stay."""
    return lambda block: with_logs(
        block, [[change(log) for log in logs] for logs in all_logs(block)], renumber=False
    )


ELSEWHERE = "0x" + "ee" * 32


@pytest.mark.parametrize(
    "level, check, change",
    [
        pytest.param(
            "off",
            "receipts",
            lambda block: block._replace(transactions=block.transactions[1:]),
            id="a transaction missing",
        ),
        pytest.param(
            "off",
            "receipts",
            lambda block: block._replace(receipts=block.receipts[::-1]),
            id="receipts out of order",
        ),
        pytest.param(
            "off",
            "transactions",
            lambda block: block._replace(
                transactions=block.transactions[::-1], receipts=block.receipts[::-1]
            ),
            id="both out of order",
        ),
        pytest.param(
            "off", "receipts", first_receipt(transaction_index="0x5"), id="a receipt's index"
        ),
        pytest.param(
            "off",
            "hash",
            lambda block: block._replace(seal=replace(block.seal, hash=ELSEWHERE)),
            id="another header",
        ),
        pytest.param(
            "off", "hash", first_receipt(block_hash=ELSEWHERE), id="a receipt's block hash"
        ),
        pytest.param(
            "off",
            "hash",
            every_log(lambda log: replace(log, block_hash=ELSEWHERE)),
            id="a log's block hash",
        ),
        pytest.param(
            "off",
            "logs",
            every_log(lambda log: replace(log, transaction_hash=ELSEWHERE)),
            id="a log's transaction hash",
        ),
        pytest.param(
            "logs",
            "logs",
            lambda block: with_logs(block, [logs[1:] for logs in all_logs(block)], renumber=False),
            id="a gap in the log indexes",
        ),
        pytest.param("logs", "bloom", all_logs_emptied, id="no logs under a bloom"),
        pytest.param("receipts", "root", a_topic_changed, id="a topic"),
        pytest.param("receipts", "root", last_logs_cut, id="the last logs"),
        pytest.param("receipts", "root", first_receipt(status="0x0"), id="a status"),
        pytest.param(
            "receipts",
            "root",
            every_log(lambda log: replace(log, topics=log.topics[:1] * 5)),
            id="five topics",
        ),
        pytest.param(
            "receipts",
            "root",
            every_log(lambda log: replace(log, topics=tuple(t + "00" for t in log.topics))),
            id="topics of 33 bytes",
        ),
        pytest.param(
            "receipts", "receipts", first_receipt(cumulative_gas_used="0xzz"), id="no hex"
        ),
    ],
)
def test_the_failed_check_is_named(level, check, change):
    """Each contradiction is refused at its level under the name of its check."""
    block = recorded_block(1, 17173049)

    assert refusal(change(block), level) == check


@pytest.mark.parametrize(
    "damage", [one_log_dropped, last_logs_cut, all_logs_emptied, a_receipt_missing, a_topic_changed]
)
@pytest.mark.parametrize("level", ["logs", "receipts"])
def test_a_state_sync_transaction_is_held_against_its_own_bloom(damage, level):
    """The header knows nothing of it, but its receipt shows when its logs are not all there."""
    for number in (135808, 147648):
        assert refusal(damage(recorded_block(137, number)), level) in {"bloom", "receipts", "logs"}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"sender": "0x" + "11" * 20}, id="a sender"),
        pytest.param({"to": "0x" + "11" * 20}, id="a receiver"),
        pytest.param({"to": None}, id="a creation"),
        pytest.param({"value": "0x1"}, id="a value"),
    ],
)
def test_only_a_state_sync_transaction_may_be_left_out(change):
    """Anything else in its place is part of the root, and refused because it is not."""
    block = recorded_block(137, 20000000)
    forged = replace(block.transactions[-1], **change)

    assert refusal(block._replace(transactions=(*block.transactions[:-1], forged))) == "root"


def test_other_chains_have_no_state_sync_transactions():
    """What Polygon leaves out of its root is refused elsewhere."""
    assert refusal(recorded_block(137, 20000000)._replace(chain_id=1)) == "root"


def test_a_typed_state_sync_transaction_is_committed_to():
    """With its own type, it is in the root like any other (PIP-74)."""
    block = recorded_block(137, 20000000)
    typed = replace(block.receipts[-1], type="0x7f")

    assert refusal(block._replace(receipts=(*block.receipts[:-1], typed))) == "root"


def test_a_receipt_with_root_and_status_took_effect():
    """Some nodes fill in a status, 0, where there was none: it says nothing."""
    receipt = recorded_block(3, 10994).receipts[0]

    assert receipt.status == "0x0"
    assert receipt.succeeded


def test_the_weakest_level_asks_for_no_logs():
    """Level "off" accepts missing logs: only pairs and hashes are compared."""
    assert refusal(all_logs_emptied(recorded_block(1, 17173049)), "off") is None


def test_the_bloom_misses_what_the_root_finds():
    """A log swapped with its neighbour passes the level "logs" and not the level "receipts"."""
    block = two_logs_swapped(recorded_block(1, 17173049))

    assert (refusal(block, "logs"), refusal(block, "receipts")) == (None, "root")


def test_a_receipt_without_bloom_is_proven():
    """A node that leaves out logsBloom of receipts is no worse: it follows from the logs."""
    block = recorded_block(1, 17173049)
    bare = tuple(replace(receipt, logs_bloom="0x") for receipt in block.receipts)

    assert refusal(block._replace(receipts=bare)) is None


def test_a_deposit_commits_to_its_nonce_only_since_canyon():
    """The nonce of an OP-stack deposit counts where depositReceiptVersion stands beside it."""
    with_version = recorded_block(34443, 8017051).receipts[0]
    without = recorded_block(8453, 81636).receipts[0]

    assert with_version.deposit_receipt_version == "0x1"
    assert encode_receipt(with_version) != encode_receipt(
        replace(with_version, deposit_nonce="0x1")
    )
    assert without.deposit_nonce is not None
    assert encode_receipt(without) == encode_receipt(replace(without, deposit_nonce="0x1"))


def test_a_seal_gives_the_header():
    """The header has the numbers that the seal has as hex text."""
    seal = recorded_block(1, 17173049).seal

    assert seal.header == Header(
        number=17173049, hash=seal.hash, parent_hash=seal.parent_hash, timestamp=1683029999
    )
