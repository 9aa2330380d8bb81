"""Examples for the OpenAPI document; a test holds them against their schemas."""

from typing import Any

from crypitor.api.serving.examples import (
    BEACON,
    BLOCK,
    KEY_ID,
    MATCH_ID,
    MONITOR_ID,
    TIME,
    TRANSACTION,
    USDC,
    VITALIK,
    Examples,
    page,
)

MATCH: dict[str, Any] = {
    "id": MATCH_ID,
    "phase": "detected",
    "created_at": TIME,
    "monitor": {"id": MONITOR_ID, "name": "Treasury", "tags": ["ops"]},
    "network": "ethereum",
    "chain_id": 1,
    "kind": "erc20",
    "direction": "in",
    "address": VITALIK,
    "label": "hot wallet",
    "block": {"number": 21000000, "hash": BLOCK, "timestamp": "2026-11-22T14:59:59.000Z"},
    "transaction": {
        "hash": TRANSACTION,
        "index": 88,
        "from_address": BEACON,
        "to_address": USDC,
        "value": "0",
        "status": "success",
    },
    "log_index": 413,
    "item": None,
    "from_address": BEACON,
    "to_address": VITALIK,
    "contract": {"address": USDC, "name": None, "symbol": None, "decimals": None},
    "amount": "123100",
    "amount_formatted": None,
    "token_id": None,
    "event": {
        "name": "Transfer",
        "signature": "Transfer(address,address,uint256)",
        "args": {"from": BEACON, "to": VITALIK, "value": "123100"},
    },
    "confirmations": 1,
    "confirmations_required": 12,
}

EXAMPLES = Examples(
    bodies={},
    answers={
        "read_matches": page(MATCH),
        "read_match": MATCH,
        "acknowledge": {
            **MATCH,
            "acknowledged": {"at": TIME, "by": KEY_ID},
        },
    },
)
