"""The log of what was told as Server-Sent Events.

Source: WHATWG HTML, "Server-sent events": `id`, `event`, `data`, comments as heartbeats.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable

from aiohttp import web

from crypitor.api.events.examples import EXAMPLES
from crypitor.api.events.following import FOLLOWING, LOG
from crypitor.api.events.query import StreamQuery
from crypitor.api.serving.call import Call, begun
from crypitor.api.serving.checksums import Shown
from crypitor.api.serving.pages import Pages
from crypitor.api.serving.routing import Routes
from crypitor.api.serving.streams import READERS
from crypitor.database.engine import Transaction
from crypitor.database.events import Event, EventPage, newest_event, read_events
from crypitor.database.keys import Scope
from crypitor.errors import Invalid

routes = Routes("Events", EXAMPLES)

SLOW_SECONDS = 30.0
"""How long a reader may take nothing, before it is left; it loses nothing and may come again."""

AT_ONCE = 500
COMMENT = b": nothing new\n\n"
MEDIA = "text/event-stream"
LAST_EVENT = "Last-Event-ID"
LONGEST_POSITION = 18

_HEADERS = {"Content-Type": MEDIA, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@routes.add("GET", "/v1/stream", scope=Scope.READ, answers=MEDIA, problems=(410,), addresses=True)
async def stream_events(call: Call, query: StreamQuery) -> web.StreamResponse:
    """Follow what is told, as Server-Sent Events.

    The events of /v1/events as they come: `id` is a cursor of /v1/events, `event` the type, `data`
    the body. `Last-Event-ID` resumes after an event, also over a restart. A comment comes at once
    where there are none, and then each 15 seconds without an event. A reader that does not keep up
    is closed; it loses nothing if it resumes.
    """
    last = call.request.headers.get(LAST_EVENT)
    if last:
        query = query.model_copy(update={"cursor": last})
    given_as = LAST_EVENT if last else "?cursor"
    call.pages = Pages(query, LOG, guesses=call.who.operator, given_as=given_as)
    with call.request.app[READERS].one_more(call.project):
        return await _streamed(call, _Following(call, query))


async def _streamed(call: Call, events: "_Following") -> web.StreamResponse:
    try:
        first = await events.begin()
    except BaseException:
        events.end()
        raise
    response = web.StreamResponse(headers={**begun(call), **_HEADERS})
    await response.prepare(call.request)
    turns = call.request.app[FOLLOWING].turns
    try:
        await _write(response, events.text(first))
        async for some in events.chunks():
            await turns.passed()
            await _write(response, events.text(some))
    except (TimeoutError, ConnectionResetError):
        if call.request.transport is not None:
            call.request.transport.abort()
    finally:
        events.end()
    return response


class _Following:
    """What one reader is given: what is stored beyond its cursor, then what comes."""

    def __init__(self, call: Call, query: StreamQuery) -> None:
        self._call = call
        self._query = query
        self._chosen = query.chosen
        self._cursor: int | None = None
        self._more = query.cursor is not None
        self._tail = call.context.events
        self._reader = self._tail.reader(call.project)
        self._following = call.request.app[FOLLOWING]
        self._following.begin(call.who.key_id, self._reader, call.request)

    async def begin(self) -> list[Event]:
        """Return the first events. Raises Gone for a cursor whose events are not there."""
        await self._call.read(self._place)
        if self._query.cursor is not None:
            return await self._stored()
        self._cursor = await self._tail.follow(self._reader)
        return []

    def text(self, events: Iterable[Event]) -> bytes:
        """Return events as they are written; a comment where there are none."""
        pages = self._call.pages
        assert pages is not None
        checksum = isinstance(self._query, Shown) and self._query.checksum
        text = b"".join(
            self._following.text(event, pages.epoch, checksum=checksum) for event in events
        )
        if not text:
            return COMMENT
        # What is given out now was counted by the last look, or by the tail's.
        self._call.context.given.note_height(self._tail.epoch or pages.epoch)
        return text

    def end(self) -> None:
        """Follow no more."""
        self._tail.forget(self._reader)
        self._following.end(self._call.who.key_id, self._reader)

    async def chunks(self) -> AsyncIterator[Iterable[Event]]:
        """Yield events, none for a heartbeat, until the reader is behind or its key is revoked."""
        while self._more:
            yield await self._stored()
            if self._reader.behind:
                return
        # First follow, then read what was stored before: nothing is missed in between.
        await self._tail.follow(self._reader)
        self._more = True
        while self._more:
            if stored := await self._stored():  # an empty one was sent as the first comment
                yield stored
        seconds = asyncio.get_running_loop().time
        told_at = seconds()
        while not self._reader.behind:
            wanted: list[Event] = []
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(told_at + self._tail.heartbeat_seconds):
                    wanted = self._wanted(await self._reader.take())
            # Events that the reader did not ask for do not count as a sign of life.
            if wanted or seconds() - told_at >= self._tail.heartbeat_seconds:
                told_at = seconds()
                yield wanted

    def _wanted(self, events: Iterable[Event]) -> list[Event]:
        """Return those that are asked for and were not read before."""
        last = self._cursor or 0
        new = [event for event in events if event.position > last]
        if new:
            self._cursor = new[-1].position
        return [event for event in new if event.passes(self._chosen)]

    async def _place(self, tx: Transaction) -> None:
        """Take the cursor for a position. Raises Gone and Invalid."""
        text = self._query.cursor
        if text is None:
            return
        if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_POSITION):
            raise Invalid(f"{LAST_EVENT} has to be an id of this stream")
        self._cursor = int(text)
        if self._call.pages and self._cursor > await newest_event(tx):
            self._call.pages.refuse_ahead()

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


async def _write(response: web.StreamResponse, text: bytes) -> None:
    async with asyncio.timeout(SLOW_SECONDS):
        await response.write(text)
