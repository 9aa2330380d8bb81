"""An aiohttp application on a port, for as long as a context lasts."""

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
    runs: Callable[..., web.AppRunner] = web.AppRunner,
    **options: Any,
) -> AsyncIterator[str]:
    """Serve `app` and give its URL; port 0 takes a free one.

    shutdown_seconds: how long open requests are waited for at the end. runs: makes the runner.
    options: of aiohttp's AppRunner. Raises OSError where nothing can listen there.
    """
    runner = runs(app, **options, shutdown_timeout=shutdown_seconds)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        name, bound = runner.addresses[0][:2]
        yield f"http://{f'[{name}]' if ':' in name else name}:{bound}"
    finally:
        await runner.cleanup()
