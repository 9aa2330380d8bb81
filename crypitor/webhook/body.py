"""What is sent: the body of each phase of a match, in the standard format. Pure.

Source: the contract's "Webhooks" section; Standard Webhooks 1.0, "Payload structure".
"""

from datetime import UTC, datetime

import msgspec

from crypitor.evm.transfers import TRANSFER_SINGLE, address_in, batch_arrays
from crypitor.evm.types import Log
from crypitor.monitor.models import Confirmations, Kind, Match, Phase, Transfer

NATIVE_DECIMALS = 18
"""Of every EVM chain's own coin: the protocol counts in wei."""


def rfc3339(unix_ms: int) -> str:
    """Return an instant as RFC 3339 text in UTC with milliseconds."""
    moment = datetime.fromtimestamp(unix_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{unix_ms % 1000:03d}Z"


def document(match: Match, chain_id: int) -> str:
    """Return the JSON object that stays the same in all phases of a match.

    It is stored, and becomes `data` of each body once the confirmations are added.
    """
    moved, transaction, header = match.transfer, match.transaction, match.header
    log = moved.log
    return _json(
        {
            "id": match.id,
            "monitor": {
                "id": match.monitor.id,
                "name": match.monitor.name,
                "tags": match.monitor.tags,
            },
            "network": match.network,
            "chain_id": chain_id,
            "kind": moved.kind,
            "direction": match.direction,
            "address": match.address,
            "label": match.label,
            "block": {
                "number": header.number,
                "hash": header.hash,
                "timestamp": rfc3339(header.timestamp * 1000),
            },
            "transaction": {
                "hash": transaction.hash,
                "index": int(transaction.index, 16),
                "from_address": transaction.sender,
                "to_address": transaction.to,
                "value": str(int(transaction.value, 16)),
                "status": "success" if match.receipt.succeeded else "failed",
            },
            "log_index": None if log is None else int(log.index, 16),
            "item": moved.item,
            "from_address": moved.sender,
            "to_address": moved.receiver,
            "contract": None if log is None else _contract(log),
            "amount": str(moved.amount),
            "amount_formatted": formatted(moved.amount, NATIVE_DECIMALS) if log is None else None,
            "token_id": None if moved.token_id is None else str(moved.token_id),
            "event": None if log is None else _event(log, moved),
        }
    )


def body(
    phase: Phase,
    document: str,
    *,
    confirmations: int,
    confirmations_required: Confirmations,
    now: int,
) -> str:
    """Return the body that tells a phase.

    document: as `document()` made it when the match was found.
    confirmations: head - block + 1; 0 for a block that has left the chain.
    now: unix milliseconds of the phase, not of an attempt.
    """
    counted = _json(
        {"confirmations": confirmations, "confirmations_required": confirmations_required}
    )
    return (
        f'{{"type":"match.{phase}","timestamp":"{rfc3339(now)}",'
        f'"data":{document[:-1]},{counted[1:]}}}'
    )


def formatted(amount: int, decimals: int) -> str:
    """Return an amount in whole coins, exactly, without zeros at its end."""
    whole, rest = divmod(amount, 10**decimals)
    fraction = f"{rest:0{decimals}d}".rstrip("0") if decimals else ""
    return f"{whole}.{fraction}" if fraction else str(whole)


def _contract(log: Log) -> dict[str, object]:
    return {"address": log.address, "name": None, "symbol": None, "decimals": None}


def _event(log: Log, moved: Transfer) -> dict[str, object]:
    parties = {"from": moved.sender, "to": moved.receiver}
    if moved.kind is Kind.ERC20:
        signature = "Transfer(address,address,uint256)"
        args: dict[str, object] = {**parties, "value": str(moved.amount)}
    elif moved.kind is Kind.ERC721:
        signature = "Transfer(address,address,uint256)"
        args = {**parties, "tokenId": str(moved.token_id)}
    elif log.topics[0] == TRANSFER_SINGLE:
        signature = "TransferSingle(address,address,address,uint256,uint256)"
        args = {
            "operator": address_in(log.topics[1]),
            **parties,
            "id": str(moved.token_id),
            "value": str(moved.amount),
        }
    else:
        signature = "TransferBatch(address,address,address,uint256[],uint256[])"
        ids, amounts = batch_arrays(log.data) or ([], [])
        args = {
            "operator": address_in(log.topics[1]),
            **parties,
            "ids": [str(token_id) for token_id in ids],
            "values": [str(amount) for amount in amounts],
        }
    return {"name": signature.partition("(")[0], "signature": signature, "args": args}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
