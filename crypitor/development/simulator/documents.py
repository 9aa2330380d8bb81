"""Blocks as JSON-RPC documents.

Source: execution-apis, schemas `Block`, `TransactionInfo`, `ReceiptInfo`, `Log`.
"""

from typing import Any, TypeAlias

from crypitor.development.simulator.blocks import Mined, SimulatedBlock
from crypitor.development.simulator.transactions import (
    BLOB,
    DYNAMIC_FEE,
    LEGACY,
    SET_CODE,
    Authorization,
)

Document: TypeAlias = dict[str, Any]


def header_document(block: SimulatedBlock) -> Document:
    """Return what newHeads announces: quantities without leading zeros, the rest as bytes."""
    fields = {
        name: hex(value) if isinstance(value, int) else "0x" + value.hex()
        for name, value in block.header.items()
    }
    return {"hash": block.hash, **fields}


def block_document(block: SimulatedBlock, *, full: bool) -> Document:
    """Return the block with its transactions, or with their hashes only."""
    return {
        **header_document(block),
        "size": hex(block.size),
        "uncles": [],
        "withdrawals": [
            {
                "index": hex(one.index),
                "validatorIndex": hex(one.validator_index),
                "address": one.address,
                "amount": hex(one.amount),
            }
            for one in block.withdrawals
        ],
        "transactions": [
            transaction_document(block, mined) if full else mined.signed.hash
            for mined in block.transactions
        ],
    }


def transaction_document(block: SimulatedBlock, mined: Mined) -> Document:
    """Return a transaction; which fee fields it has depends on its type."""
    signed, envelope = mined.signed, mined.signed.envelope
    document: Document = {
        "blockHash": block.hash,
        "blockNumber": hex(block.number),
        "transactionIndex": hex(mined.index),
        "hash": signed.hash,
        "type": hex(envelope.kind),
        "chainId": hex(envelope.chain_id),
        "nonce": hex(envelope.nonce),
        "from": signed.sender,
        "to": envelope.to,
        "value": hex(envelope.value),
        "gas": hex(envelope.gas),
        "gasPrice": hex(signed.gas_price(block.base_fee) if mined.committed else 0),
        "input": "0x" + envelope.data.hex(),
        "v": hex(signed.v),
        "r": hex(signed.signature.r),
        "s": hex(signed.signature.s),
    }
    if envelope.kind != LEGACY:
        document["yParity"] = hex(signed.signature.y_parity)
        document["accessList"] = [
            {"address": address, "storageKeys": ["0x" + key.hex() for key in keys]}
            for address, keys in envelope.access_list
        ]
    if envelope.kind >= DYNAMIC_FEE:
        document["maxFeePerGas"] = hex(envelope.fee_cap)
        document["maxPriorityFeePerGas"] = hex(envelope.tip)
    if envelope.kind == BLOB:
        document["maxFeePerBlobGas"] = hex(envelope.blob_fee_cap)
        document["blobVersionedHashes"] = ["0x" + each.hex() for each in envelope.blob_hashes]
    if envelope.kind == SET_CODE:
        document["authorizationList"] = [
            _authorization_document(each) for each in envelope.authorizations
        ]
    return document


def _authorization_document(given: Authorization) -> Document:
    return {
        "chainId": hex(given.chain_id),
        "address": given.address,
        "nonce": hex(given.nonce),
        "yParity": hex(given.signature.y_parity),
        "r": hex(given.signature.r),
        "s": hex(given.signature.s),
    }


def receipt_document(block: SimulatedBlock, mined: Mined) -> Document:
    """Return a receipt with its logs."""
    signed = mined.signed
    document: Document = {
        "blockHash": block.hash,
        "blockNumber": hex(block.number),
        "transactionHash": signed.hash,
        "transactionIndex": hex(mined.index),
        "type": hex(signed.envelope.kind),
        "from": signed.sender,
        "to": signed.envelope.to,
        "contractAddress": mined.created,
        "status": hex(mined.succeeded),
        "gasUsed": hex(mined.gas_used),
        "cumulativeGasUsed": hex(mined.cumulative_gas_used),
        "effectiveGasPrice": hex(signed.gas_price(block.base_fee)),
        "logsBloom": "0x" + mined.bloom.hex(),
        "logs": [log_document(block, mined, place) for place in range(len(mined.events))],
    }
    if signed.envelope.kind == BLOB:
        document["blobGasUsed"] = hex(mined.blob_gas_used)
        document["blobGasPrice"] = hex(block.blob_fee)
    return document


def log_document(block: SimulatedBlock, mined: Mined, place: int) -> Document:
    """Return one log of a transaction."""
    event = mined.events[place]
    return {
        "address": event.address,
        "topics": ["0x" + topic.hex() for topic in event.topics],
        "data": "0x" + event.data.hex(),
        "blockHash": block.hash,
        "blockNumber": hex(block.number),
        "blockTimestamp": hex(block.timestamp),
        "transactionHash": mined.signed.hash,
        "transactionIndex": hex(mined.index),
        "logIndex": hex(mined.first_log + place),
        "removed": False,
    }
