"""Chains of other kinds: what each quirk makes another, and that no quirk changes the traffic."""

import pytest

from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.documents import block_document, receipt_document
from crypitor.development.simulator.quirks import MEANING, Quirk, read_quirks
from crypitor.evm.keccak import keccak
from crypitor.evm.trie import ordered_root

BLOCKS = 8


def chain_of(*quirks):
    chain = SimulatedChain(3, transfers=(4, 8), quirks=quirks)
    chain.mine(BLOCKS)
    return chain


def blocks_of(chain):
    return [chain.by_number(number) for number in range(BLOCKS + 1)]


@pytest.mark.parametrize("quirk", Quirk)
def test_a_quirk_leaves_the_traffic_as_it_is(quirk):
    """The same transactions are sent, and the same moves happen."""

    def told(chain):
        return [
            [(mined.signed.sender, mined.signed.envelope.nonce) for mined in block.transactions]
            for block in blocks_of(chain)
        ]

    assert told(chain_of(quirk)) == told(chain_of())


def test_late_roots_are_of_earlier_blocks():
    """Each header commits to what its parent did not settle yet, up to its settledHeight."""
    blocks = blocks_of(chain_of(Quirk.LATE_ROOTS))
    plain = blocks_of(chain_of())
    heights = [block.header["settledHeight"] for block in blocks]

    assert heights == [0, 0, 0, 0, 2, 2, 4, 4, 6]
    for block, before in zip(blocks[1:], heights, strict=False):
        settled = plain[before + 1 : block.header["settledHeight"] + 1]
        encoded = [mined.encoded_receipt() for one in settled for mined in one.transactions]
        assert block.header["receiptsRoot"] == ordered_root(encoded)


def test_a_system_transaction_is_served_and_not_committed_to():
    """The first of a block: no gas price, no cumulative gas, in neither root."""
    for block in blocks_of(chain_of(Quirk.SYSTEM_TRANSACTIONS))[1:]:
        first, *others = block.transactions
        served = block_document(block, full=True)["transactions"]

        assert served[0]["gasPrice"] == receipt_document(block, first)["cumulativeGasUsed"] == "0x0"
        assert len(served) == len(block.transactions)
        assert block.header["receiptsRoot"] == ordered_root(
            [mined.encoded_receipt() for mined in others]
        )
        assert block.header["transactionsRoot"] == ordered_root(
            [mined.signed.raw for mined in others]
        )


def test_a_phantom_has_no_receipt():
    """Transactions that failed stand in their block, and nowhere else."""
    blocks = blocks_of(chain_of(Quirk.PHANTOMS))
    failed = sum(not mined.succeeded for block in blocks for mined in block.transactions)

    assert failed > 0
    assert all(mined.succeeded for block in blocks for mined in block.receipts)


def test_logs_are_counted_anew():
    """The first log of each transaction has the index 0."""
    for block in blocks_of(chain_of(Quirk.INDEXES_ANEW)):
        for mined in block.transactions:
            indexes = [log["logIndex"] for log in receipt_document(block, mined)["logs"]]
            assert indexes == [hex(place) for place in range(len(indexes))]


def test_a_joined_root_is_the_hash_of_all_receipts():
    """Untyped, each with its own gas, a failure with its reason."""
    quirks = frozenset({Quirk.JOINED_ROOT})
    for block in blocks_of(chain_of(*quirks)):
        receipts = [mined.encoded_receipt(quirks) for mined in block.transactions]

        assert block.header["receiptsRoot"] == keccak(b"".join(receipts))
        assert all(receipt[0] >= 0xC0 for receipt in receipts)


def test_names_are_read():
    """Those that there are; another one is answered with them."""
    assert read_quirks([*MEANING]) == set(Quirk)
    with pytest.raises(ValueError, match="no quirk nonsense; there are: late_roots"):
        read_quirks(["late_roots", "nonsense"])
