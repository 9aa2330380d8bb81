"""The bodies of answers."""

from typing import Any

from crypitor.api.examples.resources import (
    ARMED,
    DELIVERY,
    ENDPOINT,
    HEADERS,
    INVALID,
    JOB,
    KEY,
    MATCH,
    MONITOR,
    NETWORK,
    PROJECT,
    REPLAY,
    SYMMETRIC,
    TRIED_RULE,
)
from crypitor.api.examples.terms import (
    BLOCK,
    ENDPOINT_ID,
    KEY_ID,
    MONITOR_ID,
    OLD_SECRET,
    SECRET,
    TIME,
    TRANSACTION,
    USDC,
    VITALIK,
)


def _page(row: dict[str, Any]) -> dict[str, Any]:
    return {"data": [row], "next_cursor": None}


ANSWERS: dict[str, Any] = {
    "create_monitor": {
        **MONITOR,
        "webhook": {**ENDPOINT, "secret": SECRET},
        "armed_from": ARMED,
    },
    "read_monitors": _page({**MONITOR, "addresses": None}),
    "read_monitor": MONITOR,
    "change_monitor": {
        **MONITOR,
        "name": "Treasury, old",
        "enabled": False,
        "armed_from": ARMED,
    },
    "remove_monitor": {"id": MONITOR_ID, "deleted": True, "armed_from": ARMED},
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
    "create_endpoint": {**ENDPOINT, "headers": {"X-Team": "accounting"}, "secret": SECRET},
    "read_endpoints": _page(ENDPOINT),
    "read_endpoint": ENDPOINT,
    "change_endpoint": {**ENDPOINT, "rate_per_second": 5.0},
    "remove_endpoint": {"id": ENDPOINT_ID, "deleted": True},
    "read_secret": {"secret": SECRET, **SYMMETRIC, "old_secrets": []},
    "rotate_secret": {
        "secret": SECRET,
        **SYMMETRIC,
        "old_secrets": [{"secret": OLD_SECRET, **SYMMETRIC, "signs_until": TIME}],
    },
    "read_matches": _page(MATCH),
    "read_match": MATCH,
    "read_deliveries": _page(DELIVERY),
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
    "replay_monitor": {**REPLAY, "monitor": MONITOR_ID, "endpoint": None},
    "replay_endpoint": REPLAY,
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
    "test_monitor": {
        "monitor": MONITOR_ID,
        "network": "ethereum",
        "enabled": True,
        "match_count": 0,
        "matches": [],
        "transaction": {
            "hash": TRANSACTION,
            "block": {"number": 21000000, "hash": BLOCK, "timestamp": "2026-11-22T14:59:59.000Z"},
            "from_address": VITALIK,
            "to_address": USDC,
            "value": "0",
            "status": "success",
            "rules": [TRIED_RULE],
        },
        "blocks": None,
    },
    "start_backfill": {
        **JOB,
        "status": "queued",
        "blocks_done": 0,
        "matches_found": 0,
        "matches_new": 0,
        "blocks_per_second": None,
        "expected_at": None,
        "started_at": None,
    },
    "read_job": JOB,
    "stop_job": {**JOB, "status": "cancelled", "expected_at": None, "finished_at": TIME},
    "read_networks": _page(NETWORK),
    "read_network": NETWORK,
    "add_project": PROJECT,
    "read_projects": _page(PROJECT),
    "add_key": {**KEY, "secret": f"{KEY_ID}_9bXk3mQ7…"},
    "read_keys": _page(KEY),
    "remove_key": {"id": KEY_ID, "deleted": True},
    "read_health": {"status": "ok"},
    "read_readiness": {
        "status": "ready",
        "roles": ["api", "worker", "monitor", "webhook"],
        "processes": [],
    },
}
