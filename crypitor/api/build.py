"""Puts the API, its documentation and the page together as one aiohttp application."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Literal

import msgspec
from aiohttp import web

from crypitor.api import (
    addresses,
    audit,
    configuration,
    deliveries,
    endpoints,
    events,
    gauges,
    health,
    jobs,
    keys,
    matches,
    monitors,
    networks,
    projects,
    stats,
    trials,
)
from crypitor.api.events.following import FOLLOWING, Following
from crypitor.api.events.stream import MEDIA
from crypitor.api.events.told import WEBHOOKS, WebhookBody
from crypitor.api.serving import docs, manual
from crypitor.api.serving.authentication import DOOR, Door
from crypitor.api.serving.context import CONTEXT, Context
from crypitor.api.serving.entries import NDJSON
from crypitor.api.serving.errors import REQUEST_IDS, explain, identify, request_ids
from crypitor.api.serving.guard import guard
from crypitor.api.serving.openapi import document
from crypitor.api.serving.openapi_3_0 import as_3_0
from crypitor.api.serving.routing import BODY_LIMIT, Operation, expected, served
from crypitor.api.serving.streams import (
    LARGE_ANSWERS,
    READERS,
    UPLOADS,
    large_answers,
    readers,
    uploads,
)
from crypitor.api.serving.turnstile import TURNSTILE, in_turn
from crypitor.dashboard.build import add_dashboard, as_page
from crypitor.runtime.turnstile import Turnstile

OPERATIONS: tuple[Operation, ...] = (
    *monitors.OPERATIONS,
    *addresses.OPERATIONS,
    *gauges.OPERATIONS,
    *trials.OPERATIONS,
    *endpoints.OPERATIONS,
    *matches.OPERATIONS,
    *deliveries.OPERATIONS,
    *events.OPERATIONS,
    *jobs.OPERATIONS,
    *stats.OPERATIONS,
    *networks.OPERATIONS,
    *projects.OPERATIONS,
    *keys.OPERATIONS,
    *audit.OPERATIONS,
    *configuration.OPERATIONS,
    *health.OPERATIONS,
)
"""One line for each resource, in the order of the documentation."""


# No access log: it would halve the requests per second. Compressed bodies are refused before
# anything could unpack them.
MIDDLEWARES = (in_turn, identify, guard, explain)

SERVER_OPTIONS: Mapping[str, Any] = {"access_log": None, "auto_decompress": False}


def build(context: Context) -> web.Application:
    """Return the application, to be served with `SERVER_OPTIONS`."""
    middlewares = (*context.traced, *MIDDLEWARES, as_page)
    app = web.Application(middlewares=middlewares, client_max_size=BODY_LIMIT)
    app[CONTEXT] = context
    app[REQUEST_IDS] = request_ids(context.random_bytes)
    app[TURNSTILE] = Turnstile(*context.first)
    app[DOOR] = Door(context)
    app[FOLLOWING] = Following(app[DOOR], *context.first)
    app[UPLOADS] = uploads()
    app[READERS] = readers()
    app[LARGE_ANSWERS] = large_answers()
    for operation in OPERATIONS:
        methods = [operation.method]
        # No HEAD for streams: they do not end, or only after a long time.
        if operation.method == "GET" and operation.answers not in (MEDIA, NDJSON):
            methods.append("HEAD")
        for method in methods:
            run = served(operation)
            app.router.add_route(method, operation.path, run, expect_handler=expected)
    _describe(app)
    app.router.add_get("/help", manual.show_start)
    app.router.add_get("/help/{path:.*}", manual.show_page)
    app.router.add_get("/static/{file:" + _one_of(docs.static_names()) + "}", docs.static_file)
    add_dashboard(app, OPERATIONS, described)
    return app


def build_health(context: Context) -> web.Application:
    """Return the application of a process without the API: its health and its metrics."""
    return _small(context)


def build_metrics(context: Context) -> web.Application:
    """Return the application of the port at which nobody needs a key for what tells of the service.

    What can be asked there is what strangers are not shown at the API's port.
    """
    app = _small(replace(context, front=replace(context.front, open_to="everybody")))
    _describe(app)
    return app


def _small(context: Context) -> web.Application:
    app = web.Application(middlewares=MIDDLEWARES)
    app[CONTEXT] = context
    app[REQUEST_IDS] = request_ids(context.random_bytes)
    app[TURNSTILE] = Turnstile()
    app[DOOR] = Door(context)
    app[LARGE_ANSWERS] = large_answers()
    for operation in health.OPERATIONS:
        app.router.add_route(operation.method, operation.path, served(operation))
    return app


def _describe(app: web.Application) -> None:
    app.router.add_get("/openapi.json", _show_document)
    app.router.add_get("/openapi-3.0.json", _show_document_3_0)


def described() -> dict[str, Any]:
    """Return the OpenAPI document of all there is."""
    return document(OPERATIONS, WEBHOOKS, WebhookBody)


async def _show_document(request: web.Request) -> web.Response:
    return await _shown(request, "3.1")


async def _show_document_3_0(request: web.Request) -> web.Response:
    return await _shown(request, "3.0")


async def _shown(request: web.Request, version: Literal["3.0", "3.1"]) -> web.Response:
    await request.app[DOOR].show(request, of_all=False)
    base_path = request.app[CONTEXT].front.base_path
    body = await asyncio.to_thread(_encoded, version, base_path)
    return web.Response(body=body, content_type="application/json")


@cache
def _encoded(version: Literal["3.0", "3.1"], base_path: str) -> bytes:
    """Return the document; made for who asks first, as it takes a tenth of a second."""
    found = described()
    if base_path:
        found["servers"] = [{"url": base_path}]
    return msgspec.json.encode(as_3_0(found) if version == "3.0" else found)


def _one_of(names: Iterable[str]) -> str:
    return "|".join(map(re.escape, names))
