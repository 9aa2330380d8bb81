"""Examples for the OpenAPI document; a test holds them against their schemas."""

from typing import Any

from crypitor.api.serving.examples import ENDPOINT_ID, JOB_ID, MONITOR_ID, TIME, Examples, page

JOB: dict[str, Any] = {
    "id": JOB_ID,
    "kind": "backfill",
    "monitor": MONITOR_ID,
    "network": "ethereum",
    "status": "running",
    "from_block": 20000000,
    "to_block": 20999999,
    "blocks_done": 250000,
    "blocks_total": 1000000,
    "matches_found": 1312,
    "matches_new": 1280,
    "blocks_per_second": 48.7,
    "expected_at": "2026-11-22T19:16:40.123Z",
    "trouble": None,
    "created_at": TIME,
    "started_at": TIME,
    "finished_at": None,
}

REPLAY: dict[str, Any] = {
    "id": JOB_ID,
    "kind": "replay",
    "monitor": None,
    "endpoint": ENDPOINT_ID,
    "status": "queued",
    "since": "2026-11-22T12:00:00.000Z",
    "until": TIME,
    "delivery_status": ["failed"],
    "deliveries_total": 412,
    "deliveries_queued": 0,
    "deliveries_left_out": 0,
    "looked_at_until": None,
    "trouble": None,
    "created_at": TIME,
    "started_at": None,
    "finished_at": None,
}

EXAMPLES = Examples(
    bodies={
        "replay_monitor": {"since": "2026-11-22T12:00:00Z", "status": ["failed"]},
        "replay_endpoint": {"since": "2026-11-22T12:00:00Z", "status": ["failed"]},
        "start_backfill": {"network": "ethereum", "from_block": 20000000, "to_block": 20999999},
    },
    answers={
        "replay_monitor": {**REPLAY, "monitor": MONITOR_ID, "endpoint": None},
        "replay_endpoint": REPLAY,
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
        "read_jobs": page(JOB),
        "read_job": JOB,
        "stop_job": {**JOB, "status": "cancelled", "expected_at": None, "finished_at": TIME},
    },
)
