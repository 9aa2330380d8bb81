"""One POST to an endpoint: the only HTTP client of the webhooks.

Whatever the receiver does costs one attempt: every failure of DNS, connection, TLS or HTTP becomes
an Outcome with a short sentence.
"""

import asyncio
import math
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache, partial
from http import HTTPStatus
from types import TracebackType
from typing import Any, Protocol, Self, cast

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from crypitor import __version__
from crypitor.errors import Invalid, Unavailable
from crypitor.webhook.closed import Closed
from crypitor.webhook.crypitor import FORMAT
from crypitor.webhook.delivery import Control, Endpoint, Outcome
from crypitor.webhook.egress import Network, called_url, check_address, is_own_header
from crypitor.webhook.failure import refusal, sentence
from crypitor.webhook.names import Names
from crypitor.webhook.signature import HUB, hub_signature, sign
from crypitor.webhook.template import JSON_TYPE
from crypitor.webhook.topic import check_topic, topic_of

DEADLINE_SECONDS = 15.0
MOST_READ_BYTES = 64 * 1024
MOST_KEPT_CHARACTERS = 4096
# Of all that comes in one answer: head, interim answers, the sizes of chunks. Far above what is
# read of any body; without it a receiver could keep us reading its nothing until the deadline.
MOST_RECEIVED_BYTES = 1024 * 1024
MOST_HEADS = 16
# A connection goes on to the address that DNS named when it was opened. Leaving it after this time
# bounds how long an endpoint that has moved is still looked for at its old address.
CONNECTION_SECONDS = 30.0
DNS_CACHE_SECONDS = 10
KEEPALIVE_SECONDS = 15.0
CHECKED_URLS = 4096
MOST_ASKED = 1e9
_CONNECT_ERRORS = aiohttp.ClientConnectorError
_LOST_CONNECTION = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


@dataclass(slots=True)
class _Connections:
    """A session with its pool, and how many POSTs are using it."""

    session: aiohttp.ClientSession
    opened_at: float
    in_use: int = 0
    retired: bool = False


@dataclass(slots=True)
class _Answer:
    """What has been seen of an answer so far; a deadline may leave it half filled."""

    reused: bool = False
    status_code: int | None = None
    retry_after: str | None = None
    location: str | None = None
    control: str | None = None
    readable: bool = True
    body: bytearray = field(default_factory=bytearray)


class _Parameters(msgspec.Struct):
    retry_after: float | None = None


class _Limited(msgspec.Struct):
    """What chat services say in a 429."""

    retry_after: float | None = None
    parameters: _Parameters = msgspec.field(default_factory=_Parameters)


class Topics(Protocol):
    """Publishes what goes to a topic instead of a URL."""

    @property
    def allowed(self) -> Sequence[str]:
        """Which topics; see `check_topic`."""

    async def publish(self, topic: str, key: str, body: bytes, headers: Mapping[str, str]) -> str:
        """Publish a record and return where it is. Raises Unavailable."""


# Of the POST that the running task sends. The client's own tracing tells as well whether a
# connection was used before, for a tenth of what the POST costs.
_awaited: ContextVar[_Answer] = ContextVar("answer")


class _Bounded(ResponseHandler):
    """A connection that is broken off when an answer has sent too much."""

    received_bytes = 0
    heads = 0
    used = False

    def set_response_params(self, **params: Any) -> None:
        """Begin an answer, before its request is written."""
        self.received_bytes = self.heads = 0
        if (answer := _awaited.get(None)) is not None:
            answer.reused = self.used
        self.used = True
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Count what comes."""
        self.received_bytes += len(data)
        if self.received_bytes > MOST_RECEIVED_BYTES and self.transport is not None:
            self.transport.abort()
        else:
            super().data_received(data)

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Count heads: an answer has one, after a few that only say that it is coming."""
        self.heads += 1
        if self.heads > MOST_HEADS and self.transport is not None:
            self.transport.abort()
        else:
            super().feed_data(data, size)


class _Connector(aiohttp.TCPConnector):
    """Connections that are bounded."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # The base class makes its protocols by this, and has no option for it.
        self._factory = cast("partial[ResponseHandler]", partial(_Bounded, loop=self._loop))


class Poster:
    """Posts bodies, signed. An async context manager; inside it POSTs may run side by side.

    allow_private: networks that may be called although they are not public.
    deadline_seconds: for all of one POST, from DNS to the last byte of the answer.
    closed: places that may not be called, whatever is allowed. proxy: URL of an HTTP proxy through
    which everything goes, with user and password where it wants them; it resolves the names.
    resolver: instead of the operating system's.
    topics: where `kafka://` endpoints are published; without it they are not.
    """

    def __init__(
        self,
        *,
        allow_private: Sequence[Network] = (),
        deadline_seconds: float = DEADLINE_SECONDS,
        connection_seconds: float = CONNECTION_SECONDS,
        resolver: AbstractResolver | None = None,
        topics: Topics | None = None,
        closed: Closed | None = None,
        proxy: str | None = None,
    ) -> None:
        self._closed = closed or Closed()
        self._proxy, self._proxy_headers = _proxy(proxy)
        self._allow = allow = tuple(allow_private)
        # By the URL alone: the networks are always the same, and dear to hash.
        self._called_url = lru_cache(maxsize=CHECKED_URLS)(lambda url: called_url(url, allow))
        self.deadline_seconds = deadline_seconds
        self._connection_seconds = connection_seconds
        self._resolver = resolver
        self._topics = topics
        self._ssl = ssl.create_default_context()
        self._open: list[_Connections] = []

    async def __aenter__(self) -> Self:
        self._resolver = self._resolver or Names()
        await self._closed.look_up(self._resolver)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._open:
            await self._open.pop().session.close()

    async def post(
        self, endpoint: Endpoint, webhook_id: str, body: bytes, now: int, key: str = ""
    ) -> Outcome:
        """Post once and return what came of it; raises only when it is cancelled.

        now: unix milliseconds; signed, so receivers compare it with their clocks.
        key: what a topic keeps in order: the id of the monitor.
        """
        headers = request_headers(endpoint, webhook_id, body, now)
        topic = topic_of(endpoint.url)
        answer = _Answer()
        began = time.monotonic()
        error = None
        try:
            async with asyncio.timeout(self.deadline_seconds):
                if topic is not None:
                    await self._publish(topic, key, headers, body, answer)
                else:
                    url = self._called_url(endpoint.url)
                    self._closed.check_url(url)
                    await self._exchange(url, headers, body, answer)
        except TimeoutError:
            error = f"timed out after {self.deadline_seconds:g} s"
        except Invalid as refused:  # it was accepted under another configuration
            error = f"not called: {refused.detail}"
        except Unavailable as down:
            error = str(down)
        except (aiohttp.ClientError, OSError, ValueError) as failure:
            error = sentence(failure)
        return Outcome(
            started_at=now,
            duration_ms=round((time.monotonic() - began) * 1000),
            status_code=answer.status_code,
            error=error or refusal(answer.status_code, answer.location),
            answer=_text(answer),
            retry_after=answer.retry_after or _asked_in(answer),
            control=_control(answer.control),
        )

    async def _publish(
        self, topic: str, key: str, headers: dict[str, str], body: bytes, answer: _Answer
    ) -> None:
        """Publish; what a broker took counts as answered with 200."""
        allowed = self._topics.allowed if self._topics else ()
        check_topic(topic, allowed)
        assert self._topics is not None
        about_http = ("accept", "accept-encoding")
        kept = {name: value for name, value in headers.items() if name.lower() not in about_http}
        answer.body += (await self._topics.publish(topic, key, body, kept)).encode()
        answer.status_code = HTTPStatus.OK

    async def _exchange(
        self, url: URL, headers: dict[str, str], body: bytes, answer: _Answer
    ) -> None:
        """Post; once more where a kept connection was closed by the other side before any answer.

        That is how servers end idle connections, and says nothing about this delivery. The id is
        the same, so a receiver that did take it sees a repetition.
        """
        try:
            await self._send(url, headers, body, answer)
        except _CONNECT_ERRORS:
            raise
        except _LOST_CONNECTION:
            if not answer.reused or answer.status_code is not None:
                raise
            await self._send(url, headers, body, answer)

    async def _send(self, url: URL, headers: dict[str, str], body: bytes, answer: _Answer) -> None:
        connections = await self._connections()
        _awaited.set(answer)
        connections.in_use += 1
        try:
            async with connections.session.post(
                url,
                data=body,
                headers=headers,
                allow_redirects=False,
                proxy=self._proxy,
                proxy_headers=self._proxy_headers,
            ) as response:
                answer.status_code = response.status
                answer.retry_after = response.headers.get("Retry-After")
                answer.location = response.headers.get("Location")
                answer.control = response.headers.get("webhook-delivery")
                coding = response.headers.get("Content-Encoding", "identity")
                answer.readable = coding.lower() == "identity"
                await _read(response, answer.body)
        finally:
            connections.in_use -= 1
            if connections.retired and not connections.in_use:
                await connections.session.close()

    async def _connections(self) -> _Connections:
        """Return connections young enough; the old ones are closed when their last POST ends."""
        now = time.monotonic()
        newest = self._open[-1] if self._open else None
        if newest and now - newest.opened_at < self._connection_seconds:
            return newest
        fresh = _Connections(self._session(), now)
        self._open = [old for old in self._open if old.in_use]
        self._open.append(fresh)
        if newest:
            newest.retired = True
            if not newest.in_use:
                await newest.session.close()
            assert self._resolver is not None
            await self._closed.look_up(self._resolver)
        return fresh

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=_Connector(
                resolver=self._resolver,
                ttl_dns_cache=DNS_CACHE_SECONDS,
                keepalive_timeout=KEEPALIVE_SECONDS,
                # The sender bounds how many there are. A second bound here would make healthy
                # endpoints wait, within their deadline, for connections that hang.
                limit=0,
                ssl=self._ssl,
                socket_factory=self._socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
            read_bufsize=MOST_READ_BYTES // 4,
        )

    def _socket(self, address: tuple[Any, ...]) -> socket.socket:
        """Open the socket of a connection, if its address may be called at all.

        Behind a proxy it is the proxy's address, which the operator chose.
        """
        family, kind, proto, _, sockaddr = address
        if self._proxy is None:
            check_address(sockaddr, self._allow)
            self._closed.check_address(sockaddr)
        opened = socket.socket(family, kind, proto)
        # Answers are short: the kernel need not hold megabytes of one that never ends.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MOST_READ_BYTES)
        return opened


def _proxy(text: str | None) -> tuple[URL | None, dict[str, str] | None]:
    """Return a proxy's URL without its user, and the headers that let us in."""
    url = URL(text) if text else None
    if url is None or url.user is None:
        return url, None
    # The client sends what stands here as Proxy-Authorization, to the proxy alone.
    entry = aiohttp.encode_basic_auth(url.user, url.password or "", "utf-8")
    return url.with_user(None), {"Authorization": entry}


async def _read(response: aiohttp.ClientResponse, body: bytearray) -> None:
    """Read an answer to its end, or until `MOST_READ_BYTES`; then its connection is closed."""
    while chunk := await response.content.readany():
        body += chunk[: MOST_READ_BYTES - len(body)]
        if len(body) >= MOST_READ_BYTES:
            response.close()
            return


def request_headers(endpoint: Endpoint, webhook_id: str, body: bytes, now: int) -> dict[str, str]:
    """Return the headers of a POST. now: unix milliseconds."""
    seconds = now // 1000
    headers = {
        "Content-Type": endpoint.template.content_type if endpoint.template else JSON_TYPE,
        "User-Agent": f"Crypitor/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
    }
    ours = {name.lower(): name for name in headers}
    for name, value in endpoint.headers.items():
        if not is_own_header(name):
            headers[ours.get(name.lower(), name)] = value
    if endpoint.format == FORMAT:
        headers = {name: value for name, value in headers.items() if name.lower() != HUB.lower()}
        headers[HUB] = hub_signature(endpoint.secret, body)
    return {
        **headers,
        "webhook-id": webhook_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": sign(endpoint.secrets(now), webhook_id, seconds, body),
    }


def _asked_in(answer: _Answer) -> str | None:
    """Return the wait that chat services name in the body of a 429, in seconds.

    Discord as `retry_after`, Telegram as `parameters.retry_after`.
    """
    if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS or not answer.readable:
        return None
    try:
        told = msgspec.json.decode(answer.body, type=_Limited)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    asked = told.retry_after if told.retry_after is not None else told.parameters.retry_after
    return None if asked is None or not 0 < asked < MOST_ASKED else str(math.ceil(asked))


def _control(value: str | None) -> Control | None:
    word = (value or "").strip().lower()
    return Control(word) if word in set(Control) else None


def _text(answer: _Answer) -> str | None:
    if answer.status_code is None:
        return None
    if not answer.readable:
        return "(compressed)" if answer.body else ""
    text = bytes(answer.body[: 4 * MOST_KEPT_CHARACTERS]).decode(errors="replace")
    return text[:MOST_KEPT_CHARACTERS].replace("\0", "\N{REPLACEMENT CHARACTER}")
