"""What endpoints and monitors are called, for what was sent to them and found by them."""

from collections.abc import Iterable

from crypitor.api.endpoints.routes import read_endpoint, read_endpoints
from crypitor.api.monitors.routes import read_monitor
from crypitor.dashboard.frame.visit import Visit
from crypitor.dashboard.words import called
from crypitor.errors import NotFound

MOST_LISTED = 200


async def newest_names(visit: Visit) -> dict[str, str]:
    """Return what the newest endpoints of a project are called, by id; at most 200."""
    listed = await visit.ask(read_endpoints, query={"limit": MOST_LISTED})
    return {endpoint["id"]: called(endpoint) for endpoint in listed["data"]}


async def names_of(visit: Visit, ids: Iterable[str]) -> dict[str, str]:
    """Return what these endpoints are called, by id; those that were deleted are left out."""
    names = {}
    for endpoint_id in dict.fromkeys(ids):
        try:
            names[endpoint_id] = called(await visit.ask(read_endpoint, id=endpoint_id))
        except NotFound:
            continue
    return names


async def monitor_name(visit: Visit, monitor_id: str) -> str | None:
    """Return what a monitor is called; None where it was deleted."""
    try:
        monitor = await visit.ask(read_monitor, id=monitor_id)
    except NotFound:
        return None
    return str(monitor["name"] or monitor["id"])
