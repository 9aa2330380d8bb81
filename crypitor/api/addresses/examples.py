"""Examples for the OpenAPI document; a test holds them against their schemas."""

from crypitor.api.serving.examples import BEACON, VITALIK, Examples

ARMED = {"ethereum": 21000001}

INVALID = [{"line": 3, "value": "0x12", "reason": "an address is 0x and 40 hex digits"}]

EXAMPLES = Examples(
    bodies={
        "add_monitor_addresses": {
            "addresses": [BEACON, {"address": VITALIK, "label": "hot wallet"}]
        },
        "remove_monitor_addresses": {"addresses": [BEACON]},
    },
    answers={
        "add_monitor_addresses": {
            "added": 1,
            "already_present": 1,
            "invalid": INVALID,
            "invalid_count": 1,
            "armed_from": ARMED,
        },
        "remove_monitor_addresses": {
            "removed": 1,
            "not_present": 0,
            "invalid": [],
            "invalid_count": 0,
            "armed_from": ARMED,
        },
        "read_monitor_addresses": {
            "data": [{"address": VITALIK, "label": "hot wallet"}],
            "next_cursor": VITALIK,
        },
        "read_monitor_address": {"address": VITALIK, "label": "hot wallet"},
    },
)
