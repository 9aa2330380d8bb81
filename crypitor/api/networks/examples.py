"""Examples for the OpenAPI document; a test holds them against their schemas."""

from typing import Any

from crypitor.api.serving.examples import Examples, page

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
    "reorgs": [],
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

EXAMPLES = Examples(
    bodies={"resume_network": {"dry_run": True}},
    answers={
        "read_networks": page(NETWORK),
        "read_network": NETWORK,
        "resume_network": {
            "network": "ethereum",
            "from_block": 21000001,
            "reason": "Block 21000000 was matched, and the nodes have it still; block "
            "21000001 they have not.",
            "dry_run": True,
            "stands_on": 21000000,
            "reverted": 12,
            "left_unmatched": None,
        },
    },
)
