"""Deliveries and their attempts, to be read."""

from crypitor.api.deliveries.answer import AttemptAnswer, DeliveryAnswer, DeliveryPage
from crypitor.api.deliveries.examples import EXAMPLES
from crypitor.api.deliveries.query import DeliveryQuery
from crypitor.api.serving.call import Call
from crypitor.api.serving.routing import Routes
from crypitor.database.deliveries import cursor_of, get_delivery, list_deliveries
from crypitor.database.endpoints import get_endpoint
from crypitor.database.engine import Transaction
from crypitor.database.keys import Scope
from crypitor.webhook.body import rfc3339
from crypitor.webhook.delivery import Attempt, Delivery, Endpoint, Notice, Status
from crypitor.webhook.post import request_headers

routes = Routes("Deliveries", EXAMPLES, "de_")

HIDDEN = "***"
SHOWN = frozenset(
    {
        "accept", "accept-encoding", "content-type", "user-agent", "webhook-id",
        "webhook-timestamp",
    }
)  # fmt: skip


@routes.add("GET", "/v1/deliveries", scope=Scope.READ)
async def read_deliveries(call: Call, query: DeliveryQuery) -> DeliveryPage:
    """List deliveries, newest first or oldest first."""

    async def unit(tx: Transaction) -> list[Delivery]:
        return await list_deliveries(
            tx,
            call.project,
            monitor=query.monitor,
            endpoint=query.endpoint,
            match=query.match,
            status=Status(query.status) if query.status else None,
            type_=query.type,
            since=query.since,
            until=query.until,
            limit=query.limit + 1,
            cursor=query.cursor,
            order=query.order,
        )

    deliveries = await call.read(unit)
    shown = deliveries[: query.limit]
    return {
        "data": [delivery_answer(delivery) for delivery in shown],
        "next_cursor": cursor_of(shown[-1]) if len(deliveries) > query.limit else None,
    }


@routes.add("GET", "/v1/deliveries/{id}", scope=Scope.READ)
async def read_delivery(call: Call, id: str) -> DeliveryAnswer:  # noqa: A002 - as in the path
    """Read a delivery with its body and its attempts, first to last."""

    async def unit(tx: Transaction) -> tuple[Delivery, list[Attempt], Endpoint | None]:
        delivery, attempts = await get_delivery(tx, call.project, id)
        return delivery, attempts, await get_endpoint(tx, call.project, delivery.endpoint_id)

    delivery, attempts, endpoint = await call.read(unit, brief=True)
    answer = delivery_answer(delivery)
    answer["body"] = delivery.body or None
    answer["attempts"] = [_attempt_answer(delivery.id, each, endpoint) for each in attempts]
    return answer


def delivery_answer(delivery: Delivery) -> DeliveryAnswer:
    """Return a delivery as lists have it."""
    pending = delivery.status is Status.PENDING
    return {
        "id": delivery.id,
        "type": delivery.type,
        "monitor": delivery.monitor_id,
        "match": delivery.match_id,
        "endpoint": delivery.endpoint_id,
        "phase": None if isinstance(delivery.phase, Notice) else delivery.phase.value,
        "status": delivery.status.value,
        "attempt_count": delivery.attempts,
        "due_at": rfc3339(delivery.due_at) if pending else None,
        "error": delivery.error,
        "created_at": rfc3339(delivery.created_at),
        "finished_at": None if delivery.finished_at is None else rfc3339(delivery.finished_at),
    }


def shown_headers(endpoint: Endpoint, webhook_id: str, now: int) -> dict[str, str]:
    """Return the headers of a POST by name, without what only the receiver may know."""
    headers = request_headers(endpoint, webhook_id, b"", now)
    own = {name.lower() for name in endpoint.headers}
    return {
        name: value if name.lower() in SHOWN - own else HIDDEN for name, value in headers.items()
    }


def _attempt_answer(webhook_id: str, attempt: Attempt, endpoint: Endpoint | None) -> AttemptAnswer:
    return {
        "number": attempt.number,
        "started_at": rfc3339(attempt.started_at),
        "duration_ms": attempt.duration_ms,
        "status_code": attempt.status_code,
        "error": attempt.error,
        "answer": attempt.answer,
        "request_headers": (
            None if endpoint is None else shown_headers(endpoint, webhook_id, attempt.started_at)
        ),
    }
