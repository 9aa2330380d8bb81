"""Examples for the OpenAPI document; a test holds them against their schemas."""

from typing import Any

from crypitor.api.matches.examples import MATCH
from crypitor.api.serving.examples import TIME, Examples

EVENT: dict[str, Any] = {
    "position": 4711,
    "type": "match.detected",
    "timestamp": TIME,
    "data": {name: MATCH[name] for name in MATCH if name not in ("phase", "created_at")},
}

EXAMPLES = Examples(
    bodies={},
    answers={"read_event_log": {"data": [EVENT], "next_cursor": "4711"}},
)
