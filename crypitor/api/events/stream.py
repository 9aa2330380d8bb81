"""The log of what was told as Server-Sent Events.

Source: WHATWG HTML, "Server-sent events": `id`, `event`, `data`, comments as heartbeats.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable

from aiohttp import web

from crypitor.api.events.examples import EXAMPLES
from crypitor.api.events.query import StreamQuery
from crypitor.api.serving.authentication import DOOR
from crypitor.api.serving.call import Call
from crypitor.api.serving.routing import Routes
from crypitor.database.engine import Transaction
from crypitor.database.events import Event, EventFilter, EventPage, read_events
from crypitor.database.keys import Scope
from crypitor.errors import CallerError, Invalid

routes = Routes("Events", EXAMPLES)

SLOW_SECONDS = 30.0
"""How long a reader may take nothing, before it is left; it loses nothing and may come again."""

AT_ONCE = 500
COMMENT = b": nothing new\n\n"
MEDIA = "text/event-stream"
LAST_EVENT = "Last-Event-ID"

_HEADERS = {"Content-Type": MEDIA, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@routes.add("GET", "/v1/stream", scope=Scope.READ, answers=MEDIA, problems=(410,))
async def stream_events(call: Call, query: StreamQuery) -> web.StreamResponse:
    """Follow what is told, as Server-Sent Events.

    The events of /v1/events as they come: `id` is a cursor of /v1/events, `event` the type, `data`
    the body. `Last-Event-ID` resumes after an event, also over a restart. A comment comes each 15
    seconds. A reader that does not keep up is closed; it loses nothing if it resumes.
    """
    begin = call.request.headers.get(LAST_EVENT) or query.cursor
    if begin is not None and not (begin.isascii() and begin.isdigit() and len(begin) <= 18):
        raise Invalid(f"{LAST_EVENT} has to be an id of this stream")
    events = _Following(call, query.chosen, None if begin is None else int(begin))
    first = await events.begin()
    response = web.StreamResponse(headers={**_HEADERS, **call.headers})
    await response.prepare(call.request)
    try:
        await _write(response, first)
        async for some in events.chunks():
            await _write(response, some)
    except (TimeoutError, ConnectionResetError):
        if call.request.transport is not None:
            call.request.transport.abort()
    finally:
        events.end()
    return response


class _Following:
    """What one reader is given: what is stored beyond its cursor, then what comes."""

    def __init__(self, call: Call, chosen: EventFilter, cursor: int | None) -> None:
        self._call = call
        self._chosen = chosen
        self._cursor = cursor
        self._more = cursor is not None
        self._tail = call.context.events
        self._reader = self._tail.reader(call.project)

    async def begin(self) -> list[Event]:
        """Return the first events. Raises Gone for a cursor whose events are not there."""
        if self._cursor is not None:
            return await self._stored()
        self._cursor = await self._tail.follow(self._reader)
        return []

    def end(self) -> None:
        """Follow no more."""
        self._tail.forget(self._reader)

    async def chunks(self) -> AsyncIterator[Iterable[Event]]:
        """Yield events, none for a heartbeat, until the reader is behind or its key is revoked."""
        while self._more:
            yield await self._stored()
        # It follows first and then reads what came before: so nothing falls between.
        await self._tail.follow(self._reader)
        self._more = True
        while self._more:
            yield await self._stored()
        while not self._reader.behind:
            try:
                async with asyncio.timeout(self._tail.heartbeat_seconds):
                    taken = await self._reader.take()
            except TimeoutError:
                if not await self._may_still():
                    return
                yield ()
            else:
                yield self._wanted(taken)

    def _wanted(self, events: Iterable[Event]) -> list[Event]:
        """Return those that are asked for and were not read before."""
        last = self._cursor or 0
        new = [event for event in events if event.position > last]
        if new:
            self._cursor = new[-1].position
        return [event for event in new if event.passes(self._chosen)]

    async def _stored(self) -> list[Event]:
        async def unit(tx: Transaction) -> EventPage:
            return await read_events(
                tx, self._call.project, self._chosen, AT_ONCE, cursor=self._cursor
            )

        page = await self._call.read(unit)
        self._more = page.more
        if page.last is not None:
            self._cursor = page.last
        return list(page.events)

    async def _may_still(self) -> bool:
        try:
            await self._call.request.app[DOOR].admit(self._call.request, Scope.READ)
        except CallerError:
            return False
        return True


async def _write(response: web.StreamResponse, events: Iterable[Event]) -> None:
    """Write events; where there are none, a comment."""
    async with asyncio.timeout(SLOW_SECONDS):
        await response.write(b"".join(map(_text, events)) or COMMENT)


def _text(event: Event) -> bytes:
    # A body is JSON of one line.
    return f"id: {event.position}\nevent: {event.type}\ndata: {event.body}\n\n".encode()
