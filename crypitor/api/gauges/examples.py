"""Examples for the OpenAPI document; a test holds them against their schemas."""

from crypitor.api.serving.examples import BLOCK, TIME, VITALIK, Examples, page

_SEEN = {"number": 21000000, "hash": BLOCK, "timestamp": TIME}

EXAMPLES = Examples(
    bodies={},
    answers={
        "read_monitor_gauges": page(
            {
                "id": "ga_l6rcbXhgDMsAeKgNC6o9YQ",
                "network": "ethereum",
                "kind": "balance",
                "address": VITALIK,
                "contract": None,
                "token_id": None,
                "signature": None,
                "where": "balance < 5 ether",
                "state": "armed",
                "match": None,
                "looked_at": _SEEN,
                "balance": "6200000000000000000",
                "result": None,
                "readings": [
                    {
                        "block": _SEEN,
                        "balance": "6200000000000000000",
                        "result": None,
                        "state": "armed",
                        "match": None,
                    }
                ],
            }
        )
    },
)
