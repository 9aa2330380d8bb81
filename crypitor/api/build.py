"""Puts the API, its documentation and the page together as one aiohttp application."""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from aiohttp import web

from crypitor.api import (
    addresses,
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
from crypitor.api.serving import docs
from crypitor.api.serving.authentication import DOOR, Door
from crypitor.api.serving.context import CONTEXT, Context
from crypitor.api.serving.errors import explain, identify
from crypitor.api.serving.openapi import document
from crypitor.api.serving.routing import BODY_LIMIT, Operation, served
from crypitor.api.serving.turnstile import TURNSTILE, Turnstile, in_turn
from crypitor.dashboard import overview

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
    *configuration.OPERATIONS,
    *health.OPERATIONS,
)
"""One line for each resource, in the order of the documentation."""


# The access log halves what can be answered; compressed bodies are refused, and must not be
# unpacked on the way to that.
SERVER_OPTIONS: Mapping[str, Any] = {"access_log": None, "auto_decompress": False}


def build(context: Context) -> web.Application:
    """Return the application, to be served with `SERVER_OPTIONS`."""
    app = web.Application(middlewares=[in_turn, identify, explain], client_max_size=BODY_LIMIT)
    app[CONTEXT] = context
    app[TURNSTILE] = Turnstile(context.precedence)
    app[DOOR] = Door(context)
    for operation in OPERATIONS:
        app.router.add_route(operation.method, operation.path, served(operation))
        if operation.method == "GET" and operation.answers != MEDIA:  # a stream has no end
            app.router.add_route("HEAD", operation.path, served(operation))
    networks = tuple(context.networks)

    async def show_document(_request: web.Request) -> web.Response:
        described = await asyncio.to_thread(_described, networks)
        return web.Response(body=described, content_type="application/json")

    app.router.add_get("/openapi.json", show_document)
    app.router.add_get("/docs", docs.show_docs)
    app.router.add_get("/docs/{file:" + _one_of(docs.SWAGGER_FILES) + "}", docs.swagger_file)
    app.router.add_get("/static/{file:" + _one_of(docs.static_names()) + "}", docs.static_file)
    app.router.add_get("/", overview.show_page)
    app.router.add_get(overview.OVERVIEW_PATH, overview.show_overview)
    return app


def build_health(context: Context) -> web.Application:
    """Return the application of a process without the API: its health and its metrics."""
    app = web.Application(middlewares=[in_turn, identify, explain])
    app[CONTEXT] = context
    app[TURNSTILE] = Turnstile()
    app[DOOR] = Door(context)
    for operation in health.OPERATIONS:
        app.router.add_route(operation.method, operation.path, served(operation))
    return app


@cache
def _described(networks: Sequence[str]) -> bytes:
    """Return the OpenAPI document; made for who asks first, as it takes a tenth of a second."""
    return msgspec.json.encode(document(OPERATIONS, networks))


def _one_of(names: Iterable[str]) -> str:
    return "|".join(map(re.escape, names))
