"""API keys: create, list, rotate, revoke."""

from crypitor.api.keys.answer import KeyAnswer, KeyPage
from crypitor.api.keys.body import KeyBody, KeyRotationBody
from crypitor.api.keys.examples import EXAMPLES
from crypitor.api.keys.query import KeyQuery
from crypitor.api.projects.routes import reach
from crypitor.api.serving.answers import Deleted
from crypitor.api.serving.authentication import DOOR
from crypitor.api.serving.call import Call, Change, Effect, found
from crypitor.api.serving.routing import Routes
from crypitor.database.engine import Transaction
from crypitor.database.keys import (
    CONFIGURED_KEY,
    Key,
    Scope,
    create_key,
    get_key,
    list_keys,
    replace_key,
    revoke_key,
)
from crypitor.database.projects import get_project
from crypitor.errors import Conflict, Mistake, NotFound
from crypitor.webhook.body import rfc3339

routes = Routes("Projects and keys", EXAMPLES, "ke_")


@routes.add("POST", "/v1/keys", scope=Scope.ADMIN, status=201)
async def add_key(call: Call, body: KeyBody) -> KeyAnswer:
    """Create an API key. Its secret is in this answer and nowhere else."""
    project_id = call.project if body.project is None else body.project
    if body.expires_at is not None and body.expires_at <= call.context.clock():
        mistake = Mistake("/expires_at", "this is in the past")
        raise Conflict(f"{mistake.pointer}: {mistake.detail}", [mistake])

    async def unit(tx: Transaction) -> Change[KeyAnswer]:
        reachable = project_id == call.project or call.who.operator
        if not reachable or await get_project(tx, project_id) is None:
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
            expires_at=body.expires_at,
            id_at=context.ids.at(context.clock()),
        )
        answer = key_answer(key)
        kept: KeyAnswer = {**answer, "secret": None}
        return Change({**answer, "secret": secret}, kept=kept, project=project_id)

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
        "data": [key_answer(key) for key in shown],
        "next_cursor": shown[-1].id if len(keys) > query.limit else None,
    }


@routes.add("DELETE", "/v1/keys/{id}", scope=Scope.ADMIN)
async def remove_key(call: Call, id: str) -> Deleted:  # noqa: A002 - as in the path
    """Revoke a key.

    At once in the process that answers, within two seconds in others. It stays in the list.
    """
    _refuse_configured(call, id)

    async def unit(tx: Transaction) -> Change[Deleted]:
        key = found(await get_key(tx, reach(call), id), "key")
        await revoke_key(tx, reach(call), id, call.context.clock())
        return Change(
            {"id": id, "deleted": True},
            _forget(call),
            before={**key_answer(key)},
            project=key.project_id,
        )

    return await call.change(unit)


@routes.add("POST", "/v1/keys/{id}/rotate", scope=Scope.ADMIN, status=201, optional=True)
async def rotate_key(call: Call, id: str, body: KeyRotationBody) -> KeyAnswer:  # noqa: A002
    """Replace a key by a new one of the same name, scope and end.

    The old one opens for a while yet, so that whoever has it can be given the new one: 24 hours
    unless `overlap_seconds` says something else. 409 for one that was revoked or has expired.
    """
    _refuse_configured(call, id)

    async def unit(tx: Transaction) -> Change[KeyAnswer]:
        context, now = call.context, call.context.clock()
        old = found(await get_key(tx, reach(call), id), "key")
        if old.revoked_at is not None or (old.expires_at or now + 1) <= now:
            raise Conflict("this key opens nothing any more: create a new one")
        overlap_ms = body.overlap_seconds * 1000
        id_at = context.ids.at(now)
        key, secret = await replace_key(tx, old, overlap_ms, now, context.random_bytes, id_at=id_at)
        answer = key_answer(key)
        kept: KeyAnswer = {**answer, "secret": None}
        return Change(
            {**answer, "secret": secret},
            _forget(call),
            kept,
            before={**key_answer(old)},
            project=key.project_id,
        )

    return await call.change(unit)


def _refuse_configured(call: Call, key_id: str) -> None:
    if key_id == CONFIGURED_KEY and call.who.operator:
        raise Conflict("this key stands in the configuration: change it there")


def _forget(call: Call) -> Effect:
    async def effect() -> None:
        call.request.app[DOOR].forget()

    return effect


def key_answer(key: Key) -> KeyAnswer:
    """Return a key as JSON has it, without its secret."""
    return {
        "id": key.id,
        "project": key.project_id,
        "name": key.name,
        "scope": key.scope.word,
        "created_at": rfc3339(key.created_at),
        "expires_at": None if key.expires_at is None else rfc3339(key.expires_at),
        "last_used_at": None if key.last_used_at is None else rfc3339(key.last_used_at),
        "revoked_at": None if key.revoked_at is None else rfc3339(key.revoked_at),
    }
