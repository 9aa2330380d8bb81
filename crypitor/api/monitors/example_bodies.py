"""The bodies of requests."""

from typing import Any

from crypitor.api.examples.terms import BEACON, TRANSACTION, USDC, VITALIK

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
