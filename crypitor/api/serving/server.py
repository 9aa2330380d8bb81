"""The API's server: it makes connections, bounds how many there are, and looks after them."""

import ssl
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from crypitor.api.serving.context import CONTEXT
from crypitor.api.serving.crowd import Bounds, Crowd
from crypitor.api.serving.handshake import Doorstep
from crypitor.api.serving.wire import Connection
from crypitor.runtime.precedence import Precedence
from crypitor.runtime.ration import Ration
from crypitor.runtime.seldom import Seldom

if TYPE_CHECKING:
    import asyncio

log = structlog.get_logger(__name__)


class Server(web.Server):
    """Makes connections, and looks after them once a second.

    plain: what serves the application otherwise. refused: told of each connection or request that
    was not served, with a word for why. tls: encrypts them. base_path: of paths, may be there.
    first: of those before whom nothing is read.
    """

    def __init__(
        self,
        bounds: Bounds,
        plain: web.Server,
        refused: Callable[[str], None] = lambda _: None,
        *,
        tls: ssl.SSLContext | None = None,
        base_path: str = "",
        first: Sequence[Precedence] = (),
    ) -> None:
        super().__init__(
            plain.request_handler,
            request_factory=_without(base_path, plain.request_factory),
            handler_cancellation=plain.handler_cancellation,
            loop=plain._loop,  # noqa: SLF001 - what the application made it with
            **{
                **plain._kwargs,  # noqa: SLF001
                "keepalive_timeout": bounds.idle_seconds,
            },
        )
        self.bounds = bounds
        self.crowd = Crowd(bounds)
        self.refused = refused
        self.ration = Ration(first=first)
        self.mistakes = Seldom(log.error)
        self._seldom = Seldom(log.warning)
        self._looking: asyncio.TimerHandle | None = None
        self._tls = tls

    def __call__(self) -> RequestHandler:
        """Return what takes one connection."""
        if self._tls is not None:
            return cast("RequestHandler", Doorstep(self, self._tls))
        return self.connection()

    def connection(self) -> RequestHandler:
        """Return what serves one connection."""
        return Connection(self, loop=self._loop, **self._kwargs)

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - aiohttp's
        """End all connections, also those that are only being made."""
        for guest in self.crowd.guests:
            if isinstance(guest, Doorstep):
                guest.leave()
        await super().shutdown(timeout)

    def refuse(self, reason: str) -> None:
        """Count and log that a connection was not served to its end."""
        self.refused(reason)
        self._seldom.told("connections closed", reason)

    def look(self) -> None:
        """Begin to look after the connections, if nobody does."""
        if self._looking is None:
            self._looking = self._loop.call_later(self.bounds.look_seconds, self._look)

    def _look(self) -> None:
        self._looking = None
        now = self._loop.time()
        guests = self.crowd.guests
        for guest in guests:
            cast("Connection | Doorstep", guest).look(now)
        if guests:
            self.look()


class Runner(web.AppRunner):
    """Serves an application to connections that are bounded."""

    __slots__ = ("_bounds", "_tls")

    def __init__(
        self,
        app: web.Application,
        bounds: Bounds,
        tls: ssl.SSLContext | None = None,
        **options: Any,
    ) -> None:
        super().__init__(app, **options)
        self._bounds = bounds
        self._tls = tls

    async def _make_server(self) -> Server:
        plain = await super()._make_server()
        if CONTEXT not in self.app:
            return Server(self._bounds, plain, tls=self._tls)
        context = self.app[CONTEXT]
        return Server(
            self._bounds, plain, context.refused, tls=self._tls, base_path=context.front.base_path,
            first=context.first,
        )  # fmt: skip


def _without(base_path: str, make: Callable[..., web.BaseRequest]) -> Callable[..., Any]:
    """Return what makes requests of messages, of whose paths a proxy did not take its own part."""
    if not base_path:
        return make

    def stripped(message: Any, *rest: Any) -> web.BaseRequest:
        url, raw = message.url, message.url.raw_path
        if raw == base_path or raw.startswith(f"{base_path}/"):
            url = url.with_path(raw.removeprefix(base_path) or "/", encoded=True, keep_query=True)
            message = message._replace(path=str(url), url=url)
        return make(message, *rest)

    return stripped
