"""Receipts encoded all at once, beside one by one and beside the PyPI package `rlp`."""

import rlp as oracle
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from crypitor.evm.profiles import PLAIN, profile_of
from crypitor.evm.receipts import encode_receipt, encode_receipts
from crypitor.evm.types import Log, Receipt
from tests.evm.recorded import recorded_blocks

HASH = "0x" + "5e" * 32
ARBITRUM = profile_of(42161)
LOG = Log("0x" + "a1" * 20, ("0x" + "b2" * 32,) * 3, "0x" + "c3" * 32, "0x0", HASH, HASH)
RECEIPT = Receipt(
    HASH, "0x0", HASH, (LOG, LOG), "0x5208", "0x" + "d4" * 256, status="0x1", type="0x2"
)


def hexed(size):
    """Byte strings of a size, as JSON-RPC writes them."""
    return st.binary(min_size=size, max_size=size).map(lambda some: "0x" + some.hex())


# From few bytes many come: examples stay small.
spread = st.binary(min_size=1, max_size=1)
topics = st.one_of(hexed(32), spread.map(lambda byte: "0x" + byte.hex() * 32))
logs = st.builds(
    Log,
    st.one_of(hexed(20), spread.map(lambda byte: "0x" + byte.hex() * 20)),
    st.lists(topics, max_size=4).map(tuple),
    st.sampled_from([0, 1, 2, 31, 32, 55, 56, 57, 255, 256, 300]).flatmap(hexed),
    st.just("0x0"),
    st.just(HASH),
    st.just(HASH),
)
receipts = st.builds(
    Receipt,
    st.just(HASH),
    st.just("0x0"),
    st.just(HASH),
    st.lists(logs, max_size=3).map(tuple),
    st.one_of(st.integers(0, 0x10000), st.integers(0, 2**70)).map(hex),
    spread.map(lambda byte: "0x" + byte.hex() * 256),
    status=st.sampled_from(["0x0", "0x1"]),
    type=st.sampled_from([None, "0x0", "0x1", "0x2", "0x3", "0x4", "0x78", "0xff"]),
)


def by_oracle(receipt):
    """What EIP-2718 says of a receipt, by the package's encoding and Python's own conversions."""
    kind = int(receipt.type or "0x0", 16)
    fields = [
        int(receipt.status, 16),
        int(receipt.cumulative_gas_used, 16),
        unhexed(receipt.logs_bloom),
        [
            [unhexed(log.address), [*map(unhexed, log.topics)], unhexed(log.data)]
            for log in receipt.logs
        ],
    ]
    return (bytes([kind]) if kind else b"") + oracle.encode(fields)


def unhexed(text):
    return bytes.fromhex(text[2:])


def answer(encoding):
    """What an encoding gives, or that it gives none."""
    try:
        return encoding()
    except (ValueError, OverflowError):
        return None


def all_at_once(some, profile=PLAIN):
    return answer(lambda: [*encode_receipts(some, profile)])


def one_by_one(some, profile=PLAIN):
    return answer(lambda: [encode_receipt(receipt, profile) for receipt in some])


@given(st.lists(receipts, max_size=4))
def test_encoding_agrees_with_the_rlp_package(some):
    """Receipts of any outcome, type and gas, with logs of any size, are encoded as RLP says."""
    expected = [by_oracle(receipt) for receipt in some]

    assert all_at_once(some) == expected
    assert one_by_one(some) == expected


def places_of(receipt):
    """Every text of a receipt that is encoded, with what makes the receipt with another one."""
    for name in ("cumulative_gas_used", "logs_bloom", "status", "type"):
        yield getattr(receipt, name), lambda text, name=name: replace(receipt, **{name: text})
    for at, log in enumerate(receipt.logs):

        def with_log(at=at, log=log, **fields):
            changed = replace(log, **fields)
            return replace(receipt, logs=(*receipt.logs[:at], changed, *receipt.logs[at + 1 :]))

        yield log.address, lambda text, with_log=with_log: with_log(address=text)
        yield log.data, lambda text, with_log=with_log: with_log(data=text)
        for place in range(len(log.topics)):

            def with_topic(text, place=place, log=log, with_log=with_log):
                return with_log(topics=(*log.topics[:place], text, *log.topics[place + 1 :]))

            yield log.topics[place], with_topic


WRONG = (
    "", " ", "\n", "\t", "0", "x", "X", "0x", "a0", "_", "+", "-", "A", "g", "é", "\u0661", "\ud800",
)  # fmt: skip


@st.composite
def spoilt(draw):
    """A receipt with up to three of its texts spoilt in one place each."""
    receipt = draw(receipts)
    for _ in range(draw(st.integers(1, 3))):
        text, changed = draw(st.sampled_from([*places_of(receipt)]))
        text = text or ""
        start = draw(st.one_of(st.integers(0, 4), st.integers(0, len(text))))
        end = start + draw(st.integers(0, 3))
        receipt = changed(text[:start] + draw(st.sampled_from(WRONG)) + text[end:])
    return receipt


# Each of these is taken for what it is not by one of Python's conversions, or by a careless join.
SPOILT = [
    replace(RECEIPT, cumulative_gas_used="0x52_08"),
    replace(RECEIPT, cumulative_gas_used="0x_5208"),
    replace(RECEIPT, cumulative_gas_used=" 0x5208"),
    replace(RECEIPT, cumulative_gas_used="0x5208 "),
    replace(RECEIPT, cumulative_gas_used="0x5208  "),
    replace(RECEIPT, cumulative_gas_used="0x52  08"),
    replace(RECEIPT, cumulative_gas_used="+0x5208"),
    replace(RECEIPT, cumulative_gas_used="-0x5208"),
    replace(RECEIPT, cumulative_gas_used="0x05208"),
    replace(RECEIPT, cumulative_gas_used="0X5208"),
    replace(RECEIPT, cumulative_gas_used="0xAB08"),
    replace(RECEIPT, cumulative_gas_used="5208"),
    replace(RECEIPT, cumulative_gas_used="0x\uff15208"),
    replace(RECEIPT, cumulative_gas_used="0x"),
    replace(RECEIPT, cumulative_gas_used=""),
    replace(RECEIPT, cumulative_gas_used="0x7f"),
    replace(RECEIPT, cumulative_gas_used="0x80"),
    replace(RECEIPT, cumulative_gas_used="0x" + "1" * 65),
    replace(RECEIPT, cumulative_gas_used="0x" + "1" * 120),
    replace(RECEIPT, status="0x01"),
    replace(RECEIPT, status="0x2"),
    replace(RECEIPT, status="1"),
    replace(RECEIPT, status=None),
    replace(RECEIPT, status=None, root=HASH),
    replace(RECEIPT, root=HASH),
    replace(RECEIPT, root="0x"),
    replace(RECEIPT, type=""),
    replace(RECEIPT, type="0x02"),
    replace(RECEIPT, type="0X2"),
    replace(RECEIPT, type="0x100"),
    replace(RECEIPT, type="-0x2"),
    replace(RECEIPT, type="0x78"),
    replace(RECEIPT, type="0x7e"),
    replace(RECEIPT, type="0x7e", deposit_nonce="0x5", deposit_receipt_version="0x1"),
    replace(RECEIPT, logs_bloom="0x"),
    replace(RECEIPT, logs_bloom="0x" + "d4" * 255),
    replace(RECEIPT, logs_bloom="0x" + " " * 2 + "d4" * 255),
    replace(RECEIPT, logs_bloom="  " + "d4" * 256),
    replace(RECEIPT, logs=(replace(LOG, address=" x" + "a1" * 20),)),
    replace(RECEIPT, logs=(replace(LOG, address="0x" + "a1" * 19),)),
    replace(RECEIPT, logs=(replace(LOG, address="0x  " + "a1" * 19),)),
    replace(RECEIPT, logs=(replace(LOG, topics=LOG.topics[:1] * 5),)),
    replace(RECEIPT, logs=(replace(LOG, topics=("0x" + "b2" * 30 + "0xb2",)),)),
    replace(RECEIPT, logs=(replace(LOG, topics=("a0" + "b2" * 32,)),)),
    replace(RECEIPT, logs=(replace(LOG, topics=("b2" * 33,)),)),
    replace(RECEIPT, logs=(replace(LOG, topics=("1x" + "b2" * 32,)),)),
    replace(RECEIPT, logs=(replace(LOG, topics=("0X" + "b2" * 32,)),)),
    replace(RECEIPT, logs=(replace(LOG, topics=("0x" + "b2" * 31 + "b0", "x2" * 33)),)),
    replace(RECEIPT, logs=(replace(LOG, topics=("0x" + "b" * 63, "b0x" + "b2" * 32)),)),
    replace(RECEIPT, logs=(replace(LOG, topics=("0x" + "b2" * 31, "b20x" + "b2" * 32)),)),
    replace(RECEIPT, logs=(replace(LOG, topics=("0x" + "b2" * 31 + "  ",)),)),
    replace(RECEIPT, logs=(replace(LOG, data=""),)),
    replace(RECEIPT, logs=(replace(LOG, data="0"),)),
    replace(RECEIPT, logs=(replace(LOG, data="0x7"),)),
    replace(RECEIPT, logs=(replace(LOG, data="0x7f"),)),
    replace(RECEIPT, logs=(replace(LOG, data="0x80"),)),
    replace(RECEIPT, logs=(replace(LOG, data="0x12345"),)),
    replace(RECEIPT, logs=(replace(LOG, data="0x12345"),) * 2),
    replace(RECEIPT, logs=(replace(LOG, data="0x12 345"),)),
    replace(RECEIPT, logs=(replace(LOG, data="0x12 34 "),)),
]  # fmt: skip


@given(spoilt(), st.lists(receipts, max_size=2))
@example(replace(RECEIPT, logs=()), [RECEIPT])
def test_what_is_spoilt_is_encoded_or_refused_as_one_by_one(receipt, others):
    """All at once gives the bytes that one by one gives for a sloppy text, or refuses as it does."""
    for some in ([*others, receipt], [receipt, *others]):
        for profile in (PLAIN, ARBITRUM):
            assert all_at_once(some, profile) == one_by_one(some, profile)


def test_known_ways_to_spoil_a_receipt_make_no_difference():
    """Blanks, signs, underscores, upper case, a digit too many: as one by one, among good ones."""
    differing = [
        receipt
        for receipt in SPOILT
        for some in ([receipt], [RECEIPT, receipt, RECEIPT])
        for profile in (PLAIN, ARBITRUM)
        if all_at_once(some, profile) != one_by_one(some, profile)
    ]

    assert differing == []
    assert len({answer(lambda one=one: encode_receipt(one)) for one in SPOILT}) > 20


def test_recorded_receipts_are_encoded_as_one_by_one():
    """Legacy, typed, pre-Byzantium and deposit receipts of real chains."""
    for block in recorded_blocks((1, 10, 137, 3, 34443, 42161, 8453)):
        profile = profile_of(block.chain_id)

        assert all_at_once(block.receipts, profile) == one_by_one(block.receipts, profile)
