import math
import re
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import msgspec
import pytest
import rlp
from eth_account import Account
from eth_keys import keys
from eth_utils import keccak

from crypitor.development.simulator.blocks import next_blob_fee
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.evm.proof import prove
from crypitor.evm.types import Receipt, Seal, Transaction
from tests.development.simulator import reading
from tests.development.simulator.served import served, served_chain

QUANTITY = re.compile(r"0x(0|[1-9a-f][0-9a-f]*)")
DATA = re.compile(r"0x([0-9a-f]{2})*")
QUANTITY_FIELDS = {
    "baseFeePerGas",
    "blobGasPrice",
    "blobGasUsed",
    "blockNumber",
    "blockTimestamp",
    "chainId",
    "cumulativeGasUsed",
    "difficulty",
    "effectiveGasPrice",
    "excessBlobGas",
    "gas",
    "gasLimit",
    "gasPrice",
    "gasUsed",
    "logIndex",
    "maxFeePerBlobGas",
    "maxFeePerGas",
    "maxPriorityFeePerGas",
    "nonce",
    "number",
    "r",
    "s",
    "size",
    "status",
    "timestamp",
    "transactionIndex",
    "type",
    "v",
    "value",
    "yParity",
}
SIZES = {
    "hash": 32,
    "parentHash": 32,
    "sha3Uncles": 32,
    "miner": 20,
    "stateRoot": 32,
    "transactionsRoot": 32,
    "receiptsRoot": 32,
    "logsBloom": 256,
    "mixHash": 32,
    "withdrawalsRoot": 32,
    "parentBeaconBlockRoot": 32,
    "blockHash": 32,
    "transactionHash": 32,
    "from": 20,
    "to": 20,
    "contractAddress": 20,
    "address": 20,
}


@pytest.fixture(scope="module")
def chain():
    chain = SimulatedChain(7, actors=40)
    chain.mine(12)
    chain.reorg(3)
    return chain


@pytest.fixture(scope="module")
def blocks(chain):
    return served_chain(chain)


def test_headers_are_linked_by_true_hashes(blocks):
    """Each hash is the keccak of the encoded header, and the next block's parent."""
    hashes = [each.block["hash"] for each in blocks]

    assert hashes == [reading.header_hash(each.block) for each in blocks]
    assert [each.block["parentHash"] for each in blocks] == ["0x" + "00" * 32, *hashes[:-1]]
    assert [int(each.block["number"], 16) for each in blocks] == list(range(14))


def test_transactions_root_is_true(blocks):
    """The trie of the encoded transactions has the header's root, and their hashes are true."""
    for each in blocks:
        raws = [reading.encoded_transaction(tx) for tx in each.block["transactions"]]

        assert each.block["transactionsRoot"] == reading.root(raws)
        assert [tx["hash"] for tx in each.block["transactions"]] == [
            "0x" + keccak(raw).hex() for raw in raws
        ]


def test_receipts_root_is_true(blocks):
    """The trie of the encoded receipts has the header's root."""
    for each in blocks:
        raws = [reading.encoded_receipt(receipt) for receipt in each.receipts]

        assert each.block["receiptsRoot"] == reading.root(raws)


def test_blooms_are_true(blocks):
    """Block and receipts have the filter over their logs."""
    assert [each.block["logsBloom"] for each in blocks] == [
        reading.bloom(each.logs) for each in blocks
    ]
    assert [r["logsBloom"] for each in blocks for r in each.receipts] == [
        reading.bloom(r["logs"]) for each in blocks for r in each.receipts
    ]


def test_signatures_are_the_senders(blocks):
    """eth_account recovers the sender of transactions of every type."""
    transactions = [tx for each in blocks[:4] for tx in each.block["transactions"]]

    assert {tx["type"] for tx in transactions} == {f"0x{kind}" for kind in range(5)}
    assert [tx["from"] for tx in transactions] == [
        Account.recover_transaction(reading.encoded_transaction(tx)).lower() for tx in transactions
    ]


def test_legacy_signatures_carry_the_chain_id(blocks):
    """EIP-155: v is 35 or 36 plus twice the chain id."""
    values = {
        int(tx["v"], 16)
        for each in blocks
        for tx in each.block["transactions"]
        if tx["type"] == "0x0"
    }

    assert values == {35 + 2 * 1337, 36 + 2 * 1337}


def test_authorizations_are_their_authorities(blocks):
    """EIP-7702: each is signed by an account that sends nothing itself, nearly all at its next nonce."""
    senders = {tx["from"] for each in blocks for tx in each.block["transactions"]}
    nonces, stale = defaultdict(int), 0
    for each in blocks:
        for tx in each.block["transactions"]:
            for given in tx.get("authorizationList", ()):
                fields = reading.encoded_authorization(given)
                digest = keccak(b"\x05" + rlp.encode(fields[:3]))
                vrs = tuple(int(given[name], 16) for name in ("yParity", "r", "s"))
                signer = keys.Signature(vrs=vrs).recover_public_key_from_msg_hash(digest)
                authority = signer.to_address()

                assert authority not in senders
                holds = int(given["nonce"], 16) == nonces[authority]
                nonces[authority] += holds
                stale += not holds
    assert sum(nonces.values()) > 5 * stale
    assert sum(nonces.values()) > 5


def test_blob_gas_is_counted_and_carried_over(blocks):
    """EIP-4844 with the numbers of EIP-7691: gas of all blobs, its excess, and its price."""
    for before, each in pairwise(blocks):
        blobs = [len(tx.get("blobVersionedHashes", ())) for tx in each.block["transactions"]]
        excess, used = (int(before.block[name], 16) for name in ("excessBlobGas", "blobGasUsed"))

        assert sum(blobs) <= 9
        assert int(each.block["blobGasUsed"], 16) == sum(blobs) * 131072
        assert int(each.block["excessBlobGas"], 16) == max(0, excess + used - 6 * 131072)
        for tx, receipt in zip(each.block["transactions"], each.receipts, strict=True):
            if tx["type"] == "0x3":
                assert int(receipt["blobGasUsed"], 16) == 131072 * len(tx["blobVersionedHashes"])
                assert int(receipt["blobGasPrice"], 16) <= int(tx["maxFeePerBlobGas"], 16)
                assert all(one.startswith("0x01") for one in tx["blobVersionedHashes"])
    assert any(int(each.block["blobGasUsed"], 16) for each in blocks)


@pytest.mark.parametrize("blobs_of_excess", [0, 1, 50, 400])
def test_the_price_of_blob_gas(blobs_of_excess):
    """EIP-4844's exponential, by its definition with real numbers."""
    chain = SimulatedChain(1, transfers=(0, 0), actors=1)
    header = {**chain.head.header, "excessBlobGas": (6 + blobs_of_excess) * 131072}
    price = next_blob_fee(replace(chain.head, header=header))

    assert price == int(math.exp(blobs_of_excess * 131072 / 5007716))


def test_size_is_that_of_the_encoded_block(blocks):
    """The size is that of the RLP of header, transactions, no uncles and no withdrawals."""
    for each in blocks[:3]:
        names = reading.HEADER
        header = [
            reading.number(each.block[name])
            if name in reading.QUANTITIES
            else reading.raw(each.block[name])
            for name in names
        ]
        raws = [reading.encoded_transaction(tx) for tx in each.block["transactions"]]
        body = [rlp.decode(raw) if raw[0] >= 0xC0 else raw for raw in raws]

        assert int(each.block["size"], 16) == len(rlp.encode([header, body, [], []]))


def test_gas_adds_up(blocks):
    """Cumulative gas is the running sum, the block's gas its last value, and within every limit."""
    for each in blocks:
        total = 0
        for tx, receipt in zip(each.block["transactions"], each.receipts, strict=True):
            total += int(receipt["gasUsed"], 16)

            assert int(receipt["cumulativeGasUsed"], 16) == total
            assert 21_000 <= int(receipt["gasUsed"], 16) <= int(tx["gas"], 16)
        assert int(each.block["gasUsed"], 16) == total <= int(each.block["gasLimit"], 16)


def test_base_fee_follows_eip_1559(blocks):
    """The base fee moves by at most an eighth, as the gas used by the parent demands."""
    for parent, child in pairwise(blocks):
        fee = int(parent.block["baseFeePerGas"], 16)
        target = int(parent.block["gasLimit"], 16) // 2
        used = int(parent.block["gasUsed"], 16)
        expected = fee - fee * (target - used) // target // 8

        assert used < target
        assert int(child.block["baseFeePerGas"], 16) == expected


def test_fees_cover_the_base_fee(blocks):
    """The price paid is base fee and tip, never more than the cap."""
    for each in blocks:
        base = int(each.block["baseFeePerGas"], 16)
        for tx, receipt in zip(each.block["transactions"], each.receipts, strict=True):
            price = int(receipt["effectiveGasPrice"], 16)
            if tx["type"] == "0x2":
                cap, tip = int(tx["maxFeePerGas"], 16), int(tx["maxPriorityFeePerGas"], 16)

                assert price == min(cap, base + tip)
            assert price == int(tx["gasPrice"], 16) >= base


def check_form(name, value):
    """Assert that a field has the form that execution-apis gives it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            check_form(key, inner)
    elif isinstance(value, list):
        for inner in value:
            check_form(name, inner)
    elif name == "removed":
        assert value is False
    elif value is None:
        assert name in ("to", "contractAddress")
    elif name in QUANTITY_FIELDS and not (name == "nonce" and len(value) == 18):
        assert QUANTITY.fullmatch(value), (name, value)
    else:
        assert DATA.fullmatch(value), (name, value)
        assert len(value) == 2 + 2 * SIZES.get(name, (len(value) - 2) // 2), (name, value)


def test_every_field_has_its_form(blocks):
    """Quantities have no leading zeros; data has whole bytes, hashes 32 and addresses 20."""
    for each in blocks:
        check_form("", each.block)
        check_form("", each.receipts)


def test_every_block_proves_itself(chain):
    """The product's own proof accepts every block, orphaned ones too, at its strongest level."""
    for found in list(chain._blocks.values()):
        block, receipts, *_ = served(found)
        transactions = msgspec.convert(block["transactions"], tuple[Transaction, ...])

        prove(
            msgspec.convert(block, Seal),
            transactions,
            msgspec.convert(receipts, tuple[Receipt, ...]),
            "receipts",
        )
    assert len(chain._blocks) == 17
