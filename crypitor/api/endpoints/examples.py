"""Examples for the OpenAPI document; a test holds them against their schemas."""

from typing import Any

from crypitor.api.deliveries.examples import HEADERS
from crypitor.api.serving.examples import ENDPOINT_ID, OLD_SECRET, SECRET, TIME, Examples, page

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

EXAMPLES = Examples(
    bodies={
        "create_endpoint": {
            "url": "https://example.com/hooks/crypitor",
            "description": "accounting",
            "headers": {"X-Team": "accounting"},
        },
        "change_endpoint": {"rate_per_second": 5, "headers": {"X-Team": None}},
        "rotate_secret": {},
    },
    answers={
        "create_endpoint": {**ENDPOINT, "headers": {"X-Team": "accounting"}, "secret": SECRET},
        "read_endpoints": page(ENDPOINT),
        "read_endpoint": ENDPOINT,
        "change_endpoint": {**ENDPOINT, "rate_per_second": 5.0},
        "remove_endpoint": {"id": ENDPOINT_ID, "deleted": True},
        "read_secret": {"secret": SECRET, **SYMMETRIC, "old_secrets": []},
        "rotate_secret": {
            "secret": SECRET,
            **SYMMETRIC,
            "old_secrets": [{"secret": OLD_SECRET, **SYMMETRIC, "signs_until": TIME}],
        },
        "ping_endpoint": {
            "endpoint": ENDPOINT_ID,
            "webhook_id": "pi_01jd9qw5t6u7v8w9x0y1z2a3b4",
            "succeeded": True,
            "started_at": TIME,
            "duration_ms": 64,
            "status_code": 204,
            "error": None,
            "answer": "",
            "request_headers": {**HEADERS, "webhook-id": "pi_01jd9qw5t6u7v8w9x0y1z2a3b4"},
        },
    },
)
