"""Who did what to what, for who has the scope `admin`."""

from typing import Any

from aiohttp import web

from crypitor.api.audit.routes import read_audit
from crypitor.dashboard.frame.pages import Pages
from crypitor.dashboard.frame.visit import Place, Visit
from crypitor.database.keys import Scope
from crypitor.errors import CallerError

pages = Pages(Place("/audit", "Audit", "u", scope=Scope.ADMIN))

FILTERS = ("action", "subject", "key", "since", "until")
SHOWN = 25


@pages.get("/audit", scope=Scope.ADMIN)
async def show_audit(visit: Visit) -> web.Response:
    """Answer a page of the audit; the filters stand in the address."""
    chosen = visit.asked(*FILTERS, "cursor")
    problem: CallerError | None = None
    answer: Any = {"data": [], "next_cursor": None}
    try:
        answer = await visit.ask(read_audit, query={**chosen, "limit": SHOWN})
    except CallerError as error:
        problem = error
    return visit.show(
        "audit/list.html",
        status=200 if problem is None else problem.status,
        entries=answer["data"],
        next_cursor=answer["next_cursor"],
        chosen=chosen,
        problem=problem,
    )
