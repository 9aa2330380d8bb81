"""API keys: create, list, revoke."""

from crypitor.api.keys.answer import KeyAnswer, KeyPage
from crypitor.api.keys.body import KeyBody
from crypitor.api.keys.examples import EXAMPLES
from crypitor.api.keys.query import KeyQuery
from crypitor.api.projects.routes import reach
from crypitor.api.serving.answers import Deleted
from crypitor.api.serving.authentication import DOOR
from crypitor.api.serving.call import Call, Change, found
from crypitor.api.serving.routing import Routes
from crypitor.database.engine import Transaction
from crypitor.database.keys import (
    CONFIGURED_KEY,
    Key,
    Scope,
    create_key,
    list_keys,
    list_projects,
    revoke_key,
)
from crypitor.errors import Conflict, Mistake, NotFound
from crypitor.webhook.body import rfc3339

routes = Routes("Projects and keys", EXAMPLES, "ke_")


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
    project_id = query.project or reach(call)
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
        if not await revoke_key(tx, reach(call), id, call.context.clock()):
            found(None, "key")
        return Change({"id": id, "deleted": True}, forget)

    return await call.change(unit)


def _key_answer(key: Key) -> KeyAnswer:
    return {
        "id": key.id,
        "project": key.project_id,
        "name": key.name,
        "scope": key.scope.word,
        "created_at": rfc3339(key.created_at),
        "revoked_at": None if key.revoked_at is None else rfc3339(key.revoked_at),
    }
