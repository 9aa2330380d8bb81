"""The first page.

With keys it is empty and asks for one, which its script sends with each refresh; nothing of any
project leaves without it. Without keys it comes whole, and can be read without JavaScript.
"""

from typing import Any, TypeAlias

from aiohttp import web

import crypitor
from crypitor.api.deliveries.routes import delivery_answer
from crypitor.api.endpoints.routes import endpoint_answer
from crypitor.api.matches.routes import match_answers
from crypitor.api.networks.routes import network_answers
from crypitor.api.serving.authentication import DOOR
from crypitor.api.serving.context import CONTEXT
from crypitor.dashboard.page import first_page, overview
from crypitor.database.deliveries import list_deliveries
from crypitor.database.engine import Transaction
from crypitor.database.keys import Caller, Scope
from crypitor.database.matches import MatchFilter, StoredMatch, list_matches
from crypitor.database.troubles import MOST_COUNTED, Standing, count_standings, standings
from crypitor.runtime.redaction import shown
from crypitor.webhook.delivery import Delivery
from crypitor.webhook.health import waiting_of

OVERVIEW_PATH = "/overview"
SHOWN = 20
SHOWN_ENDPOINTS = 10
"""The worst of them; the rest is counted."""

Read: TypeAlias = tuple[dict[str, int], list[Standing], list[StoredMatch], list[Delivery]]

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
    who = await request.app[DOOR].admit(request, Scope.READ)
    project, now = who.project_id, context.clock()

    async def unit(tx: Transaction) -> Read:
        return (
            await count_standings(tx, project),
            await standings(tx, project, SHOWN_ENDPOINTS),
            await list_matches(tx, project, MatchFilter(), SHOWN),
            await list_deliveries(tx, project, limit=SHOWN),
        )

    counts, endpoints, matches, deliveries = await context.database.read(unit, at_once=True)
    return overview(
        network_answers(context),
        counts,
        [_standing_answer(standing, who, now) for standing in endpoints],
        match_answers(matches, context),
        [delivery_answer(delivery) for delivery in deliveries],
    )


def _standing_answer(standing: Standing, who: Caller, now: int) -> dict[str, Any]:
    """Return an endpoint as JSON has it, without the key that its URL may be, and its queue."""
    endpoint, pending = standing.endpoint, standing.pending
    return {
        **endpoint_answer(endpoint, who, waiting=waiting_of(endpoint, standing.first, now)),
        "url": shown(endpoint.url),
        "pending": min(pending, MOST_COUNTED),
        "more_pending": pending > MOST_COUNTED,
        "error": standing.error,
    }


def _html(text: str) -> web.Response:
    return web.Response(
        text=text,
        content_type="text/html",
        headers={"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"},
    )
