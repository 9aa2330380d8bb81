"""Endpoints: their health, their secret, and what can be done when they fail."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from crypitor.api.deliveries.attempts import read_attempts
from crypitor.api.deliveries.routes import read_deliveries
from crypitor.api.endpoints.ping import ping_endpoint
from crypitor.api.endpoints.rotation import read_secret, rotate_secret
from crypitor.api.endpoints.routes import (
    change_endpoint,
    create_endpoint,
    read_endpoint,
    read_endpoints,
    remove_endpoint,
)
from crypitor.dashboard.endpoints.form import BLANK, body_of, fields_of
from crypitor.dashboard.endpoints.snippets import snippets_of
from crypitor.dashboard.frame.beats import charted
from crypitor.dashboard.frame.charts import SPANS, endpoint_charts
from crypitor.dashboard.frame.pages import Pages
from crypitor.dashboard.frame.visit import Place, Visit
from crypitor.database.keys import Scope
from crypitor.errors import CallerError, Conflict, Invalid
from crypitor.webhook.own_receiver import OWN_RECEIVER, is_own_receiver

pages = Pages(Place("/endpoints", "Endpoints", "e"))

SHOWN = 50
SHOWN_DELIVERIES = 10
SHOWN_ERRORS = 5
MOST_LOOKED_AT = 200


@pages.get("/endpoints")
async def show_endpoints(visit: Visit) -> web.Response:
    """Answer a page of endpoints."""
    found = await visit.listed(read_endpoints, SHOWN)
    return visit.show(
        "endpoints/list.html", status=found.status, endpoints=found.rows, **found.beside
    )


@pages.get("/endpoints/new", scope=Scope.WRITE)
async def show_new(visit: Visit) -> web.Response:
    """Answer an empty form."""
    return visit.show("endpoints/form.html", fields=BLANK, endpoint=None, problem=None)


@pages.post("/endpoints/new")
async def create(visit: Visit) -> web.Response:
    """Make an endpoint; its page tells the secret."""
    try:
        made = await visit.ask(create_endpoint, body=body_of(visit))
    except Invalid as error:
        return _refused(visit, error, None)
    return visit.go(
        f"/endpoints/{made['id']}?secret=shown", "The endpoint is made. Its secret is below."
    )


@pages.post("/test-receiver")
async def use_receiver(visit: Visit) -> web.Response:
    """Make an endpoint of the receiver that the installation has itself, where there is none."""
    listed = await visit.ask(read_endpoints, query={"limit": MOST_LOOKED_AT})
    own = next((one for one in listed["data"] if is_own_receiver(one["url"])), None)
    if own is None:
        body = {"url": OWN_RECEIVER, "description": "Test receiver"}
        own = await visit.ask(create_endpoint, body=body)
    return visit.go(
        f"/endpoints/{own['id']}", "This is the test receiver. Send it a ping, then make a monitor."
    )


@pages.get("/endpoints/{id}")
async def show_endpoint(visit: Visit, id: str) -> web.Response:  # noqa: A002 - as in the path
    """Answer one endpoint, and its secret where that is asked for."""
    return await _one(visit, id)


@pages.get("/endpoints/{id}/edit", scope=Scope.WRITE)
async def show_edit(visit: Visit, id: str) -> web.Response:  # noqa: A002
    """Answer the form with what is stored."""
    endpoint = await visit.ask(read_endpoint, id=id)
    return visit.show(
        "endpoints/form.html", fields=fields_of(endpoint), endpoint=endpoint, problem=None
    )


@pages.post("/endpoints/{id}/edit")
async def change(visit: Visit, id: str) -> web.Response:  # noqa: A002
    """Change an endpoint, unless somebody else did meanwhile."""
    stored = await visit.ask(read_endpoint, id=id)
    try:
        visit.refuse_outdated(stored)
        await visit.ask(change_endpoint, id=id, body=_patch(visit, stored))
    except (Invalid, Conflict) as error:
        return _refused(visit, error, stored)
    return visit.go(f"/endpoints/{id}", "Saved.")


@pages.post("/endpoints/{id}/enabled")
async def enable(visit: Visit, id: str) -> web.Response:  # noqa: A002
    """Switch an endpoint on, which also ends what failures did to it, or off."""
    on = visit.field("enabled") == "true"
    await visit.ask(change_endpoint, id=id, body={"enabled": on})
    said = "It is enabled: what was queued is sent, slowly at first."
    path = f"/endpoints/{id}"
    if on:
        return visit.go(path, said)
    return visit.go(path, "It is off; its deliveries are kept.", undo=f"{path}/resumed")


@pages.post("/endpoints/{id}/resumed")
async def undo_switch(visit: Visit, id: str) -> web.Response:  # noqa: A002
    """Switch an endpoint on that was just switched off."""
    await visit.ask(change_endpoint, id=id, body={"enabled": True})
    return visit.go(f"/endpoints/{id}", "It is enabled again.")


@pages.post("/endpoints/{id}/ping")
async def ping(visit: Visit, id: str) -> web.Response:  # noqa: A002
    """Send a ping now and show what came of it."""
    return await _one(visit, id, pinged=await visit.ask(ping_endpoint, id=id))


@pages.post("/endpoints/{id}/rotate")
async def rotate(visit: Visit, id: str) -> web.Response:  # noqa: A002
    """Put a new secret in the place of the old one, which signs too for a day."""
    await visit.ask(rotate_secret, id=id, body={})
    return visit.go(
        f"/endpoints/{id}?secret=shown", "A new secret signs; the old one signs too for 24 hours."
    )


@pages.post("/endpoints/{id}/delete")
async def remove(visit: Visit, id: str) -> web.Response:  # noqa: A002
    """Delete an endpoint."""
    await visit.ask(remove_endpoint, id=id)
    return visit.go("/endpoints", "The endpoint is deleted; what was under way to it is cancelled.")


async def _one(visit: Visit, endpoint_id: str, pinged: Any = None) -> web.Response:
    endpoint = await visit.ask(read_endpoint, id=endpoint_id)
    query = {"endpoint": endpoint_id, "limit": SHOWN_DELIVERIES}
    deliveries = (await visit.ask(read_deliveries, query=query))["data"]
    failed = (await visit.ask(read_deliveries, query={**query, "status": "failed"}))["data"]
    secret = None
    if visit.writes and visit.request.query.get("secret") == "shown":
        secret = await visit.ask(read_secret, id=endpoint_id)
    found = await charted(visit, endpoint=endpoint_id)
    return visit.show(
        "endpoints/one.html",
        endpoint=endpoint,
        errors=await _errors(visit, endpoint_id, found.stats["total"]["attempts"]),
        own=is_own_receiver(endpoint["url"]),
        deliveries=deliveries,
        failed=failed,
        secret=secret,
        snippets=snippets_of(endpoint["public_key"] or secret["secret"]) if secret else {},
        pinged=pinged,
        charts=endpoint_charts(found.stats, found.span, endpoint_id),
        histogram=found.stats["histogram"],
        total=found.stats["total"],
        now=found.stats["now"],
        span=found.name,
        spans=SPANS,
    )


async def _errors(visit: Visit, endpoint_id: str, counted: Mapping[str, int]) -> list[Any]:
    """Return the newest attempts that were refused or not answered, where any were counted."""
    found: list[Any] = []
    for outcome in ("refused", "unanswered"):
        if counted[outcome]:
            query = {"endpoint": endpoint_id, "outcome": outcome, "limit": SHOWN_ERRORS}
            found += (await visit.ask(read_attempts, query=query))["data"]
    return sorted(found, key=lambda attempt: attempt["started_at"], reverse=True)[:SHOWN_ERRORS]


def _patch(visit: Visit, stored: Any) -> dict[str, Any]:
    """Return the change; headers that are not in the form any more are taken away."""
    body = body_of(visit)
    gone = dict.fromkeys(stored["headers"].keys() - body["headers"].keys())
    return {**body, "headers": {**body["headers"], **gone}}


def _refused(visit: Visit, error: CallerError, stored: Any) -> web.Response:
    typed = {name: visit.field(name) for name in BLANK}
    return visit.show(
        "endpoints/form.html", status=error.status, fields=typed, endpoint=stored, problem=error
    )
