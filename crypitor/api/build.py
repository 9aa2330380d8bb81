"""Puts the API, its documentation and the page together as one aiohttp application."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import msgspec
from aiohttp import web

from crypitor.api import (
    addresses,
    audit,
    configuration,
    deliveries,
    endpoints,
    events,
    health,
    jobs,
    keys,
    matches,
    monitors,
    networks,
    projects,
    trials,
)
from crypitor.api.events.stream import MEDIA
from crypitor.api.events.told import WEBHOOKS, WebhookBody
from crypitor.api.serving import docs, manual
from crypitor.api.serving.authentication import DOOR, Door
from crypitor.api.serving.context import CONTEXT, Context
from crypitor.api.serving.entries import NDJSON
from crypitor.api.serving.errors import explain, identify
from crypitor.api.serving.openapi import document
from crypitor.api.serving.openapi_3_0 import as_3_0
from crypitor.api.serving.routing import BODY_LIMIT, Operation, served
from crypitor.api.serving.streams import LARGE_ANSWERS, UPLOADS, large_answers, uploads
from crypitor.api.serving.turnstile import TURNSTILE, Turnstile, in_turn
from crypitor.dashboard.build import add_dashboard

OPERATIONS: tuple[Operation, ...] = (
    *monitors.OPERATIONS,
    *addresses.OPERATIONS,
    *trials.OPERATIONS,
    *endpoints.OPERATIONS,
    *matches.OPERATIONS,
    *deliveries.OPERATIONS,
    *events.OPERATIONS,
    *jobs.OPERATIONS,
    *networks.OPERATIONS,
    *projects.OPERATIONS,
    *keys.OPERATIONS,
    *audit.OPERATIONS,
    *configuration.OPERATIONS,
    *health.OPERATIONS,
)
"""One line for each resource, in the order of the documentation."""


# The access log halves what can be answered; compressed bodies are refused, and must not be
# unpacked on the way to that.
SERVER_OPTIONS: Mapping[str, Any] = {"access_log": None, "auto_decompress": False}


def build(context: Context) -> web.Application:
    """Return the application, to be served with `SERVER_OPTIONS`."""
    app = web.Application(
        middlewares=[*context.traced, in_turn, identify, explain], client_max_size=BODY_LIMIT
    )
    app[CONTEXT] = context
    app[TURNSTILE] = Turnstile(context.precedence)
    app[DOOR] = Door(context)
    app[UPLOADS] = uploads()
    app[LARGE_ANSWERS] = large_answers()
    for operation in OPERATIONS:
        app.router.add_route(operation.method, operation.path, served(operation))
        # A stream has no end, or a long way to it.
        if operation.method == "GET" and operation.answers not in (MEDIA, NDJSON):
            app.router.add_route("HEAD", operation.path, served(operation))
    app.router.add_get("/openapi.json", _show_document)
    app.router.add_get("/openapi-3.0.json", _show_document_3_0)
    app.router.add_get("/docs", docs.show_docs)
    app.router.add_get("/docs/{file:" + _one_of(docs.SWAGGER_FILES) + "}", docs.swagger_file)
    app.router.add_get("/help", manual.show_start)
    app.router.add_get("/help/{path:.*}", manual.show_page)
    app.router.add_get("/static/{file:" + _one_of(docs.static_names()) + "}", docs.static_file)
    add_dashboard(app, OPERATIONS)
    return app


def build_health(context: Context) -> web.Application:
    """Return the application of a process without the API: its health and its metrics."""
    app = web.Application(middlewares=[in_turn, identify, explain])
    app[CONTEXT] = context
    app[TURNSTILE] = Turnstile()
    app[DOOR] = Door(context)
    app[LARGE_ANSWERS] = large_answers()
    for operation in health.OPERATIONS:
        app.router.add_route(operation.method, operation.path, served(operation))
    return app


def described() -> dict[str, Any]:
    """Return the OpenAPI document of all there is."""
    return document(OPERATIONS, WEBHOOKS, WebhookBody)


async def _show_document(_request: web.Request) -> web.Response:
    body = await asyncio.to_thread(_encoded)
    return web.Response(body=body, content_type="application/json")


async def _show_document_3_0(_request: web.Request) -> web.Response:
    body = await asyncio.to_thread(_encoded_3_0)
    return web.Response(body=body, content_type="application/json")


@cache
def _encoded() -> bytes:
    """Return the document; made for who asks first, as it takes a tenth of a second."""
    return msgspec.json.encode(described())


@cache
def _encoded_3_0() -> bytes:
    return msgspec.json.encode(as_3_0(described()))


def _one_of(names: Iterable[str]) -> str:
    return "|".join(map(re.escape, names))
