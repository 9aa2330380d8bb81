"""Where each network stands, its nodes, and its newest blocks."""

from collections.abc import Sequence
from itertools import pairwise

from aiohttp import web

from crypitor.api.networks.routes import read_network, read_networks
from crypitor.dashboard.frame.beats import SHOWN_BLOCKS, beat_of, charted, mean_seconds
from crypitor.dashboard.frame.charts import SPANS, charts_of
from crypitor.dashboard.frame.pages import Pages
from crypitor.dashboard.frame.visit import Place, Visit
from crypitor.database.recent import Mined, newest_blocks

pages = Pages(Place("/networks", "Networks", "n"))


@pages.get("/networks")
async def show_networks(visit: Visit) -> web.Response:
    """Answer all networks as cards."""
    networks = (await visit.ask(read_networks))["data"]
    beat = await beat_of(visit, networks)
    return visit.show(
        "networks/list.html",
        networks=networks,
        block_seconds=beat.block_seconds,
        sparks=beat.sparks,
    )


@pages.get("/networks/{name}")
async def show_network(visit: Visit, name: str) -> web.Response:
    """Answer one network with its nodes, its newest blocks, and what matched on it."""
    network = await visit.ask(read_network, name=name)
    found = await charted(visit, network=name)
    blocks = await visit.context.database.read(
        lambda tx: newest_blocks(tx, name, SHOWN_BLOCKS), at_once=True
    )
    return visit.show(
        "networks/one.html",
        network=network,
        blocks=blocks,
        intervals=_intervals(blocks),
        mean=mean_seconds(blocks),
        charts=charts_of(found.stats, found.span, matches=f"/matches?network={name}")[:1],
        span=found.name,
        spans=SPANS,
    )


def _intervals(blocks: Sequence[Mined]) -> list[int]:
    """Return the seconds between blocks that follow each other."""
    return [max(after.at - before.at, 0) for before, after in pairwise(blocks)]
