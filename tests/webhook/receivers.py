"""Receivers on loopback: one that verifies and answers as told, and raw ones that misbehave."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from aiohttp import web
from standardwebhooks import Webhook

from crypitor.webhook.signature import NEW_BYTES, new_secret

SECRET = new_secret(b"s" * NEW_BYTES)


class Clock:
    """Unix milliseconds that pass only when told to; begins now."""

    def __init__(self) -> None:
        self.now = int(time.time() * 1000)

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += round(seconds * 1000)


@dataclass(slots=True)
class Received:
    """One verified POST."""

    id: str
    timestamp: int
    body: bytes
    headers: dict[str, str]
    path: str
    query: Mapping[str, str]
    peer: tuple[str, int]
    at: float = field(default_factory=time.monotonic)


def verify(secret: str, body: bytes, headers: dict[str, str]) -> None:
    """Verify with the published library; beyond its five minutes, with the signature it makes.

    Tests advance their clock by hours, which the library's own clock does not follow.
    """
    timestamp = int(headers["webhook-timestamp"])
    if abs(timestamp - time.time()) < 290:
        Webhook(secret).verify(body, headers, json_parse=False)
        return
    expected = Webhook(secret).sign(
        headers["webhook-id"], datetime.fromtimestamp(timestamp, UTC), body.decode()
    )
    assert expected in headers["webhook-signature"].split(" ")


Answer = Callable[[Received], web.StreamResponse | Awaitable[web.StreamResponse]]


@dataclass
class Receiver:
    """A receiver that takes only what verifies, counts what comes, and answers as told.

    answers: one for each POST, then the last one again: a status, or what makes a response.
    """

    answers: list[int | Answer] = field(default_factory=lambda: [204])
    secret: str = SECRET
    received: list[Received] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    url: str = ""
    method: str = "POST"

    def __post_init__(self) -> None:
        self._arrived = asyncio.Condition()
        self._script: Iterator[int | Answer] | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/hook"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        assert self.refused == []

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.received]

    async def has(self, count: int) -> None:
        """Wait until that many have come."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.received) >= count)

    async def _take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            assert request.method == self.method
            verify(self.secret, body, headers)
        except Exception as error:
            self.refused.append(f"{type(error).__name__}: {error}")
            raise
        one = Received(
            headers["webhook-id"],
            int(headers["webhook-timestamp"]),
            body,
            headers,
            request.path,
            request.query,
            request.transport.get_extra_info("peername"),
        )
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        answer = self.answers[min(len(self.received), len(self.answers) - 1)]
        async with self._arrived:
            self.received.append(one)
            self._arrived.notify_all()
        try:
            if isinstance(answer, int):
                return web.Response(status=answer)
            made = answer(one)
            return made if isinstance(made, web.StreamResponse) else await made
        finally:
            self.at_once -= 1


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_receiver(talk: Talk, **options: object) -> AsyncIterator[str]:
    """Serve connections with bare bytes; yields the URL. Conversations end with the server."""
    talks: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.current_task())
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, **options)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for one in talks:
            one.cancel()
        await asyncio.gather(*talks)
        await server.wait_closed()


async def request_of(reader: asyncio.StreamReader) -> bytes:
    """Read one whole request."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    )
    return head + await reader.readexactly(length)
