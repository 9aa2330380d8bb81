"""Sends a ping, and tells what came of it."""

import json

from crypitor.api.deliveries.routes import shown_headers
from crypitor.api.endpoints.answer import PingAnswer
from crypitor.api.endpoints.examples import EXAMPLES
from crypitor.api.serving.call import Call, found
from crypitor.api.serving.routing import Routes
from crypitor.database.endpoints import get_endpoint
from crypitor.database.keys import Scope
from crypitor.webhook.body import rfc3339
from crypitor.webhook.delivery import Endpoint
from crypitor.webhook.destinations import PEOPLE
from crypitor.webhook.formats import Form, notice_body

routes = Routes("Endpoints", EXAMPLES, "ep_")

PING_SENTENCE = "Crypitor reaches this chat."
PING = json.dumps({"type": "ping"}, separators=(",", ":")).encode()


@routes.add("POST", "/v1/endpoints/{id}/ping", scope=Scope.WRITE)
async def ping_endpoint(call: Call, id: str) -> PingAnswer:  # noqa: A002 - as in the path
    """Send a ping now.

    `{"type": "ping"}`, or a message in the endpoint's own format, signed like every
    webhook, under the same deadline and the same rules on
    where it may go, also to an endpoint that is disabled. The answer is what came of it; neither
    the endpoint's state nor its deliveries change.
    """
    endpoint = found(await call.read(lambda tx: get_endpoint(tx, call.project, id)), "endpoint")

    async def make() -> PingAnswer:
        webhook_id, now = call.new_id("pi_"), call.context.clock()
        outcome = await call.context.post(endpoint, webhook_id, _ping(endpoint, now), now)
        return {
            "endpoint": id,
            "webhook_id": webhook_id,
            "succeeded": outcome.succeeded,
            "started_at": rfc3339(outcome.started_at),
            "duration_ms": outcome.duration_ms,
            "status_code": outcome.status_code,
            "error": outcome.error,
            "answer": outcome.answer,
            "request_headers": shown_headers(endpoint, webhook_id, now),
        }

    return await call.once(make)


def _ping(endpoint: Endpoint, now: int) -> bytes:
    form = Form(endpoint.format, endpoint.template)
    if endpoint.template is None and endpoint.format not in PEOPLE:
        return PING
    return notice_body(form, "ping", PING_SENTENCE, {}, now).encode()
