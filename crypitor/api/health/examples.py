"""Examples for the OpenAPI document; a test holds them against their schemas."""

from crypitor.api.serving.examples import Examples

EXAMPLES = Examples(
    bodies={},
    answers={
        "read_health": {"status": "ok"},
        "read_readiness": {
            "status": "ready",
            "roles": ["api", "worker", "monitor", "webhook"],
            "processes": [
                {
                    "id": "vm-1:812:9f2c4a1b",
                    "roles": ["api", "worker", "monitor", "webhook"],
                    "troubles": {},
                }
            ],
        },
    },
)
