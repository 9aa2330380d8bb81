"""What is in force of the configuration, for operators."""

from aiohttp import web

from crypitor.dashboard.frame.pages import Pages
from crypitor.dashboard.frame.visit import Place, Visit
from crypitor.database.keys import Scope
from crypitor.errors import Forbidden

pages = Pages(Place("/settings", "Settings", "s", scope=Scope.ADMIN, operator=True))


@pages.get("/settings", scope=Scope.ADMIN)
async def show_settings(visit: Visit) -> web.Response:
    """Answer each key of the configuration with its value; what is not the default is marked."""
    if not visit.who.operator:
        raise Forbidden("the configuration is shown to an admin key of the operator's project")
    tables = visit.context.settings()
    return visit.show("settings/list.html", tables=tables)
