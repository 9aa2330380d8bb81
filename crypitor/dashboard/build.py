"""Puts the pages together: one line a folder, in the order of the navigation."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from crypitor.api.serving.authentication import SESSION
from crypitor.api.serving.context import CONTEXT
from crypitor.api.serving.routing import Operation
from crypitor.dashboard import (
    about,
    audit,
    deliveries,
    door,
    endpoints,
    jobs,
    keys,
    matches,
    monitors,
    networks,
    overview,
    projects,
    settings,
)
from crypitor.dashboard.frame.asking import ASKED, by_run
from crypitor.dashboard.frame.pages import PLACES, SESSIONS, Pages, secret_of_session, served
from crypitor.dashboard.frame.sessions import Sessions
from crypitor.dashboard.frame.unknown import as_page as as_page  # noqa: PLC0414 - for who builds
from crypitor.dashboard.reference import add_reference

PAGES: tuple[Pages, ...] = (
    overview.pages,
    monitors.pages,
    matches.pages,
    deliveries.pages,
    endpoints.pages,
    networks.pages,
    jobs.pages,
    keys.pages,
    projects.pages,
    audit.pages,
    settings.pages,
    about.pages,
    door.pages,
)


def add_dashboard(
    app: web.Application,
    operations: Sequence[Operation],
    described: Callable[[], Mapping[str, Any]],
) -> None:
    """Add the pages to an application.

    operations: of the API, which the pages ask. described: makes its OpenAPI document.
    """
    app[ASKED] = by_run(operations)
    app[SESSIONS] = Sessions(app[CONTEXT])
    app[SESSION] = secret_of_session
    app[PLACES] = tuple(pages.place for pages in PAGES if pages.place is not None)
    for pages in PAGES:
        for route in pages.routes:
            app.router.add_route(route.method, route.path, served(route))
    add_reference(app, described)
    app.router.add_get("/login", door.show_door)
    app.router.add_post("/login", door.enter)
