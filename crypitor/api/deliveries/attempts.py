"""Attempts of a project, to be read by time."""

from collections.abc import Mapping
from typing import Any, Literal

from crypitor.api.deliveries.answer import AttemptPage, ListedAttempt
from crypitor.api.deliveries.examples import EXAMPLES
from crypitor.api.deliveries.query import AttemptQuery
from crypitor.api.serving.call import Call
from crypitor.api.serving.routing import Routes
from crypitor.database import attempted
from crypitor.database.attempted import AttemptFilter, list_attempts
from crypitor.database.deliveries import type_of
from crypitor.database.engine import Transaction
from crypitor.database.keys import Scope
from crypitor.webhook.body import rfc3339

routes = Routes("Deliveries", EXAMPLES)


@routes.add("GET", "/v1/attempts", scope=Scope.READ)
async def read_attempts(call: Call, query: AttemptQuery) -> AttemptPage:
    """List attempts, newest first: what came of each POST.

    A page of what is rare may have fewer than `limit`, or none, and a `next_cursor` all the same:
    go on until there is none.
    """
    chosen = AttemptFilter(
        query.monitor, query.endpoint, query.type, query.outcome, query.since, query.until
    )

    async def unit(tx: Transaction) -> attempted.AttemptPage:
        return await list_attempts(tx, call.project, chosen, query.limit, query.cursor)

    page = await call.read(unit)
    return {"data": [_answer(row) for row in page.rows], "next_cursor": page.last}


def _answer(row: Mapping[str, Any]) -> ListedAttempt:
    type_ = type_of(row["phase"])
    return {
        "delivery": row["delivery_id"],
        "number": row["number"],
        "type": type_,
        "monitor": row["monitor_id"] or None,
        "match": row["match_id"] if type_.startswith("match.") else None,
        "endpoint": row["endpoint_id"],
        "outcome": _outcome(row),
        "started_at": rfc3339(row["started_at"]),
        "duration_ms": row["duration_ms"],
        "status_code": row["status_code"],
        "error": row["error"],
    }


def _outcome(row: Mapping[str, Any]) -> Literal["taken", "refused", "unanswered"]:
    if row["status_code"] is None:
        return "unanswered"
    return "taken" if row["error"] is None else "refused"
