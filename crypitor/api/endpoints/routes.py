"""Endpoints: create, read, list, change, delete."""

from dataclasses import asdict, replace
from typing import Any, cast
from urllib.parse import urlsplit

from crypitor.api.endpoints.answer import (
    EndpointAnswer,
    EndpointPage,
    News,
    TemplateAnswer,
    WaitingAnswer,
)
from crypitor.api.endpoints.asked import checked, template_of
from crypitor.api.endpoints.body import EndpointBody
from crypitor.api.endpoints.examples import EXAMPLES
from crypitor.api.endpoints.query import EndpointQuery
from crypitor.api.endpoints.rotation import made_secret, rotated
from crypitor.api.endpoints.rule import (
    quiet_answer,
    quiet_of,
    silence_answer,
    silence_of,
    success_answer,
    success_of,
    tls_answer,
    tls_of,
    window_after,
)
from crypitor.api.serving.answers import Deleted
from crypitor.api.serving.call import Call, Change, Effect, found
from crypitor.api.serving.fitting import fitting
from crypitor.api.serving.reading import patched
from crypitor.api.serving.routing import Routes
from crypitor.database.cancellations import cancel_for_endpoint
from crypitor.database.deliveries import first_queued
from crypitor.database.endpoints import (
    delete_endpoint,
    get_endpoint,
    insert_endpoint,
    list_endpoints,
    lock_endpoint,
    update_endpoint,
)
from crypitor.database.engine import Transaction
from crypitor.database.keys import Caller, Scope
from crypitor.database.monitors import load_some_monitors, monitors_of_endpoint
from crypitor.monitor.models import Monitor
from crypitor.runtime.redaction import shown
from crypitor.webhook.body import rfc3339
from crypitor.webhook.delivery import Digest, Endpoint, Notice
from crypitor.webhook.health import Queued, Waiting, reopened, waiting_of
from crypitor.webhook.signature import public_key, signature_of

routes = Routes("Endpoints", EXAMPLES, "ep_")

HIDDEN = "***"


@routes.add("POST", "/v1/endpoints", scope=Scope.WRITE, status=201)
async def create_endpoint(call: Call, body: EndpointBody) -> EndpointAnswer:
    """Create an endpoint.

    The answer carries its signing secret, which can be read again at `/secret`.
    """
    endpoint = endpoint_of(call, body)

    async def unit(tx: Transaction) -> Change[EndpointAnswer]:
        await insert_endpoint(tx, endpoint)
        return Change(endpoint_answer(endpoint, call.who, secret=True), grows=("endpoints",))

    return await call.change(unit)


@routes.add("GET", "/v1/endpoints", scope=Scope.READ)
async def read_endpoints(call: Call, query: EndpointQuery) -> EndpointPage:
    """List endpoints, newest first or oldest first.

    A page has at most some 4 MiB, and then fewer endpoints than `limit`; `next_cursor` leads on.
    """

    async def unit(tx: Transaction) -> tuple[list[Endpoint], bool, dict[str, Queued]]:
        shown, more = await fitting(
            lambda rows, cursor: list_endpoints(tx, call.project, rows, cursor, query.order),
            query.limit,
            query.cursor,
            cursor_of=lambda endpoint: endpoint.id,
            size_of=size_of,
        )
        return shown, more, await first_queued(tx, [endpoint.id for endpoint in shown])

    shown, more, queued = await call.read(unit)
    now = call.context.clock()
    return {
        "data": [
            endpoint_answer(
                endpoint, call.who, waiting=waiting_of(endpoint, queued.get(endpoint.id), now)
            )
            for endpoint in shown
        ],
        "next_cursor": shown[-1].id if more else None,
    }


@routes.add("GET", "/v1/endpoints/{id}", scope=Scope.READ)
async def read_endpoint(call: Call, id: str) -> EndpointAnswer:  # noqa: A002 - as in the path
    """Read an endpoint."""

    async def unit(tx: Transaction) -> tuple[Endpoint | None, dict[str, Queued]]:
        return await get_endpoint(tx, call.project, id), await first_queued(tx, [id])

    read, queued = await call.read(unit, brief=True)
    endpoint = found(read, "endpoint")
    waiting = waiting_of(endpoint, queued.get(id), call.context.clock())
    return endpoint_answer(endpoint, call.who, waiting=waiting)


@routes.add("PATCH", "/v1/endpoints/{id}", scope=Scope.WRITE, patches=EndpointBody)
async def change_endpoint(call: Call, id: str, body: dict[str, Any]) -> EndpointAnswer:  # noqa: A002
    """Change an endpoint by a JSON merge patch (RFC 7396).

    What is left out stays, null goes back to the default; in `headers`, null removes one.
    `enabled: true` also opens again what failures have disabled, and closes its circuit: what was
    queued meanwhile is sent, slowly at first.
    """

    async def read(tx: Transaction) -> Endpoint:
        return found(await get_endpoint(tx, call.project, id), "endpoint")

    async def check(before: Endpoint) -> tuple[EndpointBody, str]:
        whole = patched(EndpointBody, _document(before), body)
        return whole, checked(call, whole)

    async def lock(tx: Transaction) -> Endpoint:
        return found(await lock_endpoint(tx, call.project, id, call.context.clock()), "endpoint")

    async def unit(
        tx: Transaction, before: Endpoint, checked: tuple[EndpointBody, str]
    ) -> Change[EndpointAnswer]:
        now, (whole, url) = call.context.clock(), checked
        after = _changed(before, whole, url, now, enabling=body.get("enabled"))
        if whole.signature != signature_of(before.secret):
            after = rotated(after, made_secret(call, whole.signature), now)
        await update_endpoint(tx, after)
        waiting = waiting_of(after, (await first_queued(tx, [id])).get(id), now)
        return Change(
            endpoint_answer(after, call.who, waiting=waiting),
            _wake(call, id),
            before=_state(before, call.who),
        )

    return await call.change_as_read(read, check, lock, unit, call.change, same=_document)


@routes.add("DELETE", "/v1/endpoints/{id}", scope=Scope.WRITE)
async def remove_endpoint(call: Call, id: str) -> Deleted:  # noqa: A002 - as in the path
    """Delete an endpoint.

    It leaves the monitors that name it, and its deliveries that are under way are cancelled.
    """

    async def unit(tx: Transaction) -> Change[Deleted]:
        left = await monitors_of_endpoint(tx, id)
        before = found(await get_endpoint(tx, call.project, id), "endpoint")
        if not await delete_endpoint(tx, call.project, id):
            found(None, "endpoint")
        await cancel_for_endpoint(tx, id, call.context.clock())
        await call.record_changes(tx, left)
        return Change(
            {"id": id, "deleted": True},
            _put(call, await load_some_monitors(tx, left)),
            before=_state(before, call.who),
        )

    return await call.change_monitors(None, unit)


def endpoint_of(call: Call, body: EndpointBody, pointer: str = "") -> Endpoint:
    """Return a new endpoint. Raises Invalid; `pointer` leads to the body within the request's."""
    url, now = checked(call, body, pointer), call.context.clock()
    return Endpoint(
        id=call.new_id("ep_"),
        project_id=call.project,
        url=url,
        secret=made_secret(call, body.signature),
        description=body.description,
        format=body.format,
        template=template_of(body),
        headers=body.headers,
        ordered=body.ordered,
        checksum=body.checksum,
        rate_per_second=body.rate_per_second,
        events=_events(body),
        success=success_of(body.success),
        tls=tls_of(body.tls),
        digest=Digest(body.digest.seconds, body.digest.count) if body.digest else None,
        quiet=quiet_of(body.quiet),
        silence=silence_of(body.silence),
        enabled=body.enabled,
        created_at=now,
        updated_at=now,
    )


def size_of(endpoint: Endpoint) -> int:
    """Return about how many bytes an endpoint is worth in a list: certificates have to be read."""
    headers = sum(len(name) + len(value) for name, value in endpoint.headers.items())
    template = len(endpoint.template.body) if endpoint.template else 0
    tls = endpoint.tls
    pem = sum(len(text) for text in (tls.ca, tls.certificate) if text) if tls else 0
    return _BYTES_OF_AN_ENDPOINT + headers + template + _BYTES_OF_PEM * pem


_BYTES_OF_AN_ENDPOINT, _BYTES_OF_PEM = 2_000, 4


def endpoint_answer(
    endpoint: Endpoint, caller: Caller, *, secret: bool = False, waiting: Waiting | None = None
) -> EndpointAnswer:
    """Return an endpoint as JSON has it.

    Readers see neither what its headers hold nor path and query of its URL, which may hold keys.
    waiting: see `waiting_of`; a new endpoint does not wait.
    """
    headers, url = dict(endpoint.headers), endpoint.url
    if caller.scope < Scope.WRITE:
        headers = dict.fromkeys(headers, HIDDEN)
        url = _without_path(url)
    answer: EndpointAnswer = {
        "id": endpoint.id,
        "url": url,
        "description": endpoint.description,
        "format": endpoint.format,
        "template": _template_answer(endpoint),
        "signature": signature_of(endpoint.secret).value,
        "public_key": public_key(endpoint.secret),
        "headers": headers,
        "ordered": endpoint.ordered,
        "rate_per_second": endpoint.rate_per_second,
        "events": cast("list[News]", [event.value for event in endpoint.events]),
        "enabled": endpoint.enabled,
        "state": endpoint.state.value,
        "state_reason": endpoint.state_reason,
        "circuit": endpoint.circuit.state.value,
        "waiting": None if waiting is None else _waiting_answer(waiting),
        "created_at": rfc3339(endpoint.created_at),
        "updated_at": rfc3339(endpoint.updated_at),
    }
    if endpoint.success is not None:
        answer["success"] = success_answer(endpoint.success)
    if endpoint.tls is not None:
        answer["tls"] = tls_answer(endpoint.tls)
    if endpoint.digest is not None:
        digest = endpoint.digest
        answer["digest"] = {"seconds": digest.seconds, "count": digest.count}
    if endpoint.checksum:
        answer["checksum"] = True
    if endpoint.quiet is not None:
        answer["quiet"] = quiet_answer(endpoint.quiet)
    if endpoint.silence:
        answer["silence"] = silence_answer(endpoint.silence)
    if secret:
        answer["secret"] = endpoint.secret
    return answer


def _without_path(url: str) -> str:
    parts = urlsplit(url)
    if parts.path in ("", "/") and not (parts.query or parts.username):
        return url
    return f"{shown(url)}/{HIDDEN}"


def _state(endpoint: Endpoint, caller: Caller) -> dict[str, Any]:
    """Return an endpoint for the audit."""
    return {**endpoint_answer(endpoint, caller)}


def _waiting_answer(waiting: Waiting) -> WaitingAnswer:
    return {
        "reason": waiting.reason.value,
        "since": rfc3339(waiting.since),
        "delivery": waiting.delivery,
        "next_attempt_at": None if waiting.next_at is None else rfc3339(waiting.next_at),
    }


def _changed(
    before: Endpoint, body: EndpointBody, url: str, now: int, *, enabling: object
) -> Endpoint:
    after = replace(
        before,
        url=url,
        description=body.description,
        format=body.format,
        template=template_of(body),
        headers=body.headers,
        ordered=body.ordered,
        checksum=body.checksum,
        rate_per_second=body.rate_per_second,
        events=_events(body),
        success=success_of(body.success),
        tls=tls_of(body.tls),
        digest=Digest(body.digest.seconds, body.digest.count) if body.digest else None,
        quiet=quiet_of(body.quiet),
        silence=silence_of(body.silence),
        window=window_after(before, body),
        enabled=body.enabled,
        updated_at=now,
    )
    return reopened(after, now) if enabling is True else after


def _events(body: EndpointBody) -> tuple[Notice, ...]:
    return tuple(sorted(set(map(Notice, body.events))))


def _document(endpoint: Endpoint) -> dict[str, Any]:
    """Return what a merge patch is merged into."""
    told = {
        "signature": signature_of(endpoint.secret).value,
        "template": _template_answer(endpoint),
        "events": [event.value for event in endpoint.events],
        "success": success_answer(endpoint.success) if endpoint.success else None,
        "digest": None if endpoint.digest is None else asdict(endpoint.digest),
        "quiet": None if endpoint.quiet is None else asdict(endpoint.quiet),
        "silence": silence_answer(endpoint.silence),
        "tls": None if endpoint.tls is None else asdict(endpoint.tls),
    }
    names = EndpointBody.model_fields.keys() - told.keys()
    return {**told, **{name: getattr(endpoint, name) for name in names}}


def _template_answer(endpoint: Endpoint) -> TemplateAnswer | None:
    template = endpoint.template
    if template is None:
        return None
    return {"body": template.body, "content_type": template.content_type}


def _wake(call: Call, endpoint_id: str) -> Effect:
    async def effect() -> None:
        call.context.wake([endpoint_id])

    return effect


def _put(call: Call, monitors: list[Monitor]) -> Effect:
    async def effect() -> None:
        for monitor in monitors:
            if call.context.index is not None and monitor.enabled:
                call.context.index.put(monitor)

    return effect
