"""Matches as they are found, and the whole story of one."""

from typing import Any

from aiohttp import web

from crypitor.api.deliveries.routes import read_deliveries, read_delivery
from crypitor.api.events.stream import stream_events
from crypitor.api.matches.routes import acknowledge, read_match, read_matches
from crypitor.dashboard.frame.moments import as_asked
from crypitor.dashboard.frame.names import monitor_name, names_of
from crypitor.dashboard.frame.pages import Pages
from crypitor.dashboard.frame.visit import Place, Visit
from crypitor.errors import CallerError, Gone, Invalid
from crypitor.monitor.models import Kind

pages = Pages(Place("/matches", "Matches", "t"))

FILTERS = ("monitor", "network", "kind", "phase", "address", "transaction", "since", "until")
SHOWN = 25
MOST_DELIVERIES = 100
MOST_STORIES = 20
"""Deliveries whose attempts are told on a match's page; the others are listed."""


@pages.get("/matches")
async def show_matches(visit: Visit) -> web.Response:
    """Answer a page of matches; the filters stand in the address."""
    chosen = visit.asked(*FILTERS, "order", "cursor")
    problem: CallerError | None = None
    answer: Any = {"data": [], "next_cursor": None}
    try:
        query = as_asked(chosen, visit.context.clock())
        answer = await visit.ask(read_matches, query={**query, "limit": SHOWN})
    except (Invalid, Gone) as error:
        problem = error
    name = None
    if "monitor" in chosen:
        name = await monitor_name(visit, chosen["monitor"])
    followed = {k: v for k, v in chosen.items() if k in ("monitor", "network", "kind", "address")}
    return visit.show(
        "matches/list.html",
        status=200 if problem is None else problem.status,
        matches=answer["data"],
        # Oldest first it is a feed, which always has a next page.
        next_cursor=answer["next_cursor"] if len(answer["data"]) == SHOWN else None,
        chosen=chosen,
        monitor_name=name,
        networks=list(visit.context.networks),
        kinds=list(Kind),
        problem=problem,
        # What a stream cannot narrow down the list does when it is read again.
        live=None if {"cursor", "until", "order"} & chosen.keys() or problem else followed,
    )


@pages.get("/live")
async def follow(visit: Visit) -> web.StreamResponse:
    """Answer the stream of /v1/stream, to a browser, which sends its cookie and no key."""
    answer: web.StreamResponse = await visit.ask(stream_events, query=dict(visit.request.query))
    return answer


@pages.get("/matches/{id}")
async def show_match(visit: Visit, id: str) -> web.Response:  # noqa: A002 - as in the path
    """Answer everything that is known of one match."""
    match = await visit.ask(read_match, id=id)
    listed = await visit.ask(read_deliveries, query={"match": id, "limit": MOST_DELIVERIES})
    stories = [
        await visit.ask(read_delivery, id=delivery["id"])
        for delivery in reversed(listed["data"][:MOST_STORIES])
    ]
    facts = visit.context.networks.get(match["network"])
    return visit.show(
        "matches/one.html",
        match=match,
        stories=stories,
        names=await names_of(visit, [delivery["endpoint"] for delivery in listed["data"]]),
        others=listed["data"][MOST_STORIES:],
        more_deliveries=listed["next_cursor"] is not None,
        network=facts,
        explorer=facts.explorer if facts else None,
        has_monitor=await monitor_name(visit, match["monitor"]["id"]) is not None,
    )


@pages.post("/matches/{id}/acknowledge")
async def take_care(visit: Visit, id: str) -> web.Response:  # noqa: A002 - as in the path
    """Say that whoever is logged in takes care of a match."""
    await visit.ask(acknowledge, id=id)
    return visit.go(f"/matches/{id}", "It is acknowledged.")
