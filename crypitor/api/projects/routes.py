"""Projects: create, read, list, change, delete, and what they use of their limits.

The project that the first start makes is the operator's: its admin keys administer all projects. An
admin key of another project administers the keys of that project, and sees no other.
"""

from dataclasses import asdict
from typing import Any

from crypitor.api.projects.answer import (
    ProjectAnswer,
    ProjectPage,
    ProjectUsage,
    UsageAnswer,
)
from crypitor.api.projects.body import LimitsBody, ProjectBody
from crypitor.api.projects.examples import EXAMPLES
from crypitor.api.projects.query import ProjectQuery
from crypitor.api.serving.answers import Deleted
from crypitor.api.serving.authentication import DOOR
from crypitor.api.serving.call import Call, Change, Effect, found
from crypitor.api.serving.reading import patched
from crypitor.api.serving.routing import Routes
from crypitor.database.engine import Transaction
from crypitor.database.keys import Project, Scope, create_project
from crypitor.database.limits import DAY_MS, USED, Limits, limits_of, midnight, used_of
from crypitor.database.projects import delete_project, get_project, list_projects, update_project
from crypitor.errors import Conflict, Forbidden
from crypitor.webhook.body import rfc3339

routes = Routes("Projects and keys", EXAMPLES, "pr_")


@routes.add("POST", "/v1/projects", scope=Scope.ADMIN, status=201)
async def add_project(call: Call, body: ProjectBody) -> ProjectAnswer:
    """Create a project. Only for an operator's key."""
    if not call.who.operator:
        raise Forbidden("only an admin key of the operator's project can create projects")

    async def unit(tx: Transaction) -> Change[ProjectAnswer]:
        context = call.context
        now = context.clock()
        project = await create_project(
            tx, body.name, now, context.random_bytes, id_at=context.ids.at(now)
        )
        await update_project(tx, project.id, body.name, _own(body.limits))
        made = found(await get_project(tx, project.id), "project")
        return Change(project_answer(made), project=project.id)

    return await call.change(unit)


@routes.add("GET", "/v1/projects", scope=Scope.ADMIN)
async def read_projects(call: Call, query: ProjectQuery) -> ProjectPage:
    """List projects, newest first; for a key that is no operator's, its own."""
    projects = await call.read(
        lambda tx: list_projects(tx, only=reach(call), limit=query.limit + 1, cursor=query.cursor)
    )
    shown = projects[: query.limit]
    return {
        "data": [project_answer(project) for project in shown],
        "next_cursor": shown[-1].id if len(projects) > query.limit else None,
    }


@routes.add("GET", "/v1/projects/{id}", scope=Scope.ADMIN)
async def read_project(call: Call, id: str) -> ProjectAnswer:  # noqa: A002 - as in the path
    """Read a project."""
    return project_answer(await call.read(lambda tx: _reachable(tx, call, id)))


@routes.add("PATCH", "/v1/projects/{id}", scope=Scope.ADMIN, patches=ProjectBody)
async def change_project(call: Call, id: str, body: dict[str, Any]) -> ProjectAnswer:  # noqa: A002
    """Change a project's name or limits by a JSON merge patch (RFC 7396).

    A limit of null goes back to what the configuration says. Limits are set by an operator's key
    alone. What a project has already stays, however low a limit is set.
    """
    if "limits" in body and not call.who.operator:
        found(None if id != call.project else id, "project")
        raise Forbidden("only an admin key of the operator's project can set limits")

    async def unit(tx: Transaction) -> Change[ProjectAnswer]:
        before = await _reachable(tx, call, id)
        told = {"name": before.name, "limits": dict(before.limits)}
        whole = patched(ProjectBody, told, body)
        await update_project(tx, id, whole.name, _own(whole.limits))
        after = await _reachable(tx, call, id)
        return Change(
            project_answer(after), _forget(call), before={**project_answer(before)}, project=id
        )

    return await call.change(unit)


@routes.add("DELETE", "/v1/projects/{id}", scope=Scope.ADMIN)
async def remove_project(call: Call, id: str) -> Deleted:  # noqa: A002 - as in the path
    """Delete a project with all that it owns. Only for an operator's key.

    Its keys open nothing and nothing more is sent, at once here and within two seconds elsewhere;
    its monitors, endpoints, matches and deliveries are removed in steps after that. The audit keeps
    what was done. 409 for the operator's own.
    """

    async def unit(tx: Transaction) -> Change[Deleted]:
        project = await _reachable(tx, call, id)
        if project.operator:
            raise Conflict("this is the operator's project: the others are administered from it")
        if not call.who.operator:
            raise Forbidden("only an admin key of the operator's project can delete projects")
        await delete_project(tx, id, call.context.clock())
        return Change(
            {"id": id, "deleted": True},
            _forget(call),
            before={**project_answer(project)},
            project=id,
        )

    return await call.change(unit)


@routes.add("GET", "/v1/projects/{id}/usage", scope=Scope.ADMIN)
async def read_usage(call: Call, id: str) -> ProjectUsage:  # noqa: A002 - as in the path
    """Read what a project uses of its limits, and which limits are in force."""
    now = call.context.clock()

    async def unit(tx: Transaction) -> ProjectUsage:
        await _reachable(tx, call, id)
        return await project_usage(tx, id, call.context.limits, now)

    return await call.read(unit)


async def project_usage(
    tx: Transaction, project_id: str, defaults: Limits, now: int
) -> ProjectUsage:
    """Return the usage of a project as JSON has it. now: unix milliseconds."""
    limits = asdict(await limits_of(tx, project_id, defaults))
    usages: Any = {}
    for name, limit in limits.items():
        used = await used_of(tx, project_id, name, now) if name in USED else None
        usages[name] = UsageAnswer(limit=limit, used=used)
    ends_at = rfc3339(midnight(now) + DAY_MS)
    return {"project": project_id, "limits": usages, "day_ends_at": ends_at}


def reach(call: Call) -> str | None:
    """Return the only project that this caller administers, None for all."""
    return None if call.who.operator else call.project


def project_answer(project: Project) -> ProjectAnswer:
    """Return a project as JSON has it."""
    limits: Any = {name: project.limits.get(name) for name in LimitsBody.model_fields}
    return {
        "id": project.id,
        "name": project.name,
        "operator": project.operator,
        "limits": limits,
        "created_at": rfc3339(project.created_at),
    }


async def _reachable(tx: Transaction, call: Call, project_id: str) -> Project:
    only = reach(call)
    project = None if only not in (None, project_id) else await get_project(tx, project_id)
    return found(project, "project")


def _own(limits: LimitsBody) -> dict[str, Any]:
    """Return what is stored: the limits that are set."""
    return limits.model_dump(exclude_none=True)


def _forget(call: Call) -> Effect:
    async def effect() -> None:
        call.request.app[DOOR].forget()

    return effect
