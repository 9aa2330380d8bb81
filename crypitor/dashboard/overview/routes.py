"""The first page."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from crypitor.api.endpoints.routes import read_endpoints
from crypitor.api.matches.routes import read_matches
from crypitor.api.monitors.routes import read_monitor, read_monitors
from crypitor.api.networks.routes import read_networks
from crypitor.api.stats.routes import read_stats
from crypitor.dashboard.frame.beats import beat_of, charted
from crypitor.dashboard.frame.charts import SPANS, charts_of
from crypitor.dashboard.frame.pages import Pages
from crypitor.dashboard.frame.visit import Place, Visit
from crypitor.dashboard.overview.attention import ENDS_SOON_MS, needs_attention, noisy
from crypitor.database.engine import Transaction
from crypitor.database.recent import count_failed
from crypitor.database.troubles import (
    Ending,
    Standing,
    any_in_trouble,
    keys_that_end,
    standings,
)
from crypitor.errors import NotFound

pages = Pages(Place("/", "Overview", "o"))

SHOWN_MATCHES = 10
SHOWN_ENDPOINTS = 10
"""The worst of them."""

MOST_FAILED = 1_000
MOST_ENDING = 5
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Lately:
    """What was read at once."""

    endpoints: list[Standing]
    failed: int
    ending: list[Ending]


@pages.get("/")
async def show_overview(visit: Visit) -> web.Response:
    """Answer what needs attention, the networks, and what happened in the chosen time."""
    found = await charted(visit)
    networks = (await visit.ask(read_networks))["data"]
    monitors = (await visit.ask(read_monitors, query={"limit": 1}))["data"]
    endpoints = (await visit.ask(read_endpoints, query={"limit": 1}))["data"]
    matches = (await visit.ask(read_matches, query={"limit": SHOWN_MATCHES}))["data"]
    lately = await _lately(visit)
    now = visit.context.clock()
    busiest = await visit.ask(read_stats, query={"step": "hour", "by": "monitor"})
    noise = await _named(visit, noisy(busiest["groups"]))
    beat = await beat_of(visit, networks)
    news = needs_attention(
        networks,
        lately.endpoints,
        noise,
        lately.failed,
        room=visit.context.room() if visit.governs and visit.who.operator else None,
        ending=[each for each in lately.ending if visit.governs or each.id == visit.who.key_id],
        own_key=visit.who.key_id,
        now=now,
    )
    return visit.show(
        "overview/overview.html",
        networks=networks,
        matches=matches,
        news=news,
        begins=not monitors or not matches,
        has_monitor=bool(monitors),
        first_endpoint=endpoints[0] if endpoints else None,
        span=found.name,
        spans=SPANS,
        charts=charts_of(found.stats, found.span),
        counted=found.stats["complete"],
        block_seconds=beat.block_seconds,
        sparks=beat.sparks,
    )


@pages.get("/icon")
async def show_icon(visit: Visit) -> web.Response:
    """Lead to the picture of the window's tab: with a red dot where something stands still."""
    project = visit.who.project_id
    trouble = any(
        one.get("state") in ("waiting", "stopped") for one in visit.context.status().values()
    ) or await visit.context.database.read(lambda tx: any_in_trouble(tx, project), at_once=True)
    name = "icon-trouble.svg" if trouble else "icon.svg"
    return web.Response(status=303, headers={"Location": f"/static/{name}"})


async def _named(visit: Visit, noise: Mapping[str, float]) -> dict[str, tuple[str, float]]:
    """Return noisy monitors with what they are called; what was deleted is noisy no more."""
    named = {}
    for monitor_id, per_day in noise.items():
        try:
            monitor = await visit.ask(read_monitor, id=monitor_id)
        except NotFound:
            continue
        if monitor["enabled"]:
            named[monitor_id] = (monitor["name"] or monitor_id, per_day)
    return named


async def _lately(visit: Visit) -> Lately:
    project, now = visit.who.project_id, visit.context.clock()

    async def unit(tx: Transaction) -> Lately:
        return Lately(
            await standings(tx, project, SHOWN_ENDPOINTS),
            await count_failed(tx, project, now - DAY_MS, MOST_FAILED),
            await keys_that_end(tx, project, now, now + ENDS_SOON_MS, MOST_ENDING),
        )

    return await visit.context.database.read(unit, at_once=True)
