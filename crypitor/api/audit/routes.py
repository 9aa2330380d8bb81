"""The audit: a page of it, and all of it as NDJSON."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from aiohttp import web

from crypitor.api.audit.answer import AuditAnswer, AuditPage
from crypitor.api.audit.examples import EXAMPLES
from crypitor.api.audit.query import AuditQuery, Narrowed
from crypitor.api.projects.routes import reach
from crypitor.api.serving.authentication import DOOR
from crypitor.api.serving.call import Call, begun
from crypitor.api.serving.entries import NDJSON
from crypitor.api.serving.fitting import fitting
from crypitor.api.serving.routing import Routes
from crypitor.database.audit import AuditEntry, AuditFilter, list_audit
from crypitor.database.engine import Transaction
from crypitor.database.keys import Scope
from crypitor.errors import CallerError
from crypitor.webhook.body import rfc3339

routes = Routes("Audit", EXAMPLES)

AT_ONCE = 500
_BYTES_OF_AN_ENTRY = 400
SLOW_SECONDS = 30.0
"""How long a reader of the export may take nothing, before it is left."""


@routes.add("GET", "/v1/audit", scope=Scope.ADMIN)
async def read_audit(call: Call, query: AuditQuery) -> AuditPage:
    """List who did what, newest first or oldest first.

    Each change, each rotation, retry and replay, and each secret that was read, with what was there
    before and after, without secrets. An operator's key sees all projects. A page has at most some
    4 MiB, and then fewer entries than `limit`.
    """
    nowhere, chosen = _chosen(call, query)
    if nowhere:
        return {"data": [], "next_cursor": None}

    async def unit(tx: Transaction) -> tuple[list[AuditEntry], bool]:
        cursor = None if query.cursor is None else int(query.cursor)
        return await _fitting(
            tx, chosen, query.limit, cursor=cursor, oldest_first=query.order == "asc"
        )

    shown, more = await call.read(unit)
    return {
        "data": [audit_answer(entry) for entry in shown],
        "next_cursor": str(shown[-1].position) if more else None,
    }


async def _fitting(
    tx: Transaction, chosen: AuditFilter, limit: int, *, cursor: int | None, oldest_first: bool
) -> tuple[list[AuditEntry], bool]:
    return await fitting(
        lambda rows, at: list_audit(tx, chosen, rows, cursor=at, oldest_first=oldest_first),
        limit,
        cursor,
        cursor_of=lambda entry: entry.position,
        size_of=lambda entry: _BYTES_OF_AN_ENTRY + entry.size,
    )


@routes.add("GET", "/v1/audit/export", scope=Scope.ADMIN, answers=NDJSON)
async def export_audit(call: Call, query: Narrowed) -> web.StreamResponse:
    """Read all of the audit, oldest first: one entry of /v1/audit a line."""
    nowhere, chosen = _chosen(call, query)
    response = web.StreamResponse(headers={"Content-Type": NDJSON, **begun(call)})
    await response.prepare(call.request)
    try:
        if not nowhere:
            async for entries in _all_entries(call, chosen):
                lines = (msgspec.json.encode(audit_answer(entry)) + b"\n" for entry in entries)
                async with asyncio.timeout(SLOW_SECONDS):
                    await response.write(b"".join(lines))
        await response.write_eof()
    except (TimeoutError, ConnectionResetError, CallerError):
        # The answer is incomplete: break the connection, so that nobody takes it for the whole.
        if call.request.transport is not None:
            call.request.transport.abort()
    return response


def audit_answer(entry: AuditEntry) -> AuditAnswer:
    """Return an entry as JSON has it."""
    actor, deed = entry.actor, entry.deed
    return {
        "position": entry.position,
        "at": rfc3339(entry.at),
        "project": deed.project_id,
        "action": deed.action,
        "subject": deed.subject,
        "via": actor.via,
        "key": actor.key_id,
        "address": actor.address,
        "request_id": actor.request_id,
        "before": None if deed.before is None else {**deed.before},
        "after": None if deed.after is None else {**deed.after},
    }


def _chosen(call: Call, query: Narrowed) -> tuple[bool, AuditFilter]:
    """Return whether nothing can be seen, and what is asked of what can be."""
    only = reach(call)
    nowhere = only is not None and query.project not in (None, only)
    return nowhere, query.chosen(only)


async def _all_entries(call: Call, chosen: AuditFilter) -> AsyncIterator[list[AuditEntry]]:
    cursor = None
    while True:
        await call.request.app[DOOR].admit(call.request, Scope.ADMIN)
        entries, more = await call.context.database.read(
            lambda tx, at=cursor: _fitting(  # type: ignore[misc]
                tx, chosen, AT_ONCE, cursor=at, oldest_first=True
            ),
            at_once=True,
        )
        if entries:
            yield entries
            cursor = entries[-1].position
        if not more:
            return
