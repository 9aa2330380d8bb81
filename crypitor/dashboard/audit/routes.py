"""Who did what to what, for who has the scope `admin`."""

from aiohttp import web

from crypitor.api.audit.routes import export_audit, read_audit
from crypitor.dashboard.frame.moments import as_asked
from crypitor.dashboard.frame.pages import Pages
from crypitor.dashboard.frame.visit import Place, Visit
from crypitor.database.keys import Scope

pages = Pages(Place("/audit", "Audit", "u", scope=Scope.ADMIN, apart=True))

FILTERS = ("action", "subject", "key", "since", "until")
SHOWN = 25


@pages.get("/audit", scope=Scope.ADMIN)
async def show_audit(visit: Visit) -> web.Response:
    """Answer a page of the audit; the filters stand in the address."""
    found = await visit.listed(read_audit, SHOWN, *FILTERS)
    return visit.show("audit/list.html", status=found.status, entries=found.rows, **found.beside)


@pages.get("/audit/export", scope=Scope.ADMIN)
async def download(visit: Visit) -> web.StreamResponse:
    """Answer all of it that the filters leave, an entry a line, oldest first."""
    query = as_asked(visit.asked(*FILTERS), visit.context.clock())
    answer: web.StreamResponse = await visit.ask(export_audit, query=query)
    return answer
