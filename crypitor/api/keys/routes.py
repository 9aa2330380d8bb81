"""Projects and API keys.

The first project is the operator's: its admin keys administer all projects. An admin key of another
project administers the keys of that project, and sees no other.
"""

from crypitor.api.answers.keys import KeyAnswer, KeyPage, ProjectAnswer, ProjectPage
from crypitor.api.answers.terms import Deleted
from crypitor.api.auth import DOOR
from crypitor.api.bodies.keys import KeyBody, ProjectBody
from crypitor.api.call import Call, Change, found
from crypitor.api.queries import KeyQuery, Query
from crypitor.api.routing import Routes
from crypitor.database.engine import Transaction
from crypitor.database.keys import (
    CONFIGURED_KEY,
    Key,
    Project,
    Scope,
    create_key,
    create_project,
    list_keys,
    list_projects,
    revoke_key,
)
from crypitor.errors import Conflict, Forbidden, Mistake, NotFound
from crypitor.webhook.body import rfc3339

routes = Routes("Projects and keys", "ke_")


@routes.add("POST", "/v1/projects", scope=Scope.ADMIN, status=201)
async def add_project(call: Call, body: ProjectBody) -> ProjectAnswer:
    """Create a project. Only for an operator's key."""
    if not call.who.operator:
        raise Forbidden("only an admin key of the first project can create projects")

    async def unit(tx: Transaction) -> Change[ProjectAnswer]:
        context = call.context
        project = await create_project(tx, body.name, context.clock(), context.random_bytes)
        return Change(_project_answer(project))

    return await call.change(unit)


@routes.add("GET", "/v1/projects", scope=Scope.ADMIN)
async def read_projects(call: Call, query: Query) -> ProjectPage:
    """List projects, newest first; for a key that is no operator's, its own."""
    projects = await call.read(
        lambda tx: list_projects(tx, only=_reach(call), limit=query.limit + 1, cursor=query.cursor)
    )
    shown = projects[: query.limit]
    return {
        "data": [_project_answer(project) for project in shown],
        "next_cursor": shown[-1].id if len(projects) > query.limit else None,
    }


@routes.add("POST", "/v1/keys", scope=Scope.ADMIN, status=201)
async def add_key(call: Call, body: KeyBody) -> KeyAnswer:
    """Create an API key. Its secret is in this answer and nowhere else."""
    project_id = body.project or call.project

    async def unit(tx: Transaction) -> Change[KeyAnswer]:
        reachable = project_id == call.project or call.who.operator
        if not reachable or not await list_projects(tx, only=project_id):
            mistake = Mistake("/project", "there is no such project")
            raise NotFound(f"{mistake.pointer}: {mistake.detail}", [mistake])
        context = call.context
        key, secret = await create_key(
            tx,
            project_id,
            body.name,
            Scope[body.scope.upper()],
            context.clock(),
            context.random_bytes,
        )
        answer = _key_answer(key)
        return Change({**answer, "secret": secret}, kept={**answer, "secret": None})

    return await call.change(unit)


@routes.add("GET", "/v1/keys", scope=Scope.ADMIN)
async def read_keys(call: Call, query: KeyQuery) -> KeyPage:
    """List keys, revoked ones too, newest first; an operator sees those of all projects."""
    if query.project is not None and not call.who.operator and query.project != call.project:
        return {"data": [], "next_cursor": None}
    project_id = query.project or _reach(call)
    keys = await call.read(
        lambda tx: list_keys(tx, project_id, limit=query.limit + 1, cursor=query.cursor)
    )
    shown = keys[: query.limit]
    return {
        "data": [_key_answer(key) for key in shown],
        "next_cursor": shown[-1].id if len(keys) > query.limit else None,
    }


@routes.add("DELETE", "/v1/keys/{id}", scope=Scope.ADMIN)
async def remove_key(call: Call, id: str) -> Deleted:  # noqa: A002 - as in the path
    """Revoke a key.

    At once in the process that answers, within two seconds in others. It stays in the list.
    """

    async def forget() -> None:
        call.request.app[DOOR].forget()

    if id == CONFIGURED_KEY and call.who.operator:
        raise Conflict("this key stands in the configuration: remove it there")

    async def unit(tx: Transaction) -> Change[Deleted]:
        if not await revoke_key(tx, _reach(call), id, call.context.clock()):
            found(None, "key")
        return Change({"id": id, "deleted": True}, forget)

    return await call.change(unit)


def _reach(call: Call) -> str | None:
    """Return the only project that this caller administers, None for all."""
    return None if call.who.operator else call.project


def _project_answer(project: Project) -> ProjectAnswer:
    return {
        "id": project.id,
        "name": project.name,
        "created_at": rfc3339(project.created_at),
    }


def _key_answer(key: Key) -> KeyAnswer:
    return {
        "id": key.id,
        "project": key.project_id,
        "name": key.name,
        "scope": key.scope.word,
        "created_at": rfc3339(key.created_at),
        "revoked_at": None if key.revoked_at is None else rfc3339(key.revoked_at),
    }
