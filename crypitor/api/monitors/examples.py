"""Examples for the OpenAPI document; a test holds them against their schemas."""

from typing import Any

from crypitor.api.addresses.examples import ARMED
from crypitor.api.endpoints.examples import ENDPOINT
from crypitor.api.serving.examples import (
    BEACON,
    ENDPOINT_ID,
    MONITOR_ID,
    SECRET,
    TIME,
    USDC,
    VITALIK,
    Examples,
    page,
)

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

EXAMPLES = Examples(
    bodies={
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
    },
    answers={
        "create_monitor": {
            **MONITOR,
            "webhook": {**ENDPOINT, "secret": SECRET},
            "armed_from": ARMED,
        },
        "read_monitors": page({**MONITOR, "addresses": None}),
        "read_monitor": MONITOR,
        "change_monitor": {
            **MONITOR,
            "name": "Treasury, old",
            "enabled": False,
            "armed_from": ARMED,
        },
        "remove_monitor": {"id": MONITOR_ID, "deleted": True, "armed_from": ARMED},
    },
)
