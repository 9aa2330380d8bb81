"""The list of monitors, one of them, and what can be done with it."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from aiohttp import BodyPartReader, web

from crypitor.api.addresses.routes import (
    add_monitor_addresses,
    read_monitor_addresses,
    remove_monitor_addresses,
)
from crypitor.api.endpoints.routes import read_endpoint
from crypitor.api.jobs.backfill import start_backfill
from crypitor.api.matches.routes import read_matches
from crypitor.api.monitors.routes import (
    change_monitor,
    read_monitor,
    read_monitors,
    remove_monitor,
)
from crypitor.api.serving.entries import CSV, NDJSON
from crypitor.api.trials.routes import test_monitor
from crypitor.dashboard.frame.beats import charted, days_of
from crypitor.dashboard.frame.charts import SPANS, charts_of
from crypitor.dashboard.frame.pages import LONGEST_FIELD, Pages
from crypitor.dashboard.frame.visit import Place, Visit
from crypitor.dashboard.monitors.copies import copies_of
from crypitor.dashboard.monitors.seen import seen_of
from crypitor.errors import CallerError, Conflict, Invalid, NotFound

pages = Pages(Place("/monitors", "Monitors", "m"))

SHOWN = 25
SHOWN_MATCHES = 10
SHOWN_ADDRESSES = 25
FILTERS = ("search", "network", "tag", "enabled")


@pages.get("/monitors")
async def show_monitors(visit: Visit) -> web.Response:
    """Answer a page of monitors; the filters stand in the address."""
    found = await visit.listed(read_monitors, SHOWN, *FILTERS)
    return visit.show(
        "monitors/list.html",
        status=found.status,
        monitors=found.rows,
        networks=list(visit.context.networks),
        sparks=await days_of(visit, [monitor["id"] for monitor in found.rows]),
        **found.beside,
    )


@pages.get("/monitors/{id}")
async def show_monitor(visit: Visit, id: str) -> web.Response:  # noqa: A002 - as in the path
    """Answer one monitor."""
    return await one(visit, id)


@pages.post("/monitors/{id}/enabled")
async def enable(visit: Visit, id: str) -> web.Response:  # noqa: A002
    """Pause a monitor, or let it go on."""
    on = visit.field("enabled") == "true"
    await visit.ask(change_monitor, id=id, body={"enabled": on})
    path = f"/monitors/{id}"
    if on:
        return visit.go(path, "It matches again, from the next block on.")
    return visit.go(path, "It is paused: it matches nothing.", undo=f"{path}/resumed")


@pages.post("/monitors/{id}/resumed")
async def undo_pause(visit: Visit, id: str) -> web.Response:  # noqa: A002
    """Let a monitor go on that was just paused."""
    await visit.ask(change_monitor, id=id, body={"enabled": True})
    return visit.go(f"/monitors/{id}", "It matches again, from the next block on.")


@pages.post("/monitors/{id}/test")
async def test(visit: Visit, id: str) -> web.Response:  # noqa: A002
    """Test a monitor on a transaction or on blocks, and explain."""
    body: dict[str, Any] = {"network": visit.field("network")}
    if visit.field("transaction"):
        body["transaction"] = visit.field("transaction")
    else:
        body |= _blocks(visit)
    try:
        tried = await visit.ask(test_monitor, id=id, body=body)
    except (Invalid, Conflict, NotFound) as error:
        return await one(visit, id, problem=error)
    return await one(visit, id, tried=tried)


@pages.post("/monitors/{id}/backfill")
async def backfill(visit: Visit, id: str) -> web.Response:  # noqa: A002
    """Match past blocks, as a job."""
    try:
        body = {"network": visit.field("network"), **_blocks(visit)}
        job = await visit.ask(start_backfill, id=id, body=body)
    except (Invalid, Conflict) as error:
        return await one(visit, id, problem=error)
    return visit.go(f"/jobs/{job['id']}", "The past is read beside the live blocks.")


@pages.post("/monitors/{id}/delete")
async def remove(visit: Visit, id: str) -> web.Response:  # noqa: A002
    """Delete a monitor."""
    await visit.ask(remove_monitor, id=id)
    return visit.go("/monitors", "The monitor is deleted; its matches can still be read.")


@pages.post("/monitors/{id}/addresses", streams=True)
async def add_addresses(visit: Visit, id: str) -> web.Response:  # noqa: A002
    """Add or remove addresses that were pasted, or come as a file of up to a million lines."""
    run: Callable[..., Any] = add_monitor_addresses
    words = ("added", "watched already")
    assert visit.files is not None
    said = []
    async for part in visit.files:
        if part.name == "do" and (await part.read_chunk(LONGEST_FIELD)) == b"remove":
            run, words = remove_monitor_addresses, ("removed", "not watched")
        elif part.name in ("pasted", "file"):
            stream = _Part(part)
            if await stream.is_empty():
                continue
            media = NDJSON if (part.filename or "").endswith(("json", "jsonl")) else CSV
            try:
                told = await visit.ask(run, id=id, stream=(stream, media))
            except CallerError as error:  # also where not one line of many is an address
                return await one(visit, id, problem=error)
            said.append(told)
    if not said:
        return visit.go(f"/monitors/{id}", "There was no address in the form.")
    return _taken(visit, id, said, words)


def _taken(visit: Visit, monitor_id: str, said: list[Any], words: tuple[str, str]) -> web.Response:
    """Tell what became of addresses, and which line was wrong first."""
    done = sum(one.get("added", one.get("removed", 0)) for one in said)
    same = sum(one.get("already_present", one.get("not_present", 0)) for one in said)
    wrong = sum(one["invalid_count"] for one in said)
    text = f"{done:,} {words[0]}, {same:,} {words[1]}."
    first = next((one["invalid"][0] for one in said if one["invalid"]), None)
    if first is not None:
        text += f" {wrong:,} not taken; line {first['line']}: {first['reason']}."
    return visit.go(f"/monitors/{monitor_id}", text)


async def one(
    visit: Visit, monitor_id: str, *, tried: Any = None, problem: CallerError | None = None
) -> web.Response:
    """Answer the page of a monitor. tried: what a test of it came to."""
    monitor = await visit.ask(read_monitor, id=monitor_id)
    search = visit.asked("search", "cursor")
    listed: Any = {"data": [], "next_cursor": None}
    try:
        if monitor["addresses"] != "any":
            query = {**search, "limit": SHOWN_ADDRESSES}
            listed = await visit.ask(read_monitor_addresses, id=monitor_id, query=query)
    except Invalid as error:
        problem = error
    query = {"monitor": monitor_id, "limit": SHOWN_MATCHES}
    endpoints = await _endpoints(visit, monitor["endpoints"])
    found = await charted(visit, monitor=monitor_id)
    return visit.show(
        "monitors/one.html",
        status=200 if problem is None else problem.status,
        monitor=monitor,
        endpoints=endpoints,
        matches=(await visit.ask(read_matches, query=query))["data"],
        addresses=listed["data"],
        next_cursor=listed["next_cursor"],
        chosen=search,
        tried=tried,
        problem=problem,
        copies=copies_of(monitor, endpoints, f"{visit.request.scheme}://{visit.request.host}"),
        tips={name: now.get("tip") for name, now in visit.context.status().items()},
        form=dict(visit.form or {}),
        charts=charts_of(found.stats, found.span, matches=f"/matches?monitor={monitor_id}")[:2],
        seen=await seen_of(visit, monitor, found.span),
        span=found.name,
        spans=SPANS,
    )


async def _endpoints(visit: Visit, ids: list[str]) -> list[Any]:
    found = []
    for endpoint_id in ids:
        try:
            found.append(await visit.ask(read_endpoint, id=endpoint_id))
        except NotFound:
            continue  # it was deleted since
    return found


def _blocks(visit: Visit) -> dict[str, Any]:
    """Return the blocks of a form as numbers; what is no number stays, and is refused as such."""
    return {
        name: json.loads(text)
        if text.isascii() and text.isdigit() and text == str(int(text))
        else text
        for name in ("from_block", "to_block")
        if (text := visit.field(name).replace(",", "").replace(" ", ""))
    }


class _Part:
    """A part of a form as a stream."""

    def __init__(self, part: BodyPartReader) -> None:
        self._part = part
        self._first = b""

    async def is_empty(self) -> bool:
        """Whether there is nothing in it; what was read for that comes first in the stream."""
        self._first = await self._part.read_chunk()
        return not self._first.strip()

    async def iter_chunked(self, n: int) -> AsyncIterator[bytes]:
        """Yield it in pieces."""
        if self._first:
            yield self._first
        while not self._part.at_eof():
            piece = await self._part.read_chunk(n)
            if piece:
                yield piece
