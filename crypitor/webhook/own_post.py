"""A POST to the receiver that the installation has itself.

Signed, as HTTP, by the client of all webhooks. It goes over a pair of sockets within the process
that sends it: there is no port and no path that anybody else could reach, and it works wherever the
sender runs.
"""

import asyncio
import socket
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from crypitor.webhook.connections import Answer, exchange_over
from crypitor.webhook.delivery import Endpoint
from crypitor.webhook.own_receiver import VERIFIED, seen_of

HEAD = "POST /receiver HTTP/1.1\r\nHost: receiver.test\r\n"


async def post_to_own(
    endpoint: Endpoint, headers: Mapping[str, str], body: bytes, answer: Answer, now: int
) -> None:
    """Post once. now: unix milliseconds. Raises what any receiver makes a POST raise."""
    secret = endpoint.secrets(now)[0]

    async def take(request: web.BaseRequest) -> web.Response:
        seen = seen_of(request.headers, await request.content.read(), secret)
        good = seen.signature == VERIFIED
        return web.Response(
            status=HTTPStatus.OK if good else HTTPStatus.UNAUTHORIZED,
            body=msgspec.json.encode(seen),
            content_type="application/json",
        )

    server = web.Server(take, access_log=None)
    ours, theirs = socket.socketpair()
    try:
        await asyncio.get_running_loop().connect_accepted_socket(server, theirs)
        await exchange_over(ours, HEAD, headers, body, answer)
    finally:
        ours.close()
        await server.shutdown(0)
