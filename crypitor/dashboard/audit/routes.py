"""Who did what to what, for who has the scope `admin`."""

from aiohttp import web

from crypitor.api.audit.routes import read_audit
from crypitor.dashboard.frame.pages import Pages
from crypitor.dashboard.frame.visit import Place, Visit
from crypitor.database.keys import Scope

pages = Pages(Place("/audit", "Audit", "u", scope=Scope.ADMIN))

FILTERS = ("action", "subject", "key", "since", "until")
SHOWN = 25


@pages.get("/audit", scope=Scope.ADMIN)
async def show_audit(visit: Visit) -> web.Response:
    """Answer a page of the audit; the filters stand in the address."""
    found = await visit.listed(read_audit, SHOWN, *FILTERS)
    return visit.show("audit/list.html", status=found.status, entries=found.rows, **found.beside)
