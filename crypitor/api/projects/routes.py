"""Projects: create, list.

The project that the first start makes is the operator's: its admin keys administer all projects. An
admin key of another project administers the keys of that project, and sees no other.
"""

from crypitor.api.projects.answer import ProjectAnswer, ProjectPage
from crypitor.api.projects.body import ProjectBody
from crypitor.api.projects.examples import EXAMPLES
from crypitor.api.serving.call import Call, Change
from crypitor.api.serving.paging import Query
from crypitor.api.serving.routing import Routes
from crypitor.database.engine import Transaction
from crypitor.database.keys import Project, Scope, create_project, list_projects
from crypitor.errors import Forbidden
from crypitor.webhook.body import rfc3339

routes = Routes("Projects and keys", EXAMPLES, "pr_")


@routes.add("POST", "/v1/projects", scope=Scope.ADMIN, status=201)
async def add_project(call: Call, body: ProjectBody) -> ProjectAnswer:
    """Create a project. Only for an operator's key."""
    if not call.who.operator:
        raise Forbidden("only an admin key of the operator's project can create projects")

    async def unit(tx: Transaction) -> Change[ProjectAnswer]:
        context = call.context
        project = await create_project(tx, body.name, context.clock(), context.random_bytes)
        return Change(_project_answer(project))

    return await call.change(unit)


@routes.add("GET", "/v1/projects", scope=Scope.ADMIN)
async def read_projects(call: Call, query: Query) -> ProjectPage:
    """List projects, newest first; for a key that is no operator's, its own."""
    projects = await call.read(
        lambda tx: list_projects(tx, only=reach(call), limit=query.limit + 1, cursor=query.cursor)
    )
    shown = projects[: query.limit]
    return {
        "data": [_project_answer(project) for project in shown],
        "next_cursor": shown[-1].id if len(projects) > query.limit else None,
    }


def reach(call: Call) -> str | None:
    """Return the only project that this caller administers, None for all."""
    return None if call.who.operator else call.project


def _project_answer(project: Project) -> ProjectAnswer:
    return {
        "id": project.id,
        "name": project.name,
        "created_at": rfc3339(project.created_at),
    }
