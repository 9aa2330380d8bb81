"""Kept connections to receivers, and one POST over one of them.

The client's connector opens, checks and keeps the connections, and its parser reads the answers;
requests are written here. The client's own way from a session to the socket costs several times as
much: it collects headers, cookies, redirects and traces of which a webhook has none, and starts a
task to write the body.
"""

import asyncio
import math
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, cast

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError
from yarl import URL

from crypitor.webhook.closed import Closed
from crypitor.webhook.egress import Network, check_address

MOST_READ_BYTES = 64 * 1024
# Of all that comes in one answer: head, interim answers, the sizes of chunks. Twice what is
# read of any body; without it a receiver could keep us reading its nothing until the deadline.
MOST_RECEIVED_BYTES = 2 * MOST_READ_BYTES
MOST_HEADS = 16
# At once to the parser, which makes all heads in a piece before the first of them is counted:
# thousands, in what arrives together.
PIECE_BYTES = 1024
# A connection goes on to the address that DNS named when it was opened. Leaving it after this time
# bounds how long an endpoint that has moved is still looked for at its old address.
CONNECTION_SECONDS = 30.0
RENEWED_SECONDS = 1.0
DNS_CACHE_SECONDS = 10
KEEPALIVE_SECONDS = 15.0
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)
_CONNECT_ERRORS = aiohttp.ClientConnectorError
_LOST_CONNECTION = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


@dataclass(slots=True)
class Answer:
    """What has been seen of an answer so far; a deadline may leave it half filled."""

    reused: bool = False
    status_code: int | None = None
    retry_after: str | None = None
    location: str | None = None
    control: str | None = None
    readable: bool = True
    headers: Mapping[str, str] | None = None
    body: bytearray = field(default_factory=bytearray)

    @property
    def whole(self) -> bool:
        """Whether the body can be read, and all of it."""
        return self.readable and len(self.body) < MOST_READ_BYTES


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests of one URL go.

    request: never sent; by it the connector opens connections and finds them again. head: what
    every request begins with.
    """

    request: aiohttp.ClientRequest
    head: str


class _Bounded(ResponseHandler):
    """A connection that is broken off when an answer has sent too much."""

    received_bytes = 0
    heads = 0
    used = False

    def set_response_params(self, **params: Any) -> None:
        """Begin an answer, before its request is written."""
        self.received_bytes = self.heads = 0
        self.used = True
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Count what comes."""
        self.received_bytes += len(data)
        if self.received_bytes > MOST_RECEIVED_BYTES and self.transport is not None:
            self.transport.abort()
            return
        for start in range(0, len(data) or 1, PIECE_BYTES):
            super().data_received(data[start : start + PIECE_BYTES])
            if self.transport is None or self.transport.is_closing():
                return

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Count heads: an answer has one, after a few that only say that it is coming."""
        self.heads += 1
        if self.heads > MOST_HEADS and self.transport is not None:
            self.transport.abort()
        else:
            super().feed_data(data, size)

    async def written(self, transport: asyncio.WriteTransport) -> None:
        """Wait until all has left, or the connection is lost; nothing follows on it."""
        self.force_close()
        transport.set_write_buffer_limits(high=0)
        with suppress(aiohttp.ClientConnectionResetError):
            await self._drain_helper()


class _Connector(aiohttp.TCPConnector):
    """Connections that are bounded, and how many POSTs are using them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # The base class makes its protocols by this, and has no option for it.
        self._factory = cast("partial[ResponseHandler]", partial(_Bounded, loop=self._loop))
        self.opened_at = time.monotonic()
        self.in_use = 0
        self.retired = False


class Connections:
    """Connections to whatever may be called; see `Poster` for the options."""

    def __init__(
        self,
        *,
        allow_private: Sequence[Network],
        closed: Closed,
        proxy: str | None,
        connection_seconds: float,
        resolver: AbstractResolver,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._allow = tuple(allow_private)
        self._closed = closed
        self._proxy, self._proxy_entry = _proxy(proxy)
        self._connection_seconds = connection_seconds
        self._resolver = resolver
        self._ssl = context or ssl.create_default_context()
        self._open: list[_Connector] = []

    async def close(self) -> None:
        """Close all that are open."""
        while self._open:
            await self._open.pop().close()

    def renew(self) -> None:
        """Let go of kept connections before the next POST: descriptors are short."""
        if self._open and time.monotonic() - self._open[-1].opened_at > RENEWED_SECONDS:
            self._open[-1].opened_at = -math.inf

    def target(
        self,
        url: URL,
        target: str | None = None,
        context: ssl.SSLContext | None = None,
        method: str = "POST",
    ) -> Target:
        """Return where requests of a URL go.

        target: path and query to the byte, where the URL's own are only a reading of them.
        context: in place of the one that all have; connections are kept apart by it.
        """
        entry, host = self._proxy_entry, url.host_port_subcomponent
        request = aiohttp.ClientRequest(
            "POST",
            url,
            proxy=self._proxy,
            ssl=True if context is None else context,
            # The client sends what stands here as Proxy-Authorization, to the proxy alone. It would
            # write the host into it, and then take it for another proxy's.
            proxy_headers={"Authorization": entry, "Host": str(host)} if entry else None,
        )
        through = self._proxy is not None and not request.is_ssl()
        path = url.raw_path_qs if target is None else target
        if through:
            path = f"{url.origin()}{path}"
        head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n"
        return Target(
            request, f"{head}Proxy-Authorization: {entry}\r\n" if through and entry else head
        )

    async def exchange(
        self, target: Target, headers: Mapping[str, str], body: bytes, answer: Answer
    ) -> None:
        """Post; once more where a kept connection was closed by the other side before any answer.

        That is how servers end idle connections, and says nothing about this delivery. The id is
        the same, so a receiver that did take it sees a repetition. Raises aiohttp.ClientError,
        OSError, and ValueError for headers that cannot be sent.
        """
        request = _head(target.head, headers, len(body)) + body
        try:
            await self._send(target, request, answer)
        except _CONNECT_ERRORS:
            raise
        except _LOST_CONNECTION:
            if not answer.reused or answer.status_code is not None:
                raise
            await self._send(target, request, answer)

    async def _send(self, target: Target, request: bytes, answer: Answer) -> None:
        connector = await self._connector()
        connector.in_use += 1
        try:
            connection = await connector.connect(target.request, [], _NO_TIMEOUT)
            protocol = cast("_Bounded", connection.protocol)
            whole = False
            try:
                whole = await _answered(protocol, request, answer)
            except HttpProcessingError as error:
                raise aiohttp.ClientResponseError(
                    target.request.request_info, (), status=error.code, message=error.message
                ) from error
            finally:
                if whole:
                    connection.release()
                else:  # closing alone would wait until the receiver has read what we wrote
                    protocol.abort()
                    connection.close()
        finally:
            connector.in_use -= 1
            if connector.retired and not connector.in_use:
                await connector.close()

    async def _connector(self) -> _Connector:
        """Return connections young enough; the old ones are closed when their last POST ends."""
        newest = self._open[-1] if self._open else None
        if newest and time.monotonic() - newest.opened_at < self._connection_seconds:
            return newest
        fresh = _Connector(
            resolver=self._resolver,
            ttl_dns_cache=DNS_CACHE_SECONDS,
            keepalive_timeout=KEEPALIVE_SECONDS,
            # The sender bounds how many there are. A second bound here would make healthy
            # endpoints wait, within their deadline, for connections that hang.
            limit=0,
            ssl=self._ssl,
            socket_factory=self._socket,
        )
        self._open = [old for old in self._open if old.in_use]
        self._open.append(fresh)
        if newest:
            newest.retired = True
            if not newest.in_use:
                await newest.close()
            await self._closed.look_up(self._resolver)
        return fresh

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


async def exchange_over(
    opened: socket.socket, head: str, headers: Mapping[str, str], body: bytes, answer: Answer
) -> None:
    """Post once over a socket that is connected already, and close it.

    head: what the request begins with. Raises as `Connections.exchange` does.
    """
    loop = asyncio.get_running_loop()
    request = _head(head, headers, len(body)) + body
    transport, protocol = await loop.create_connection(partial(_Bounded, loop=loop), sock=opened)
    try:
        await _answered(protocol, request, answer)
    finally:
        transport.abort()


async def _answered(protocol: _Bounded, request: bytes, answer: Answer) -> bool:
    """Write a request and read its answer; False when there is more than is read."""
    answer.reused = protocol.used
    protocol.set_response_params(
        read_until_eof=True, auto_decompress=False, read_bufsize=MOST_READ_BYTES // 4
    )
    transport = protocol.transport
    if transport is None or transport.is_closing():
        raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")
    transport.write(request)
    message, content = await protocol.read()
    while message.code // 100 == 1 and message.code != HTTPStatus.SWITCHING_PROTOCOLS:
        message, content = await protocol.read()
    answer.status_code = message.code
    headers = answer.headers = message.headers
    answer.retry_after = headers.get("Retry-After")
    answer.location = headers.get("Location")
    answer.control = headers.get("webhook-delivery")
    answer.readable = headers.get("Content-Encoding", "identity").lower() == "identity"
    body = answer.body
    while chunk := await content.readany():
        body += chunk[: MOST_READ_BYTES - len(body)]
        if len(body) >= MOST_READ_BYTES:
            return False
    if transport.get_write_buffer_size():
        # It answered before the whole request has left, and may read the rest yet.
        await protocol.written(transport)
    return True


def _head(first: str, headers: Mapping[str, str], length: int) -> bytes:
    """Return all that stands before the body. Raises ValueError for what would end a header."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers) or "\0" in lines:
        raise ValueError("a header must not hold line breaks")
    return f"{first}{lines}Content-Length: {length}\r\n\r\n".encode()


def _proxy(text: str | None) -> tuple[URL | None, str | None]:
    """Return a proxy's URL without its user, and the entry that lets us in."""
    url = URL(text) if text else None
    if url is None or url.user is None:
        return url, None
    return url.with_user(None), aiohttp.encode_basic_auth(url.user, url.password or "", "utf-8")
