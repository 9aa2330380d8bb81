from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from crypitor.evm.bloom import bloom, logs_bloom
from crypitor.evm.keccak import keccak
from crypitor.evm.types import Log
from tests.evm.recorded import recorded_block


def test_an_item_sets_the_bits_of_the_yellow_paper():
    """
    Agrees with go-ethereum's TestBloomExtensively: 100 items "xxxxxxxxxx data <i> yyyyyyyyyyyyyy".
    """
    items = [f"xxxxxxxxxx data {index} yyyyyyyyyyyyyy".encode() for index in range(100)]

    assert (
        keccak(bloom(items)).hex()
        == "c8d3ca65cdb4874300a9e39475508f23ed6da09fdbc487f89a2dcf50b09eb263"
    )


def test_no_logs_give_an_empty_filter():
    """A block without logs has 256 zero bytes."""
    assert logs_bloom([]) == bytes(256)


def test_a_repeated_item_changes_nothing():
    """Two equal logs give the filter of one."""
    log = Log(
        address="0x" + "ab" * 20,
        topics=("0x" + "01" * 32, "0x" + "01" * 32),
        data="0x",
        index="0x0",
        block_hash="0x",
        transaction_hash="0x",
    )

    assert logs_bloom([log, log]) == logs_bloom([log])
    assert logs_bloom([log]) == bloom([b"\xab" * 20, b"\x01" * 32])


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_the_bits_are_those_of_a_filter_set_one_by_one(items):
    """Any items set the bits that the yellow paper names, one number at a time."""
    expected = 0
    for item in items:
        digest = keccak(item)
        for place in (0, 2, 4):
            expected |= 1 << int.from_bytes(digest[place : place + 2], "big") % 2048

    assert int.from_bytes(bloom(items), "big") == expected


def test_blanks_between_bytes_are_not_seen():
    """A node that puts them there has said the same address, as Python reads it."""
    log = Log("0x" + "ab" * 20, (), "0x", "0x0", "0x", "0x")
    blanks = replace(log, address="0x" + " ab" * 20)

    assert logs_bloom([log, blanks]) == logs_bloom([log])


def test_recorded_receipts_have_their_bloom():
    """Every receipt of a recorded mainnet block has the filter that its logs give."""
    block = recorded_block(1, 22869878)

    assert [logs_bloom(receipt.logs) for receipt in block.receipts] == [
        bytes.fromhex(receipt.logs_bloom[2:]) for receipt in block.receipts
    ]
