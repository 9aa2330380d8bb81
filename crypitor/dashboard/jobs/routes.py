"""Backfills and replays, and how far each has come."""

from aiohttp import web

from crypitor.api.jobs.routes import read_job, read_jobs, stop_job
from crypitor.dashboard.frame.pages import Pages
from crypitor.dashboard.frame.visit import Place, Visit

pages = Pages(Place("/jobs", "Jobs", "j"))

FILTERS = ("kind", "status", "monitor", "endpoint")
SHOWN = 25


@pages.get("/jobs")
async def show_jobs(visit: Visit) -> web.Response:
    """Answer a page of jobs; the filters stand in the address."""
    found = await visit.listed(read_jobs, SHOWN, *FILTERS)
    return visit.show("jobs/list.html", status=found.status, jobs=found.rows, **found.beside)


@pages.get("/jobs/{id}")
async def show_job(visit: Visit, id: str) -> web.Response:  # noqa: A002 - as in the path
    """Answer a job with its progress."""
    return visit.show("jobs/one.html", job=await visit.ask(read_job, id=id))


@pages.post("/jobs/{id}/cancel")
async def cancel(visit: Visit, id: str) -> web.Response:  # noqa: A002 - as in the path
    """Cancel a job; what it did stays."""
    await visit.ask(stop_job, id=id)
    return visit.go(f"/jobs/{id}", "The job is cancelled; what it did stays.")
