"""Examples for the OpenAPI document; a test holds them against their schemas."""

from typing import Any

from crypitor.api.serving.examples import ENDPOINT_ID, Examples

COUNTS: dict[str, Any] = {
    "matches": {"detected": 42, "confirmed": 40, "ended": 0, "reverted": 1},
    "deliveries": {"delivered": 82, "failed": 0, "cancelled": 0},
    "attempts": {"taken": 82, "refused": 3, "unanswered": 1},
    "first_attempt": {"count": 83, "mean_ms": 14, "p50_ms": 12, "p95_ms": 29, "p99_ms": 41},
    "success": {"count": 82, "mean_ms": 61, "p50_ms": 40, "p95_ms": 116, "p99_ms": 5310},
}

STATS: dict[str, Any] = {
    "step": "hour",
    "since": "2026-11-22T15:00:00.000Z",
    "until": "2026-11-22T16:00:00.000Z",
    "complete": True,
    "now": {
        "matches_per_minute": 0.8,
        "deliveries_per_minute": 1.6,
        "attempts_per_minute": 1.6,
        "pending": 1,
    },
    "total": COUNTS,
    "histogram": {
        "first_attempt": [
            {"from_ms": 8, "below_ms": 16, "count": 60},
            {"from_ms": 16, "below_ms": 32, "count": 23},
        ],
        "success": [{"from_ms": 32, "below_ms": 64, "count": 82}],
    },
    "series": [{"at": "2026-11-22T15:00:00.000Z", **COUNTS}],
    "groups": [
        {
            **COUNTS,
            "subject": ENDPOINT_ID,
            "matches": {"detected": 0, "confirmed": 0, "ended": 0, "reverted": 0},
            "first_attempt": {"count": 83, "mean_ms": 14},
            "success": {"count": 82, "mean_ms": 61},
        }
    ],
}

EXAMPLES = Examples(bodies={}, answers={"read_stats": STATS})
