"""Projects, for who has the scope `admin`; an operator's session can work in any of them."""

from typing import Any

from aiohttp import web

from crypitor.api.projects.routes import (
    add_project,
    change_project,
    read_projects,
    read_usage,
    remove_project,
)
from crypitor.dashboard.frame.pages import PROJECT, Pages
from crypitor.dashboard.frame.visit import Place, Visit, is_secure
from crypitor.database.keys import Scope
from crypitor.errors import CallerError, Forbidden

pages = Pages(Place("/projects", "Projects", "p", scope=Scope.ADMIN, apart=True))

SHOWN = 25
LIMITS = (
    "monitors", "rules_cost", "addresses", "endpoints", "deliveries_per_day", "requests_per_second",
    "backfill_blocks_per_day",
)  # fmt: skip


@pages.get("/projects", scope=Scope.ADMIN)
async def show_projects(visit: Visit) -> web.Response:
    """Answer the projects that this key governs, each with what it uses."""
    return await _page(visit)


@pages.post("/projects", scope=Scope.ADMIN)
async def make_project(visit: Visit) -> web.Response:
    """Make a project."""
    try:
        made = await visit.ask(add_project, body={"name": visit.field("name")})
    except CallerError as error:
        return await _page(visit, problem=error)
    return visit.go("/projects", f"The project {made['name']} is made: make a key for it.")


@pages.post("/projects/leave", scope=Scope.ADMIN)
async def leave(visit: Visit) -> web.Response:
    """Go back to the project of the session's key."""
    response = visit.go("/", "You are back in the project of your key.")
    response.del_cookie(PROJECT)
    return response


@pages.post("/projects/{id}/enter", scope=Scope.ADMIN)
async def enter(visit: Visit, id: str) -> web.Response:  # noqa: A002 - as in the path
    """Let this session work in another project."""
    if not visit.who.operator:
        raise Forbidden("only an operator's key works in other projects")
    response = visit.go("/", "What you see and change now is this project's.")
    response.set_cookie(
        PROJECT, id, httponly=True, samesite="Strict", secure=is_secure(visit.request)
    )
    return response


@pages.post("/projects/{id}/change", scope=Scope.ADMIN)
async def change(visit: Visit, id: str) -> web.Response:  # noqa: A002
    """Change a project's name, and by an operator its limits."""
    body: dict[str, Any] = {"name": visit.field("name")}
    if visit.who.operator:
        body["limits"] = {name: _number(visit.field(name)) for name in LIMITS}
    try:
        await visit.ask(change_project, id=id, body=body)
    except CallerError as error:
        return await _page(visit, problem=error)
    return visit.go("/projects", "Saved; the limits hold from now on.")


@pages.post("/projects/{id}/delete", scope=Scope.ADMIN)
async def remove(visit: Visit, id: str) -> web.Response:  # noqa: A002
    """Delete a project with all that it owns."""
    try:
        await visit.ask(remove_project, id=id)
    except CallerError as error:
        return await _page(visit, problem=error)
    return visit.go("/projects", "The project is deleted; what it owned is removed in steps.")


def _number(text: str) -> float | str | None:
    """Return a limit; what is no number stays, and is refused as such."""
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


async def _page(visit: Visit, *, problem: CallerError | None = None) -> web.Response:
    chosen = visit.asked("cursor")
    listed = await visit.ask(read_projects, query={**chosen, "limit": SHOWN})
    usages = {
        project["id"]: (await visit.ask(read_usage, id=project["id"]))["limits"]
        for project in listed["data"]
    }
    return visit.show(
        "projects/list.html",
        status=200 if problem is None else problem.status,
        projects=listed["data"],
        next_cursor=listed["next_cursor"],
        chosen=chosen,
        usages=usages,
        limits=LIMITS,
        problem=problem,
    )
