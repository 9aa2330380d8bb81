"""Sending many deliveries again: how many they are before, and a job with its progress after."""

from typing import Any

from aiohttp import web

from crypitor.api.endpoints.routes import read_endpoint
from crypitor.api.jobs.body import ReplayBody
from crypitor.api.jobs.replay import replay_endpoint, replay_monitor
from crypitor.api.monitors.routes import read_monitor
from crypitor.api.serving.reading import validated
from crypitor.dashboard.deliveries.routes import pages as pages  # noqa: PLC0414 - more of them
from crypitor.dashboard.frame.moments import as_asked
from crypitor.dashboard.frame.visit import Visit
from crypitor.dashboard.words import called
from crypitor.database.keys import Scope
from crypitor.database.replays import Wanted, count_wanted
from crypitor.errors import CallerError, Conflict, Invalid, Mistake
from crypitor.webhook.delivery import Status

MOST_COUNTED = 100_000
STATUSES = ("failed", "delivered")


@pages.get("/replay", scope=Scope.WRITE)
async def show_replay(visit: Visit) -> web.Response:
    """Answer what would be sent again, and how many deliveries that are."""
    chosen = visit.asked("endpoint", "monitor", "status", "since", "until")
    return await _page(visit, as_asked(chosen, visit.context.clock()))


@pages.post("/replay")
async def begin(visit: Visit) -> web.Response:
    """Begin it; its job shows how far it is."""
    names = ("endpoint", "monitor", "status", "since", "until")
    chosen = {name: visit.field(name) for name in names if visit.field(name)}
    try:
        if "endpoint" in chosen:
            job = await visit.ask(replay_endpoint, id=chosen["endpoint"], body=_body(chosen))
        else:
            job = await visit.ask(replay_monitor, id=chosen.get("monitor", ""), body=_body(chosen))
    except (Invalid, Conflict) as error:
        return await _page(visit, chosen, problem=error)
    return visit.go(f"/jobs/{job['id']}", "They are sent again, oldest first.")


def _body(chosen: dict[str, str]) -> dict[str, Any]:
    statuses = [chosen["status"]] if chosen.get("status") in STATUSES else list(STATUSES)
    body: dict[str, Any] = {"status": statuses}
    body.update((name, chosen[name]) for name in ("since", "until") if name in chosen)
    return body


async def _page(
    visit: Visit, chosen: dict[str, str], problem: CallerError | None = None
) -> web.Response:
    count, name = 0, ""
    try:
        name = await _name(visit, chosen)
        count = await _count(visit, chosen)
    except Invalid as error:
        problem = error
    return visit.show(
        "deliveries/replay.html",
        status=200 if problem is None else problem.status,
        chosen=chosen,
        whose=name,
        count=count,
        most=MOST_COUNTED,
        problem=problem,
    )


async def _name(visit: Visit, chosen: dict[str, str]) -> str:
    """Return whose they are. Raises NotFound, and Invalid unless one thing is named."""
    if ("endpoint" in chosen) == ("monitor" in chosen):
        mistake = "choose an endpoint or a monitor whose deliveries are to be sent again"
        raise Invalid(mistake, [Mistake("?endpoint", mistake)])
    if "endpoint" in chosen:
        endpoint = await visit.ask(read_endpoint, id=chosen["endpoint"])
        return called(endpoint)
    monitor = await visit.ask(read_monitor, id=chosen["monitor"])
    return str(monitor["name"] or monitor["id"])


async def _count(visit: Visit, chosen: dict[str, str]) -> int:
    body = validated(ReplayBody, _body(chosen))
    wanted = Wanted(
        visit.who.project_id,
        chosen.get("monitor"),
        chosen.get("endpoint"),
        frozenset(map(Status, body.status)),
        body.since or 0,
        visit.context.clock() if body.until is None else body.until,
    )
    return await visit.context.database.read(
        lambda tx: count_wanted(tx, wanted, MOST_COUNTED), at_once=True
    )
