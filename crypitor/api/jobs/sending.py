"""Sends again: one delivery, or many by a job; and sends a ping."""

import json
from typing import Any

from crypitor.api.answers.jobs import JobAnswer
from crypitor.api.answers.matches import DeliveryAnswer, PingAnswer
from crypitor.api.bodies.jobs import ReplayBody, RetryBody
from crypitor.api.call import Call, Change, Effect, found
from crypitor.api.deliveries import delivery_answer, shown_headers
from crypitor.api.reading import summary
from crypitor.api.routing import Routes
from crypitor.database.deliveries import get_delivery
from crypitor.database.endpoints import get_endpoint
from crypitor.database.engine import Transaction
from crypitor.database.jobs import count_open_jobs
from crypitor.database.keys import Scope
from crypitor.database.monitors import get_monitor
from crypitor.database.reopening import hurry, reopen
from crypitor.database.replays import Replay, Wanted, insert_replay
from crypitor.errors import Conflict, Invalid, Mistake
from crypitor.webhook.body import rfc3339
from crypitor.webhook.delivery import Delivery, Endpoint, State, Status
from crypitor.webhook.formats import Form, notice_body
from crypitor.webhook.message import CHATS

monitor_routes = Routes("Monitors", "mo_")
endpoint_routes = Routes("Endpoints", "ep_")
delivery_routes = Routes("Deliveries", "de_")

MOST_OPEN_JOBS = 100
PING_SENTENCE = "Crypitor reaches this chat."
PING = json.dumps({"type": "ping"}, separators=(",", ":")).encode()


@delivery_routes.add(
    "POST", "/v1/deliveries/{id}/retry", scope=Scope.WRITE, status=202, optional=True
)
async def retry_delivery(call: Call, id: str, body: RetryBody) -> DeliveryAnswer:  # noqa: A002
    """Send a delivery again.

    At once, with the same `webhook-id` and body; if it fails, it is tried on as a new one is. A
    delivery that is pending is tried now instead of at `due_at`. One that was taken is sent again
    only with `{"again": true}`. Later phases of its match that have not been taken wait for it. 409
    says why it cannot be sent: its endpoint is deleted or disabled, an earlier phase comes first,
    it was cancelled, or its body is not kept any more.
    """
    now = call.context.clock()

    async def unit(tx: Transaction) -> Change[DeliveryAnswer]:
        delivery, _ = await get_delivery(tx, call.project, id)
        _check_endpoint(await get_endpoint(tx, call.project, delivery.endpoint_id))
        _check_delivery(delivery, again=body.again)
        if delivery.status is Status.PENDING:
            await hurry(tx, id, now, call.context.lease_ms)
        else:
            await reopen(tx, [id], now)
        opened, _ = await get_delivery(tx, call.project, id)
        return Change(delivery_answer(opened), _wake(call, delivery.endpoint_id))

    return await call.change(unit)


@monitor_routes.add(
    "POST", "/v1/monitors/{id}/replay", scope=Scope.WRITE, status=202, optional=True
)
async def replay_monitor(call: Call, id: str, body: ReplayBody) -> JobAnswer:  # noqa: A002
    """Send a monitor's deliveries again.

    A job that makes those due again which were created in the time and have one of the statuses,
    oldest first, with the same `webhook-id` and body, at most `webhook.replay_per_second` of them.
    The phases of a match stay in order. What was taken is not sent again unless `status` asks for
    `delivered`. It waits while a healthy endpoint has many deliveries before it, and goes on after
    a restart.
    """
    return await _start(call, body, monitor_id=id)


@endpoint_routes.add(
    "POST", "/v1/endpoints/{id}/replay", scope=Scope.WRITE, status=202, optional=True
)
async def replay_endpoint(call: Call, id: str, body: ReplayBody) -> JobAnswer:  # noqa: A002
    """Send an endpoint's deliveries again.

    As the replay of a monitor, for the deliveries of all monitors to this endpoint, which must not
    be disabled.
    """
    return await _start(call, body, endpoint_id=id)


@endpoint_routes.add("POST", "/v1/endpoints/{id}/ping", scope=Scope.WRITE)
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


def replay_answer(replay: Replay) -> JobAnswer:
    """Return a replay as JSON has it."""
    wanted = replay.wanted
    statuses: Any = sorted(wanted.statuses)
    return {
        "id": replay.id,
        "kind": "replay",
        "monitor": wanted.monitor_id,
        "endpoint": wanted.endpoint_id,
        "status": replay.status.value,
        "since": rfc3339(wanted.since) if wanted.since else None,
        "until": rfc3339(wanted.until),
        "delivery_status": statuses,
        "deliveries_total": replay.deliveries_total,
        "deliveries_queued": replay.deliveries_queued,
        "deliveries_left_out": replay.deliveries_left_out,
        "looked_at_until": rfc3339(replay.place_at) if replay.place_id else None,
        "trouble": replay.trouble,
        "created_at": rfc3339(replay.created_at),
        "started_at": None if replay.started_at is None else rfc3339(replay.started_at),
        "finished_at": None if replay.finished_at is None else rfc3339(replay.finished_at),
    }


async def check_open_jobs(tx: Transaction, project_id: str) -> None:
    """Raise Conflict where a project has as many open jobs as it may."""
    if await count_open_jobs(tx, project_id) >= MOST_OPEN_JOBS:
        raise Conflict(f"this project has {MOST_OPEN_JOBS} jobs that have not ended")


def _ping(endpoint: Endpoint, now: int) -> bytes:
    form = Form(endpoint.format, endpoint.template)
    if endpoint.template is None and endpoint.format not in CHATS:
        return PING
    return notice_body(form, "ping", PING_SENTENCE, {}, now).encode()


async def _start(
    call: Call, body: ReplayBody, *, monitor_id: str | None = None, endpoint_id: str | None = None
) -> JobAnswer:
    now = call.context.clock()
    since = 0 if body.since is None else body.since
    until = now if body.until is None else min(body.until, now)
    if body.until is not None and since > body.until:
        mistake = Mistake("/since", "this is after 'until'")
        raise Invalid(summary([mistake]), [mistake])
    statuses = frozenset(map(Status, body.status))
    wanted = Wanted(call.project, monitor_id, endpoint_id, statuses, since, until)
    replay_id = call.new_id("jo_")

    async def unit(tx: Transaction) -> Change[JobAnswer]:
        if monitor_id is not None:
            found(await get_monitor(tx, call.project, monitor_id), "monitor")
        if endpoint_id is not None:
            endpoint = await get_endpoint(tx, call.project, endpoint_id)
            _check_endpoint(found(endpoint, "endpoint"))
        await check_open_jobs(tx, call.project)
        return Change(replay_answer(await insert_replay(tx, replay_id, wanted, now)))

    return await call.change(unit)


def _check_endpoint(endpoint: Endpoint | None) -> None:
    """Raise Conflict unless deliveries may be sent to an endpoint."""
    if endpoint is None:
        raise Conflict("the endpoint of this delivery was deleted")
    if not endpoint.enabled or endpoint.state is State.DISABLED:
        reason = f" ({endpoint.state_reason})" if endpoint.state_reason else ""
        raise Conflict(
            f"endpoint {endpoint.id} is disabled{reason}; set 'enabled' to true by PATCH first"
        )


def _check_delivery(delivery: Delivery, *, again: bool) -> None:
    """Raise Conflict unless a delivery may be sent again."""
    if delivery.status is Status.CANCELLED:
        raise Conflict("this delivery was cancelled: its monitor or endpoint was deleted")
    if delivery.status is Status.WAITING:
        raise Conflict(f"it waits for an earlier phase of its match: {delivery.follows}")
    if delivery.status is Status.DELIVERED and not again:
        raise Conflict('this delivery was taken; {"again": true} sends it once more')
    if not delivery.body:
        raise Conflict("the body of this delivery is not kept any more")


def _wake(call: Call, endpoint_id: str) -> Effect:
    async def effect() -> None:
        call.context.wake([endpoint_id])

    return effect
