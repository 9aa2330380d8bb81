"""Replays: a job that sends a monitor's or an endpoint's deliveries again."""

from typing import Any

from crypitor.api.deliveries.retry import check_endpoint
from crypitor.api.jobs.answer import JobAnswer
from crypitor.api.jobs.body import ReplayBody
from crypitor.api.jobs.examples import EXAMPLES
from crypitor.api.serving.call import Call, Change, found
from crypitor.api.serving.reading import summary
from crypitor.api.serving.routing import Routes
from crypitor.database.endpoints import get_endpoint
from crypitor.database.engine import Transaction
from crypitor.database.jobs import count_open_jobs
from crypitor.database.keys import Scope
from crypitor.database.monitors import get_monitor
from crypitor.database.replays import Replay, Wanted, insert_replay
from crypitor.errors import Conflict, Invalid, Mistake
from crypitor.webhook.body import rfc3339
from crypitor.webhook.delivery import Status

monitor_routes = Routes("Monitors", EXAMPLES, "mo_")
endpoint_routes = Routes("Endpoints", EXAMPLES, "ep_")

MOST_OPEN_JOBS = 100


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
            check_endpoint(found(endpoint, "endpoint"))
        await check_open_jobs(tx, call.project)
        return Change(replay_answer(await insert_replay(tx, replay_id, wanted, now)))

    return await call.change(unit)
