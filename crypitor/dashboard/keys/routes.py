"""API keys, for who has the scope `admin`."""

from typing import Any

from aiohttp import web

from crypitor.api.keys.routes import add_key, read_keys, remove_key, rotate_key
from crypitor.api.projects.routes import read_projects
from crypitor.dashboard.frame.moments import moment
from crypitor.dashboard.frame.pages import Pages
from crypitor.dashboard.frame.visit import Place, Visit
from crypitor.database.keys import Scope
from crypitor.errors import CallerError, Conflict, Forbidden, Invalid, NotFound

pages = Pages(Place("/keys", "Keys", "k", scope=Scope.ADMIN, apart=True))

SHOWN = 100


@pages.get("/keys", scope=Scope.ADMIN)
async def show_keys(visit: Visit) -> web.Response:
    """Answer the keys that this one governs."""
    return await _page(visit)


@pages.post("/keys", scope=Scope.ADMIN)
async def make_key(visit: Visit) -> web.Response:
    """Make a key and show its secret, this once."""
    body = {"name": visit.field("name"), "scope": visit.field("scope")}
    if visit.field("project"):
        body["project"] = visit.field("project")
    if visit.field("expires_at"):
        body["expires_at"] = moment(visit.field("expires_at"), visit.context.clock())
    try:
        made = await visit.ask(add_key, body=body)
    except (Invalid, NotFound) as error:
        return await _page(visit, problem=error)
    return await _page(visit, made=made)


@pages.post("/keys/{id}/rotate", scope=Scope.ADMIN)
async def rotate(visit: Visit, id: str) -> web.Response:  # noqa: A002 - as in the path
    """Make a key in the place of one, which opens for a day yet; show its secret, this once."""
    try:
        made = await visit.ask(rotate_key, id=id, body={})
    except (Conflict, Forbidden) as error:
        return await _page(visit, problem=error)
    return await _page(visit, made=made)


@pages.post("/keys/{id}/revoke", scope=Scope.ADMIN)
async def revoke(visit: Visit, id: str) -> web.Response:  # noqa: A002 - as in the path
    """Revoke a key."""
    try:
        await visit.ask(remove_key, id=id)
    except Conflict as error:
        return await _page(visit, problem=error)
    return visit.go("/keys", "The key is revoked: it opens nothing any more.")


async def _page(
    visit: Visit, *, made: Any = None, problem: CallerError | None = None
) -> web.Response:
    chosen = visit.asked("cursor", "project")
    keys = await visit.ask(read_keys, query={**chosen, "limit": SHOWN})
    projects = (await visit.ask(read_projects, query={"limit": SHOWN}))["data"]
    return visit.show(
        "keys/list.html",
        status=200 if problem is None else problem.status,
        keys=keys["data"],
        next_cursor=keys["next_cursor"],
        chosen=chosen,
        projects=projects,
        names={project["id"]: project["name"] for project in projects},
        made=made,
        problem=problem,
    )
