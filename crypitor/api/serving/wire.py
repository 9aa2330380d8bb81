"""Connections to the API as aiohttp serves them, with deadlines and limits that it does not have.

Of its own it closes what is idle and bounds each line of a head. Added here: deadlines for a head,
for silence within a body and for answers that nobody reads; a size of the whole head; how many
connections there are; and what becomes of a request that is none.
"""

import asyncio
import secrets
from typing import TYPE_CHECKING, Any, cast

import structlog
from aiohttp import web
from aiohttp.http import HttpRequestParser
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler, RequestPayloadError, _ErrInfo

from crypitor.api.serving.crowd import has_gone, peer_of, place_of
from crypitor.api.serving.errors import EVERY_ANSWER, REQUEST_ID, problem

if TYPE_CHECKING:
    from crypitor.api.serving.server import Server

log = structlog.get_logger(__name__)

MOST_WAITING = 4
"""Requests on one connection that wait for the one before them; aiohttp would hold 32."""

READ_BYTES = 64 * 1024

_LITTLE_BYTES = 2 * 1024
"""As most heads are: who has asked gives way to nobody, so that is found out at once."""

_FULL_DOCUMENT = (
    b'{"type":"about:blank","title":"Service unavailable","status":503,'
    b'"detail":"too many connections are open"}'
)
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n"
    b"Content-Type: application/problem+json\r\nContent-Length: %d\r\n\r\n%s"
) % (len(_FULL_DOCUMENT), _FULL_DOCUMENT)
_TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class _HeadTooLarge(HttpProcessingError):
    code = 431


class Connection(RequestHandler):
    """One connection. Its server says how long it may keep us waiting."""

    def __init__(self, server: "Server", **options: Any) -> None:
        super().__init__(server, **options)
        loop: asyncio.AbstractEventLoop = options["loop"]
        # The base class makes its own, with a limit that is no option.
        self._parser = HttpRequestParser(
            self,
            loop,
            READ_BYTES,
            max_line_size=self.max_line_size,
            max_field_size=self.max_field_size,
            max_headers=self.max_headers,
            payload_exception=RequestPayloadError,
            auto_decompress=options.get("auto_decompress", True),
            max_msg_queue_size=MOST_WAITING,
        )
        self._max_msg_queue_size, self._msg_queue_resume_size = MOST_WAITING, MOST_WAITING // 2
        self._server = server
        self._wire: asyncio.Transport | None = None
        self._address = ""
        self._payload: StreamReader | None = None
        self._head_since: float | None = None
        self._head_bytes = 0
        self._heard_at = 0.0
        self._unread = 0
        self._unread_since = 0.0
        self._late = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, if there is room for one more."""
        wire = cast("asyncio.Transport", transport)
        peer = peer_of(wire)
        self._address, shared = place_of(peer), self._server.bounds.shared(peer)
        if not self._server.crowd.admitted(self, self._address, shared=shared):
            self._server.refuse("too_many_connections")
            self._force_close = True
            wire.write(_FULL)
            wire.close()
            return
        self._wire = wire
        self._heard_at = self._head_since = self._loop.time()
        super().connection_made(transport)
        self._server.look()

    def connection_lost(self, exc: BaseException | None) -> None:
        """End, and let go of what was read."""
        self._server.crowd.left(self, self._address)
        if self._wire is None:
            return
        if self._waiter is not None and self._waiter.done() and self._task_handler is not None:
            self._task_handler.cancel()  # about to take a request, of which nothing is left
        super().connection_lost(exc)
        self._wire = self._payload = None
        self._messages.clear()
        self._message_tail = self._late = b""

    def leave(self) -> None:
        """Give way to another connection."""
        self._server.crowd.left(self, self._address)
        if self._wire is not None:
            self._wire.abort()

    @property
    def has_gone(self) -> bool:
        """Whether the other side has ended it, while not all of it is read.

        It may only have ended its own part, and wait for an answer: ask where room is needed.
        """
        held = self._reading_paused or self._buffer_paused or bool(self._late)
        return held and self._wire is not None and has_gone(self._wire)

    def may_leave(self) -> None:
        """Say that what is under way may be given up for another connection."""
        self._server.crowd.is_idle(self, self._address)

    def data_received(self, data: bytes) -> None:
        """Take what has come: so much in a turn, and in a later one where others have sent much."""
        ration, taken = self._server.ration, 0
        second = len(data) > _LITTLE_BYTES and ration.is_second
        if not data or not (self._late or ration.is_spent or second):
            taken = self._take_piece(data, 0)
        while 0 < taken < len(data) and not (
            ration.is_spent or ration.is_second or self._reading_paused or self._buffer_paused
        ):
            taken = self._take_piece(data, taken)
        if late := data[taken:]:
            if not self._late:
                ration.then(self._go_on)
            self._late += late
            self._pause_transport_reading()

    def _go_on(self) -> None:
        """Take what came late, unless what came before it has to be read first."""
        if self._late and not (self._reading_paused or self._buffer_paused):
            late, self._late = self._late, b""
            self.data_received(late)
            if not (self._late or self._reading_paused or self._buffer_paused):
                self._resume_transport_reading()

    def _resume_transport_reading(self) -> None:
        if self._late:
            self._server.ration.then(self._go_on)
        else:
            super()._resume_transport_reading()

    def _take_piece(self, data: bytes, begin: int) -> int:
        """Take so much of it as is taken at once; return where the rest begins."""
        ration, end = self._server.ration, begin + READ_BYTES
        began = ration.clock()
        self._take(data[begin:end])
        ration.spend(ration.clock() - began)
        return end

    def _take(self, data: bytes) -> None:
        """Take what has come, and note of what it is a part."""
        begun = self._payload is None or self._payload.is_eof()
        if data:
            self._heard_at = self._loop.time()
            if begun:
                self._head_bytes += len(data)
                self._head_since = self._head_since or self._heard_at
        count = self._request_count
        super().data_received(data)
        if self._request_count != count:
            self._heads_came(self._request_count - count)
        elif (
            begun and not self._buffer_paused and self._head_bytes > self._server.bounds.head_bytes
        ):
            self._head_bytes = 0
            self._refuse_head()

    def _heads_came(self, count: int) -> None:
        if self._head_bytes > self._server.bounds.head_bytes:
            new = [self._messages.pop() for _ in range(count)]
            while new and _size_of(new[-1][0]) <= self._server.bounds.head_bytes:
                self._messages.append(new.pop())
            if new:
                self._refuse_head()
        self._payload = self._messages[-1][1]
        self._head_since, self._head_bytes = None, 0
        self._server.crowd.is_busy(self, self._address)

    def _refuse_head(self) -> None:
        """Answer as to a request that cannot be parsed, which is the last of its connection."""
        self._messages.append((_ErrInfo(431, _HeadTooLarge(), ""), EMPTY_PAYLOAD))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Read on, and count silence from now: until now nobody listened."""
        self._heard_at = self._loop.time()
        super().resume_reading(resume_parser)

    def resume_writing(self) -> None:
        """Note that an answer is read."""
        self._unread = 0
        super().resume_writing()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer; then the connection is idle unless another request is there."""
        if not resp.prepared:
            for name, value in EVERY_ANSWER.items():
                resp.headers.setdefault(name, value)
        answered = await super().finish_response(request, resp, start_time)
        if not self._messages:
            self.may_leave()
        return answered

    def look(self, now: float) -> None:
        """Close the connection if it has kept us waiting for too long."""
        wire, bounds = self._wire, self._server.bounds
        if wire is None:
            return
        if (self._reading_paused or self._buffer_paused) and has_gone(wire):
            wire.abort()
        elif self._is_unread(wire, now):
            self._server.refuse("unread_answer")
            wire.abort()
        elif self._head_since is not None and now - self._head_since > bounds.head_seconds:
            if self._waiter is None or self._messages:
                self._head_since = now  # it came behind a request that is still at work
                return
            if self._head_bytes:
                self._server.refuse("slow_head")
                wire.write(_TOO_LATE)
            self.force_close()
        elif (
            self._payload is not None
            and not self._payload.is_eof()
            and not (self._reading_paused or self._buffer_paused or self._late)
            and now - self._heard_at > bounds.body_seconds
        ):
            self._server.refuse("silent_body")
            wire.abort()

    def _is_unread(self, wire: asyncio.Transport, now: float) -> bool:
        unread = wire.get_write_buffer_size()
        if (
            not unread
            or not self._unread
            or unread <= self._unread - self._server.bounds.least_read_bytes
        ):
            self._unread, self._unread_since = unread, now
            return False
        self._unread = max(self._unread, unread)
        return now - self._unread_since > self._server.bounds.read_seconds

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it repeats what was sent
    ) -> web.StreamResponse:
        """Answer what cannot be parsed, without repeating it; a debug line at most is logged."""
        if isinstance(exc, ConnectionError):  # whoever asked has gone
            log.debug("request broken off", of=self._address)
        elif status >= 500:
            self.log_exception("request failed", exc_info=exc)
        else:
            self._server.refused("malformed")
            log.debug("malformed request", of=self._address, trouble=type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun")
        if isinstance(exc, LineTooLong):
            status = 431
        title, detail = _WORDS.get(status, _WORDS[400])
        answer = problem(status, title, detail, headers={REQUEST_ID: secrets.token_hex(12)})
        answer.force_close()
        return answer

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log the first of a minute: a mistake of ours that strangers may cause again and again."""
        error = kw.get("exc_info")
        if self._wire is None and isinstance(error, RuntimeError | ConnectionError):
            log.debug("request broken off", of=self._address)
            return
        self._server.mistakes.told(str(args[0]), type(error).__name__, exc_info=error)


_WORDS = {
    400: ("Bad request", "this is no HTTP request"),
    431: ("Request header fields too large", "a head has at most 32 KB, a line of it 8 KB"),
    500: ("Internal server error", "this is our mistake"),
    504: ("Gateway timeout", "this took too long"),
}


def _size_of(message: Any) -> int:
    """Return about how many bytes a head had."""
    lines = getattr(message, "raw_headers", ())
    return len(getattr(message, "path", "")) + sum(
        len(name) + len(value) + 4 for name, value in lines
    )
