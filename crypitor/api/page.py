"""The first page.

With keys it is empty and asks for one, which its script sends with each refresh; nothing of any
project leaves without it. Without keys it comes whole, and can be read without JavaScript.
"""

from aiohttp import web

import crypitor
from crypitor.api.auth import DOOR
from crypitor.api.context import CONTEXT
from crypitor.api.deliveries import delivery_answer
from crypitor.api.matches import match_answer
from crypitor.api.networks import network_answers
from crypitor.dashboard.page import first_page, overview
from crypitor.database.deliveries import list_deliveries
from crypitor.database.engine import Transaction
from crypitor.database.keys import Scope
from crypitor.database.matches import MatchFilter, StoredMatch, list_matches
from crypitor.webhook.delivery import Delivery

OVERVIEW_PATH = "/overview"
SHOWN = 20

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


async def show_page(request: web.Request) -> web.Response:
    """Answer the page, with its content where no key is needed."""
    content = None if request.app[CONTEXT].auth else await _overview(request)
    return _html(first_page(content, crypitor.__version__))


async def show_overview(request: web.Request) -> web.Response:
    """Answer the changing part of the page, to a key with read scope."""
    return _html(await _overview(request))


async def _overview(request: web.Request) -> str:
    context = request.app[CONTEXT]
    project = (await request.app[DOOR].admit(request, Scope.READ)).project_id

    async def unit(tx: Transaction) -> tuple[list[StoredMatch], list[Delivery]]:
        matches = await list_matches(tx, project, MatchFilter(), SHOWN)
        return matches, await list_deliveries(tx, project, limit=SHOWN)

    matches, deliveries = await context.database.read(unit, at_once=True)
    return overview(
        network_answers(context),
        [match_answer(match, context) for match in matches],
        [delivery_answer(delivery) for delivery in deliveries],
    )


def _html(text: str) -> web.Response:
    return web.Response(
        text=text,
        content_type="text/html",
        headers={"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"},
    )
