"""Examples for the OpenAPI document, by operationId; a test holds them against their schemas."""

from typing import Any, Final

MONITOR_ID: Final = "mo_01jd9qv3x8k5m2n7p4r6t8w0y1"
ENDPOINT_ID: Final = "ep_01jd9qv3x8h4b6d8f0g2j4m6q8"
PROJECT_ID: Final = "pr_01jd9qtzz0a1b2c3d4e5f6g7h8"
KEY_ID: Final = "ke_01jd9qtzz1s2t3v4w5x6y7z8a9"
MATCH_ID: Final = "ma_kd3Yb0mE2v9QxZ1tR7uLwA"
DELIVERY_ID: Final = "de_Pq4sT1nVb8cYhK2jX6zMfg"
JOB_ID: Final = "jo_01jd9qw5t6u7v8w9x0y1z2a3b4"
BEACON: Final = "0x00000000219ab540356cbb839cbe05303d7705fa"
VITALIK: Final = "0xd8da6bf26964af9d7eed9e03e53415d37aa96045"
USDC: Final = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
TRANSACTION: Final = "0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060"
BLOCK: Final = "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"
TIME: Final = "2026-11-22T15:00:00.123Z"
OLD_SECRET: Final = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"  # noqa: S105 - an example
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="  # noqa: S105 - an example

_ARMED = {"ethereum": 21000001}

_SYMMETRIC: dict[str, Any] = {"signature": "v1", "public_key": None}

_ENDPOINT: dict[str, Any] = {
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

_MONITOR: dict[str, Any] = {
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

_MATCH: dict[str, Any] = {
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

_DELIVERY: dict[str, Any] = {
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

_NETWORK: dict[str, Any] = {
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
        }
    ],
}

_JOB: dict[str, Any] = {
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

_REPLAY: dict[str, Any] = {
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

_HEADERS = {
    "Content-Type": "application/json",
    "webhook-id": DELIVERY_ID,
    "webhook-timestamp": "1795359600",
    "webhook-signature": "***",
}

_TRIED_RULE: dict[str, Any] = {
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

_PROJECT = {"id": PROJECT_ID, "name": "accounting", "created_at": TIME}

_KEY: dict[str, Any] = {
    "id": KEY_ID,
    "project": PROJECT_ID,
    "name": "grafana",
    "scope": "read",
    "created_at": TIME,
    "revoked_at": None,
}

_INVALID = [{"line": 3, "value": "0x12", "reason": "an address is 0x and 40 hex digits"}]


def _page(row: dict[str, Any]) -> dict[str, Any]:
    return {"data": [row], "next_cursor": None}


BODIES: dict[str, Any] = {
    "create_monitor": {
        "name": "Treasury",
        "networks": ["ethereum"],
        "addresses": [BEACON, {"address": VITALIK, "label": "hot wallet"}],
        "rules": [
            {"kind": "native"},
            {
                "kind": "erc20",
                "direction": "in",
                "contracts": [USDC],
                "where": "amount >= 1_000_000",
            },
            {
                "kind": "event",
                "signature": "event Approval(address indexed owner, address indexed spender, "
                "uint256 value)",
                "contracts": [USDC],
                "where": "watched(args.owner)",
            },
        ],
        "webhook": {"url": "https://example.com/hooks/crypitor"},
        "tags": ["ops"],
    },
    "change_monitor": {"name": "Treasury, old", "enabled": False},
    "add_monitor_addresses": {"addresses": [BEACON, {"address": VITALIK, "label": "hot wallet"}]},
    "remove_monitor_addresses": {"addresses": [BEACON]},
    "create_endpoint": {
        "url": "https://example.com/hooks/crypitor",
        "description": "accounting",
        "headers": {"X-Team": "accounting"},
    },
    "change_endpoint": {"rate_per_second": 5, "headers": {"X-Team": None}},
    "test_monitor": {"network": "ethereum", "transaction": TRANSACTION},
    "rotate_secret": {},
    "start_backfill": {"network": "ethereum", "from_block": 20000000, "to_block": 20999999},
    "retry_delivery": {"again": True},
    "replay_monitor": {"since": "2026-11-22T12:00:00Z", "status": ["failed"]},
    "replay_endpoint": {"since": "2026-11-22T12:00:00Z", "status": ["failed"]},
    "add_project": {"name": "accounting"},
    "add_key": {"name": "grafana", "scope": "read"},
}

ANSWERS: dict[str, Any] = {
    "create_monitor": {
        **_MONITOR,
        "webhook": {**_ENDPOINT, "secret": SECRET},
        "armed_from": _ARMED,
    },
    "read_monitors": _page({**_MONITOR, "addresses": None}),
    "read_monitor": _MONITOR,
    "change_monitor": {
        **_MONITOR,
        "name": "Treasury, old",
        "enabled": False,
        "armed_from": _ARMED,
    },
    "remove_monitor": {"id": MONITOR_ID, "deleted": True, "armed_from": _ARMED},
    "add_monitor_addresses": {
        "added": 1,
        "already_present": 1,
        "invalid": _INVALID,
        "invalid_count": 1,
        "armed_from": _ARMED,
    },
    "remove_monitor_addresses": {
        "removed": 1,
        "not_present": 0,
        "invalid": [],
        "invalid_count": 0,
        "armed_from": _ARMED,
    },
    "read_monitor_addresses": {
        "data": [{"address": VITALIK, "label": "hot wallet"}],
        "next_cursor": VITALIK,
    },
    "read_monitor_address": {"address": VITALIK, "label": "hot wallet"},
    "create_endpoint": {**_ENDPOINT, "headers": {"X-Team": "accounting"}, "secret": SECRET},
    "read_endpoints": _page(_ENDPOINT),
    "read_endpoint": _ENDPOINT,
    "change_endpoint": {**_ENDPOINT, "rate_per_second": 5.0},
    "remove_endpoint": {"id": ENDPOINT_ID, "deleted": True},
    "read_secret": {"secret": SECRET, **_SYMMETRIC, "old_secrets": []},
    "rotate_secret": {
        "secret": SECRET,
        **_SYMMETRIC,
        "old_secrets": [{"secret": OLD_SECRET, **_SYMMETRIC, "signs_until": TIME}],
    },
    "read_matches": _page(_MATCH),
    "read_match": _MATCH,
    "read_deliveries": _page(_DELIVERY),
    "read_delivery": {
        **_DELIVERY,
        "body": '{"type":"match.detected","timestamp":"2026-11-22T15:00:00.123Z","data":{}}',
        "attempts": [
            {
                "number": 1,
                "started_at": TIME,
                "duration_ms": 64,
                "status_code": 204,
                "error": None,
                "answer": "",
                "request_headers": _HEADERS,
            }
        ],
    },
    "retry_delivery": {**_DELIVERY, "status": "pending", "due_at": TIME, "finished_at": None},
    "replay_monitor": {**_REPLAY, "monitor": MONITOR_ID, "endpoint": None},
    "replay_endpoint": _REPLAY,
    "ping_endpoint": {
        "endpoint": ENDPOINT_ID,
        "webhook_id": "pi_01jd9qw5t6u7v8w9x0y1z2a3b4",
        "succeeded": True,
        "started_at": TIME,
        "duration_ms": 64,
        "status_code": 204,
        "error": None,
        "answer": "",
        "request_headers": {**_HEADERS, "webhook-id": "pi_01jd9qw5t6u7v8w9x0y1z2a3b4"},
    },
    "test_monitor": {
        "monitor": MONITOR_ID,
        "network": "ethereum",
        "enabled": True,
        "match_count": 0,
        "matches": [],
        "transaction": {
            "hash": TRANSACTION,
            "block": {"number": 21000000, "hash": BLOCK, "timestamp": "2026-11-22T14:59:59.000Z"},
            "from_address": VITALIK,
            "to_address": USDC,
            "value": "0",
            "status": "success",
            "rules": [_TRIED_RULE],
        },
        "blocks": None,
    },
    "start_backfill": {
        **_JOB,
        "status": "queued",
        "blocks_done": 0,
        "matches_found": 0,
        "matches_new": 0,
        "blocks_per_second": None,
        "expected_at": None,
        "started_at": None,
    },
    "read_job": _JOB,
    "stop_job": {**_JOB, "status": "cancelled", "expected_at": None, "finished_at": TIME},
    "read_networks": _page(_NETWORK),
    "read_network": _NETWORK,
    "add_project": _PROJECT,
    "read_projects": _page(_PROJECT),
    "add_key": {**_KEY, "secret": f"{KEY_ID}_9bXk3mQ7…"},
    "read_keys": _page(_KEY),
    "remove_key": {"id": KEY_ID, "deleted": True},
    "read_health": {"status": "ok"},
    "read_readiness": {
        "status": "ready",
        "roles": ["api", "worker", "monitor", "webhook"],
        "processes": [],
    },
}
