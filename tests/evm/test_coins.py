"""Moves of a chain's own coin out of its logs, held against blocks that clients made."""

import json

import msgspec
import pytest
from msgspec.structs import replace

from crypitor.evm.coins import BOR_COIN, EIP_7708, ZKSYNC_COIN, coin_transfers
from crypitor.evm.networks import PRESETS, free_traces
from crypitor.evm.profiles import profile_of
from crypitor.evm.proof import prove
from crypitor.evm.traces import read_traces
from crypitor.evm.transfers import TRANSFER
from crypitor.evm.types import Block, Header, InternalTransfer, Log, Receipt, Seal, Transaction
from tests import recorded
from tests.evm.recorded import recorded_block

BLOCK = f"0x{'b1' * 32}"
HASH = f"0x{1:064x}"
ALICE, BOB, CAROL, BOOTLOADER = (f"0x{number:040x}" for number in (0xA, 0xB, 0xC, 0x8001))


def amsterdam():
    """The blocks that geth made with the rules of Amsterdam, with the traces that it gave."""
    return [
        (recorded.as_block(doc), json.dumps(doc["traces"]).encode())
        for doc in recorded.newest("amsterdam-geth")
    ]


def moves(transfers):
    return [(one.sender, one.receiver, int(one.value, 16)) for one in transfers]


def test_geths_logs_tell_what_its_traces_tell():
    """Of 23 blocks the same transfers in the same order, each once, but for the written exceptions.

    A CALLCODE moves nothing and neither tells it; what a SELFDESTRUCT gives to itself neither.
    """
    told = 0
    for block, traces in amsterdam():
        expected = read_traces(block, traces, "debug")
        assert coin_transfers(block, EIP_7708) == expected
        told += len(expected)

    assert told == 4  # 9, 13 and 13 wei to the beacon, 29 to a created contract


MOVES = {20000000: (18, 35), 40000000: (9, 5), 43200000: (8, 11)}
"""Of blocks of Polygon: payments, and moves within transactions."""


@pytest.mark.parametrize("number", recorded.there(137, *MOVES))
def test_polygons_logs_tell_each_payment_and_what_is_left_is_inner(number):
    """Each successful payment has one LogTransfer; the others are moves within transactions."""
    block = recorded_block(137, number)
    told = coin_transfers(
        Block(block.seal.header, block.transactions, block.receipts), profile_of(137).coin_logs
    )

    paying = [
        transaction
        for transaction, receipt in zip(block.transactions, block.receipts, strict=True)
        if receipt.succeeded and int(transaction.value, 16)
    ]
    assert (len(paying), len(told)) == MOVES[number]


def test_polygons_bridge_pays_within_a_transaction_that_moves_nothing():
    """A deposit is credited by the state-sync transaction: 4 POL of it in block 147648."""
    block = recorded_block(137, 147648)
    [credit] = coin_transfers(
        Block(block.seal.header, block.transactions, block.receipts), BOR_COIN
    )

    assert (credit.sender, int(credit.value, 16)) == (BOR_COIN.address, 0x377F4D4FF8C98000)
    assert int(block.transactions[0].value, 16) == 0


def topic(address):
    return "0x" + "0" * 24 + address[2:]


def zksync(*moved, value=0, status="0x1", coin=ZKSYNC_COIN.address):
    """A transaction from Alice to Bob of which L2BaseToken tells these moves."""
    logs = tuple(
        Log(
            coin, (TRANSFER, topic(sender), topic(receiver)), f"0x{amount:064x}", hex(place),
            BLOCK, HASH,
        )
        for place, (sender, receiver, amount) in enumerate(moved)
    )  # fmt: skip
    return Block(
        Header(7, BLOCK, BLOCK, 1),
        (Transaction(HASH, "0x0", BLOCK, ALICE, hex(value), BOB),),
        (Receipt(HASH, "0x0", BLOCK, logs, status=status),),
    )


FEE, REFUND, OWN = (ALICE, BOOTLOADER, 100), (BOOTLOADER, ALICE, 40), (ALICE, BOB, 7)


def test_on_zksync_fee_refund_and_the_own_value_are_no_inner_moves():
    """The fee stands first, its refund last, the transaction's value between them."""
    assert coin_transfers(zksync(FEE, OWN, REFUND, value=7), ZKSYNC_COIN) == ()


def test_of_two_equal_moves_one_is_the_transactions_own():
    """The contract that was paid 7 by Alice is paid 7 by her once more, by an inner call."""
    told = coin_transfers(zksync(FEE, OWN, OWN, (BOB, CAROL, 3), value=7), ZKSYNC_COIN)

    assert told == (
        InternalTransfer(0, 0, ALICE, BOB, "0x7"),
        InternalTransfer(0, 1, BOB, CAROL, "0x3"),
    )


def test_a_failed_transaction_moved_nothing():
    """On ZKsync it keeps the logs of its fee."""
    assert coin_transfers(zksync(FEE, (BOB, CAROL, 3), status="0x0"), ZKSYNC_COIN) == ()


def test_logs_of_others_and_logs_that_do_not_decode_tell_nothing():
    """A token's Transfer is a token's; a log cut short is no move, and no error."""
    short = zksync((BOB, CAROL, 3))
    [receipt] = short.receipts
    cut = [replace(receipt.logs[0], data="0x01"), replace(receipt.logs[0], topics=(TRANSFER,))]

    assert coin_transfers(zksync((BOB, CAROL, 3), coin=CAROL), ZKSYNC_COIN) == ()
    for log in cut:
        seen = replace(short, receipts=(replace(receipt, logs=(log,)),))
        assert coin_transfers(seen, ZKSYNC_COIN) == ()


def test_a_move_of_nothing_is_no_transfer():
    """As in traces: the value is above zero."""
    assert coin_transfers(zksync((BOB, CAROL, 0)), ZKSYNC_COIN) == ()


def test_blocks_with_the_new_header_fields_prove_themselves():
    """Nothing of what receipts commit to changes with blockAccessListHash and slotNumber."""
    for doc in recorded.newest("amsterdam-geth"):
        block = recorded.as_block(doc)
        assert {"blockAccessListHash", "slotNumber"} <= doc["block"].keys()
        prove(_seal(doc), block.transactions, block.receipts, "receipts")


def _seal(doc):
    return msgspec.convert(doc["block"], Seal)


@pytest.mark.parametrize("chain_id", [232, 300, 324, 2741, 50104])
def test_zksyncs_family_has_one_coin(chain_id):
    """Lens, ZKsync and its Sepolia, Abstract, Sophon: the same system contracts."""
    assert profile_of(chain_id).coin_logs == ZKSYNC_COIN


def test_where_logs_tell_everything_they_are_the_default():
    """Polygon and ZKsync from their first block; Ethereum has no block of Amsterdam yet."""
    told = {name for name, preset in PRESETS.items() if preset.traces == "logs"}
    assert told >= {"polygon", "zksync"}
    assert told.isdisjoint({"ethereum", "bsc", "base", "arbitrum", "avalanche"})
    assert [free_traces(profile_of(chain_id)) for chain_id in (1, 1337, 324)] == [
        "off",
        "off",
        "logs",
    ]
