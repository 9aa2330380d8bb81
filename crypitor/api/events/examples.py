"""Examples for the OpenAPI document; a test holds them against their schemas."""

from typing import Any

from crypitor.api.matches.examples import MATCH
from crypitor.api.serving.examples import BLOCK, ENDPOINT_ID, TIME, Examples

_LATER = {"number": 21000007, "hash": BLOCK, "timestamp": "2026-11-22T15:01:23.000Z"}


def _shown(value: str, formatted: str, change: str | None) -> dict[str, Any]:
    previous = None if change is None else "4000000000000000000"
    return {
        "value": value,
        "formatted": formatted,
        "previous": previous,
        "previous_formatted": None if previous is None else "4",
        "change": change,
    }


MATCH_BODY: dict[str, Any] = {
    name: MATCH[name] for name in MATCH if name not in ("phase", "created_at")
}

ENDED_BODY: dict[str, Any] = {
    **MATCH_BODY,
    "kind": "balance",
    "direction": None,
    "transaction": None,
    "log_index": None,
    "from_address": None,
    "to_address": None,
    "contract": None,
    "amount": None,
    "event": None,
    "balance": _shown("4000000000000000000", "4", None),
    "looked_at": [None, MATCH_BODY["block"]],
    "ended": {
        "block": _LATER,
        "balance": _shown("9000000000000000000", "9", "5000000000000000000"),
        "looked_at": [MATCH_BODY["block"], _LATER],
    },
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
