"""An aiohttp application on a port, for as long as a context lasts."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


@asynccontextmanager
async def listening(
    app: web.Application,
    host: str,
    port: int,
    *,
    shutdown_seconds: float,
    kept: list[socket.socket] | None = None,
    runs: Callable[..., web.AppRunner] = web.AppRunner,
    **options: Any,
) -> AsyncIterator[str]:
    """Serve `app` and give its URL; port 0 takes a free one.

    shutdown_seconds: how long open requests are waited for at the end. kept: sockets that listen
    already, or an empty list that they are put into: they go on to listen afterwards, and who
    connects meanwhile waits. Whoever made the list closes them. runs: makes the
    runner. options: of aiohttp's AppRunner. Raises OSError where nothing can listen there.
    """
    runner = runs(app, **options, shutdown_timeout=shutdown_seconds)
    await runner.setup()
    try:
        for one in kept or ():
            await web.SockSite(runner, one.dup()).start()
        if not kept:
            site = web.TCPSite(runner, host, port)
            await site.start()
            if kept is not None:
                kept += _sockets_of(site)
        name, bound = runner.addresses[0][:2]
        yield f"http://{f'[{name}]' if ':' in name else name}:{bound}"
    finally:
        await runner.cleanup()


def try_place(host: str, port: int) -> None:
    """Raise OSError where nothing could listen now; nobody is heard meanwhile."""
    for family, kind, protocol, _, place in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as asyncio does
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(place)


def _sockets_of(site: web.TCPSite) -> list[socket.socket]:
    """Return copies of what it listens on: they stay open when it ends."""
    server = site._server  # noqa: SLF001 - it tells no other way
    return [
        socket.fromfd(one.fileno(), one.family, one.type) for one in getattr(server, "sockets", ())
    ]
