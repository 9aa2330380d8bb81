from crypitor.evm.bloom import bloom, logs_bloom
from crypitor.evm.types import Log
from tests.evm.recorded import recorded_block


def test_an_item_sets_the_bits_of_the_yellow_paper():
    """
    Agrees with go-ethereum's TestBloomExtensively: 100 items "xxxxxxxxxx data <i> yyyyyyyyyyyyyy".
    """
    from crypitor.evm.keccak import keccak

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


def test_recorded_receipts_have_their_bloom():
    """Every receipt of a recorded mainnet block has the filter that its logs give."""
    block = recorded_block(1, 22869878)

    assert [logs_bloom(receipt.logs) for receipt in block.receipts] == [
        bytes.fromhex(receipt.logs_bloom[2:]) for receipt in block.receipts
    ]
