"""Examples for the OpenAPI document; a test holds them against their schemas."""

from typing import Any

from crypitor.api.serving.examples import (
    DELIVERY_ID,
    ENDPOINT_ID,
    MATCH_ID,
    MONITOR_ID,
    TIME,
    Examples,
    page,
)

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

HEADERS = {
    "Content-Type": "application/json",
    "webhook-id": DELIVERY_ID,
    "webhook-timestamp": "1795359600",
    "webhook-signature": "***",
}

ATTEMPT: dict[str, Any] = {
    "delivery": DELIVERY_ID,
    "number": 1,
    "type": "match.detected",
    "monitor": MONITOR_ID,
    "match": MATCH_ID,
    "endpoint": ENDPOINT_ID,
    "outcome": "taken",
    "started_at": TIME,
    "duration_ms": 64,
    "status_code": 204,
    "error": None,
}

EXAMPLES = Examples(
    bodies={
        "retry_delivery": {"again": True},
    },
    answers={
        "read_attempts": page(ATTEMPT),
        "read_deliveries": page(DELIVERY),
        "read_delivery": {
            **DELIVERY,
            "body": '{"type":"match.detected","timestamp":"2026-11-22T15:00:00.123Z","data":{}}',
            "attempts": [
                {
                    "number": 1,
                    "started_at": TIME,
                    "duration_ms": 64,
                    "status_code": 204,
                    "error": None,
                    "answer": "",
                    "request_headers": HEADERS,
                }
            ],
        },
        "retry_delivery": {**DELIVERY, "status": "pending", "due_at": TIME, "finished_at": None},
    },
)
