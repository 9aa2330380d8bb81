"""Rows that the matcher and the sender would write, for what only reads them."""

import json

from crypitor.api.matches.examples import EXAMPLES

MATCH_COLUMNS = """id, position, project_id, monitor_id, network, kind, direction, address,
    block_number, block_hash, transaction_hash, phase, returns, confirm_block, confirm_tag, document,
    created_at"""


async def insert_match(tx, project: str, position: int, **changes) -> str:
    """Store a match like the documentation's example; returns its id."""
    document = dict(EXAMPLES.answers["read_match"])
    for later in ("phase", "created_at", "confirmations", "confirmations_required"):
        del document[later]
    row = {
        "id": f"ma_{position:022}",
        "position": position,
        "project_id": project,
        "monitor_id": "mo_" + "0" * 26,
        "network": "ethereum",
        "kind": "erc20",
        "direction": "in",
        "address": document["address"],
        "block_number": 98,
        "block_hash": document["block"]["hash"],
        "transaction_hash": document["transaction"]["hash"],
        "phase": "detected",
        "returns": 0,
        "confirm_block": 109,
        "confirm_tag": None,
        "created_at": 1_790_000_000_000 + position,
        **changes,
    }
    told = {name: row[name] for name in ("id", "network", "kind", "direction", "address")}
    row["document"] = json.dumps({**document, **told})
    places = ", ".join(f":{name.strip()}" for name in MATCH_COLUMNS.split(","))
    await tx.run(f"insert into matches ({MATCH_COLUMNS}) values ({places})", **row)
    return row["id"]


DELIVERY_COLUMNS = """id, project_id, monitor_id, match_id, endpoint_id, phase, status, attempts,
    due_at, token, follows, body, error, created_at, finished_at"""


async def insert_delivery(tx, project: str, number: int, **changes) -> str:
    """Store a delivery; returns its id."""
    row = {
        "id": f"de_{number:022}",
        "project_id": project,
        "monitor_id": "mo_" + "0" * 26,
        "match_id": "ma_" + "0" * 22,
        "endpoint_id": "ep_" + "0" * 26,
        "phase": "detected",
        "status": "pending",
        "attempts": 1,
        "due_at": 1_790_000_005_000,
        "token": 0,
        "follows": None,
        "body": '{"type":"match.detected"}',
        "error": "connection refused",
        "created_at": 1_790_000_000_000 + number,
        "finished_at": None,
        **changes,
    }
    places = ", ".join(f":{name.strip()}" for name in DELIVERY_COLUMNS.split(","))
    await tx.run(f"insert into deliveries ({DELIVERY_COLUMNS}) values ({places})", **row)
    await tx.run(
        """insert into attempts (delivery_id, number, started_at, duration_ms, status_code, error,
            answer, project_id)
            values (:id, 1, 1790000000100, 12, null, 'connection refused', null, :project)""",
        id=row["id"],
        project=row["project_id"],
    )
    return row["id"]
