"""Examples for the OpenAPI document; a test holds them against their schemas."""

from typing import Any

from crypitor.api.matches.examples import MATCH
from crypitor.api.serving.examples import ENDPOINT_ID, TIME, Examples

MATCH_BODY: dict[str, Any] = {
    name: MATCH[name] for name in MATCH if name not in ("phase", "created_at")
}

NEWS: dict[str, Any] = {
    "endpoint": {"id": ENDPOINT_ID, "description": "accounting", "host": "example.com"},
    "state": "failing",
    "reason": "4 attempts in a row failed, the last with status 500",
    "failures_in_row": 4,
    "failing_since": TIME,
}

MOVED: dict[str, Any] = {
    "endpoint": {"id": ENDPOINT_ID, "description": "on duty", "host": "api.telegram.org"},
    "state": "healthy",
    "reason": "its group has become chat -1001234567890, to which messages go from now on",
    "failures_in_row": 0,
    "failing_since": None,
}

COUNTED: dict[str, Any] = {
    "count": 17,
    "since": TIME,
    "until": TIME,
    "types": {"match.confirmed": 5, "match.detected": 12},
    "monitors": [{**{name: MATCH["monitor"][name] for name in ("id", "name")}, "count": 17}],
}

EVENT: dict[str, Any] = {
    "position": 4711,
    "type": "match.detected",
    "timestamp": TIME,
    "data": MATCH_BODY,
}

EXAMPLES = Examples(
    bodies={},
    answers={"read_event_log": {"data": [EVENT], "next_cursor": "4711"}},
)
