"""Puts the pages together: one line a folder, in the order of the navigation."""

from collections.abc import Sequence

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
)
from crypitor.dashboard.frame.asking import ASKED, by_run
from crypitor.dashboard.frame.pages import PLACES, SESSIONS, Pages, secret_of_session, served
from crypitor.dashboard.frame.sessions import Sessions

PAGES: tuple[Pages, ...] = (
    overview.pages,
    monitors.pages,
    matches.pages,
    deliveries.pages,
    endpoints.pages,
    networks.pages,
    jobs.pages,
    keys.pages,
    audit.pages,
    about.pages,
    door.pages,
)


def add_dashboard(app: web.Application, operations: Sequence[Operation]) -> None:
    """Add the pages to an application. operations: of the API, which the pages ask."""
    app[ASKED] = by_run(operations)
    app[SESSIONS] = Sessions(app[CONTEXT])
    app[SESSION] = secret_of_session
    app[PLACES] = tuple(pages.place for pages in PAGES if pages.place is not None)
    for pages in PAGES:
        for route in pages.routes:
            app.router.add_route(route.method, route.path, served(route))
    app.router.add_get("/login", door.show_door)
    app.router.add_post("/login", door.enter)
