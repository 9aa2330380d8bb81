"""Requests that come together begin one after another: a block waits for one of them."""

from aiohttp import web

from crypitor.api.serving.errors import Handler
from crypitor.runtime.turnstile import Turnstile

TURNSTILE = web.AppKey("TURNSTILE", Turnstile)


@web.middleware
async def in_turn(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request begin in its turn."""
    await request.app[TURNSTILE].passed()
    return await handler(request)
