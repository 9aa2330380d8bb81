"""Examples for the OpenAPI document; a test holds them against their schemas."""

from typing import Any

from crypitor.api.serving.examples import (
    BEACON,
    BLOCK,
    MONITOR_ID,
    TRANSACTION,
    USDC,
    VITALIK,
    Examples,
)

TRIED_RULE: dict[str, Any] = {
    "rule": 0,
    "kind": "erc20",
    "matches": 0,
    "detail": "does not match; nearest to it: the condition is false",
    "findings": [
        {
            "matches": False,
            "reasons": [{"obstacle": "where", "detail": "the condition is false"}],
            "direction": "in",
            "address": BEACON,
            "from_address": VITALIK,
            "to_address": BEACON,
            "contract": USDC,
            "amount": "123100",
            "token_id": None,
            "args": None,
            "log_index": 413,
            "item": None,
            "where": {
                "outcome": False,
                "error": None,
                "parts": [
                    {
                        "text": "amount >= 1_000_000",
                        "position": 0,
                        "outcome": False,
                        "error": None,
                        "values": {"amount": "123100"},
                    }
                ],
            },
        }
    ],
    "left_out": 0,
}

EXAMPLES = Examples(
    bodies={
        "test_monitor": {"network": "ethereum", "transaction": TRANSACTION},
    },
    answers={
        "test_monitor": {
            "monitor": MONITOR_ID,
            "network": "ethereum",
            "enabled": True,
            "match_count": 0,
            "matches": [],
            "transaction": {
                "hash": TRANSACTION,
                "block": {
                    "number": 21000000,
                    "hash": BLOCK,
                    "timestamp": "2026-11-22T14:59:59.000Z",
                },
                "from_address": VITALIK,
                "to_address": USDC,
                "value": "0",
                "status": "success",
                "rules": [TRIED_RULE],
            },
            "blocks": None,
        },
    },
)
