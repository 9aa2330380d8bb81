"""Where each network stands, and its nodes."""

from aiohttp import web

from crypitor.api.networks.routes import read_network, read_networks
from crypitor.dashboard.frame.pages import Pages
from crypitor.dashboard.frame.visit import Place, Visit

pages = Pages(Place("/networks", "Networks", "n"))


@pages.get("/networks")
async def show_networks(visit: Visit) -> web.Response:
    """Answer all networks as cards."""
    return visit.show("networks/list.html", networks=(await visit.ask(read_networks))["data"])


@pages.get("/networks/{name}")
async def show_network(visit: Visit, name: str) -> web.Response:
    """Answer one network with its nodes."""
    return visit.show("networks/one.html", network=await visit.ask(read_network, name=name))
