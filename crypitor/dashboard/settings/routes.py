"""What is in force of the configuration, for operators."""

from typing import get_args

from aiohttp import web

from crypitor.api.configuration.body import LogLevelBody
from crypitor.api.configuration.routes import reload_configuration, set_log_level
from crypitor.dashboard.frame.pages import Pages
from crypitor.dashboard.frame.visit import Place, Visit
from crypitor.database.keys import Scope
from crypitor.errors import CallerError, Forbidden, Invalid

pages = Pages(Place("/settings", "Settings", "s", scope=Scope.ADMIN, operator=True, apart=True))


@pages.get("/settings", scope=Scope.ADMIN)
async def show_settings(visit: Visit) -> web.Response:
    """Answer each key of the configuration with its value; what is not the default is marked."""
    return _page(visit)


@pages.post("/settings/reload", scope=Scope.ADMIN)
async def read_again(visit: Visit) -> web.Response:
    """Read the configuration again; with a mistake in it nothing is changed."""
    try:
        found = await visit.ask(reload_configuration)
    except Invalid as error:
        return _page(visit, problem=error)
    changed, waiting = ", ".join(found["changed"]), ", ".join(found["restart"])
    said = f"Read again. In force: {changed or 'nothing new'}."
    return visit.go("/settings", said + (f" At the next start: {waiting}." if waiting else ""))


@pages.post("/settings/log-level", scope=Scope.ADMIN)
async def hear(visit: Visit) -> web.Response:
    """Let the process be heard from another level on."""
    try:
        heard = await visit.ask(set_log_level, body={"level": visit.field("level")})
    except Invalid as error:
        return _page(visit, problem=error)
    return visit.go(
        "/settings", f"The log has {heard['level']} and worse, until the next reload or start."
    )


def _page(visit: Visit, problem: CallerError | None = None) -> web.Response:
    if not visit.who.operator:
        raise Forbidden("the configuration is shown to an admin key of the operator's project")
    return visit.show(
        "settings/list.html",
        status=200 if problem is None else problem.status,
        tables=visit.context.settings(),
        levels=get_args(LogLevelBody.model_fields["level"].annotation),
        problem=problem,
    )
