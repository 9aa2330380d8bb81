"""Answers that do not arrive, or cannot be read when they do, over HTTP and over WebSocket."""

import asyncio

import msgspec
from aiohttp import web

from crypitor.development.simulator.chaos import Chaos
from crypitor.development.simulator.faults import Fault
from crypitor.development.simulator.params import SERVER_ERROR

SLOW_SECONDS = 0.05
RETRY_AFTER_SECONDS = 1
_HTML = b"<html><body>busy</body></html>"
_ERROR = {"code": SERVER_ERROR, "message": "internal error"}
_ERROR_BODY = msgspec.json.encode({"jsonrpc": "2.0", "id": None, "error": _ERROR})

_IN_PLACE = (
    Fault.HANG,
    Fault.DISCONNECT,
    Fault.HTTP_429,
    Fault.HTTP_503,
    Fault.ERROR_BODY,
    Fault.BAD_JSON,
    Fault.TRUNCATED,
)
"""Of several the first one happens."""


class Replies:
    """Sends answers, or what a failing node sends in their place.

    closing: set when the server ends; whatever hangs is released then.
    """

    def __init__(self, chaos: Chaos, closing: asyncio.Event) -> None:
        self._chaos = chaos
        self._closing = closing

    async def over_http(
        self, request: web.Request, body: bytes, faults: frozenset[Fault]
    ) -> web.Response:
        """Return the response to send."""
        match await self._in_place(faults):
            case Fault.HANG | Fault.DISCONNECT:
                if request.transport is not None:
                    request.transport.abort()
            case Fault.HTTP_429:
                headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
                return web.Response(status=429, text="too many requests\n", headers=headers)
            case Fault.HTTP_503:
                return web.Response(status=503, text="no backend\n")
            case Fault.BAD_JSON:
                return web.Response(body=_HTML, content_type="text/html")
            case Fault.ERROR_BODY:
                body = _ERROR_BODY
            case Fault.TRUNCATED:
                body = body[: len(body) // 2]
        return web.Response(body=body, content_type="application/json")

    async def over_socket(
        self, socket: web.WebSocketResponse, body: bytes, faults: frozenset[Fault]
    ) -> bytes:
        """Return the message to send; empty for none."""
        match await self._in_place(faults):
            case Fault.HANG:
                return b""
            case Fault.DISCONNECT | Fault.HTTP_429 | Fault.HTTP_503:
                await socket.close()
                return b""
            case Fault.BAD_JSON:
                return _HTML
            case Fault.ERROR_BODY:
                return _ERROR_BODY
            case Fault.TRUNCATED:
                return body[: len(body) // 2]
        return body

    async def _in_place(self, faults: frozenset[Fault]) -> Fault | None:
        """Return what happens in place of an answer, after the time that it takes."""
        if Fault.SLOW in faults:
            self._chaos.happened(Fault.SLOW)
            await asyncio.sleep(SLOW_SECONDS)
        fault = next((each for each in _IN_PLACE if each in faults), None)
        if fault is not None:
            self._chaos.happened(fault)
        if fault is Fault.HANG:
            await self._closing.wait()
        return fault
