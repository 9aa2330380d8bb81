"""Deliveries: the failed ones first, what was said and answered, and sending again."""

from typing import Any, get_args

from aiohttp import web

from crypitor.api.deliveries.retry import retry_delivery
from crypitor.api.deliveries.routes import read_deliveries, read_delivery
from crypitor.api.endpoints.routes import read_endpoint
from crypitor.api.serving.words import TypeWord
from crypitor.dashboard.frame.names import monitor_name, names_of, newest_names
from crypitor.dashboard.frame.pages import Pages
from crypitor.dashboard.frame.visit import Place, Visit
from crypitor.errors import Conflict, Invalid, NotFound

pages = Pages(Place("/deliveries", "Deliveries", "d"))

FILTERS = ("status", "endpoint", "monitor", "match", "type", "since", "until")
SHOWN = 25
SHOWN_FAILED = 10
TYPES = get_args(TypeWord)
STATUSES = ("failed", "pending", "waiting", "delivered", "counted", "cancelled")


@pages.get("/deliveries")
async def show_deliveries(visit: Visit) -> web.Response:
    """Answer a page of deliveries; where nothing is chosen, those that failed before all."""
    found = await visit.listed(read_deliveries, SHOWN, *FILTERS)
    failed: list[Any] = []
    if not found.chosen:
        query = {"status": "failed", "limit": SHOWN_FAILED}
        failed = (await visit.ask(read_deliveries, query=query))["data"]
    endpoints = await newest_names(visit)
    shown = {delivery["endpoint"] for delivery in (*found.rows, *failed)}
    others = await names_of(visit, sorted(shown - endpoints.keys()))
    return visit.show(
        "deliveries/list.html",
        status=found.status,
        deliveries=found.rows,
        failed=failed,
        statuses=STATUSES,
        types=TYPES,
        endpoints=endpoints,
        names={**endpoints, **others},
        **found.beside,
    )


@pages.get("/deliveries/{id}")
async def show_delivery(visit: Visit, id: str) -> web.Response:  # noqa: A002 - as in the path
    """Answer a delivery with its attempts, request and answer side by side."""
    delivery = await visit.ask(read_delivery, id=id)
    try:
        endpoint = await visit.ask(read_endpoint, id=delivery["endpoint"])
    except NotFound:
        endpoint = None
    monitor = delivery["monitor"]
    return visit.show(
        "deliveries/one.html",
        delivery=delivery,
        endpoint=endpoint,
        monitor_name=await monitor_name(visit, monitor) if monitor else None,
    )


@pages.post("/deliveries/{id}/retry")
async def retry(visit: Visit, id: str) -> web.Response:  # noqa: A002 - as in the path
    """Make a delivery due again."""
    again = visit.field("again") == "true"
    try:
        await visit.ask(retry_delivery, id=id, body={"again": again})
    except (Conflict, Invalid) as error:
        return visit.go(f"/deliveries/{id}", f"Not sent again: {error.detail}.")
    return visit.go(f"/deliveries/{id}", "It is due now, with the same webhook-id and body.")
