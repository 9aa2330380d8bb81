"""Examples for the OpenAPI document; a test holds them against their schemas."""

from typing import Any

from crypitor.api.serving.examples import KEY_ID, MONITOR_ID, PROJECT_ID, TIME, Examples, page

ENTRY: dict[str, Any] = {
    "position": 42,
    "at": TIME,
    "project": PROJECT_ID,
    "action": "monitor.change",
    "subject": MONITOR_ID,
    "via": "api",
    "key": KEY_ID,
    "address": "203.0.113.7",
    "request_id": "5f0c1d2e3a4b5c6d7e8f9a0b",
    "before": {"id": MONITOR_ID, "name": "Treasury"},
    "after": {"id": MONITOR_ID, "name": "Cold storage"},
}

EXAMPLES = Examples(bodies={}, answers={"read_audit": page(ENTRY)})
