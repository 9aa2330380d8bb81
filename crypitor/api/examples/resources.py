"""One of each resource."""

from typing import Any

from crypitor.api.examples.terms import (
    BEACON,
    BLOCK,
    DELIVERY_ID,
    ENDPOINT_ID,
    JOB_ID,
    KEY_ID,
    MATCH_ID,
    MONITOR_ID,
    PROJECT_ID,
    TIME,
    TRANSACTION,
    USDC,
    VITALIK,
)

ARMED = {"ethereum": 21000001}

SYMMETRIC: dict[str, Any] = {"signature": "v1", "public_key": None}

ENDPOINT: dict[str, Any] = {
    "id": ENDPOINT_ID,
    "url": "https://example.com/hooks/crypitor",
    "description": "accounting",
    "format": "standard",
    "template": None,
    "signature": "v1",
    "public_key": None,
    "headers": {},
    "ordered": False,
    "rate_per_second": None,
    "events": [],
    "enabled": True,
    "state": "healthy",
    "state_reason": None,
    "circuit": "closed",
    "waiting": None,
    "created_at": TIME,
    "updated_at": TIME,
}

MONITOR: dict[str, Any] = {
    "id": MONITOR_ID,
    "name": "Treasury",
    "networks": ["ethereum"],
    "addresses": [BEACON, {"address": VITALIK, "label": "hot wallet"}],
    "address_count": 2,
    "rules": [
        {"kind": "native", "direction": "all"},
        {"kind": "erc20", "direction": "in", "contracts": [USDC], "where": "amount >= 1_000_000"},
        {
            "kind": "event",
            "signature": "event Approval(address indexed owner, address indexed spender, "
            "uint256 value)",
            "contracts": [USDC],
            "where": "watched(args.owner)",
        },
    ],
    "endpoints": [ENDPOINT_ID],
    "notify": ["detected", "confirmed", "reverted"],
    "confirmations": None,
    "tags": ["ops"],
    "note": "",
    "enabled": True,
    "created_at": TIME,
    "updated_at": TIME,
}

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

DELIVERY: dict[str, Any] = {
    "id": DELIVERY_ID,
    "type": "match.detected",
    "monitor": MONITOR_ID,
    "match": MATCH_ID,
    "endpoint": ENDPOINT_ID,
    "phase": "detected",
    "status": "delivered",
    "attempt_count": 1,
    "due_at": None,
    "error": None,
    "created_at": TIME,
    "finished_at": "2026-11-22T15:00:00.187Z",
}

NETWORK: dict[str, Any] = {
    "name": "ethereum",
    "chain_id": 1,
    "display_name": "Ethereum",
    "symbol": "ETH",
    "explorer": "https://etherscan.io",
    "confirmations": 12,
    "state": "following",
    "trouble": None,
    "head": 21000000,
    "tip": 21000000,
    "lag_blocks": 0,
    "lag_seconds": 1.2,
    "confirmed": 20999989,
    "finalized": 20999936,
    "blocks_per_second": 0.08,
    "seconds_to_head": 0.0,
    "requests_per_block": 1.02,
    "last_reorg": None,
    "nodes": [
        {
            "name": "your-node.example",
            "state": "active",
            "head": 21000000,
            "head_seconds": 1.2,
            "error": None,
            "error_rate": 0.0,
            "latency_ms": 23.5,
            "requests": 412,
            "batch_calls": None,
            "limits": [],
        }
    ],
}

JOB: dict[str, Any] = {
    "id": JOB_ID,
    "kind": "backfill",
    "monitor": MONITOR_ID,
    "network": "ethereum",
    "status": "running",
    "from_block": 20000000,
    "to_block": 20999999,
    "blocks_done": 250000,
    "blocks_total": 1000000,
    "matches_found": 1312,
    "matches_new": 1280,
    "blocks_per_second": 48.7,
    "expected_at": "2026-11-22T19:16:40.123Z",
    "trouble": None,
    "created_at": TIME,
    "started_at": TIME,
    "finished_at": None,
}

REPLAY: dict[str, Any] = {
    "id": JOB_ID,
    "kind": "replay",
    "monitor": None,
    "endpoint": ENDPOINT_ID,
    "status": "queued",
    "since": "2026-11-22T12:00:00.000Z",
    "until": TIME,
    "delivery_status": ["failed"],
    "deliveries_total": 412,
    "deliveries_queued": 0,
    "deliveries_left_out": 0,
    "looked_at_until": None,
    "trouble": None,
    "created_at": TIME,
    "started_at": None,
    "finished_at": None,
}

HEADERS = {
    "Content-Type": "application/json",
    "webhook-id": DELIVERY_ID,
    "webhook-timestamp": "1795359600",
    "webhook-signature": "***",
}

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

PROJECT = {"id": PROJECT_ID, "name": "accounting", "created_at": TIME}

KEY: dict[str, Any] = {
    "id": KEY_ID,
    "project": PROJECT_ID,
    "name": "grafana",
    "scope": "read",
    "created_at": TIME,
    "revoked_at": None,
}

INVALID = [{"line": 3, "value": "0x12", "reason": "an address is 0x and 40 hex digits"}]
