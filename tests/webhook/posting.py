"""One POST, as the tests of the poster make it."""

import time

from crypitor.webhook.delivery import Endpoint, Outcome
from crypitor.webhook.egress import networks
from crypitor.webhook.post import Poster
from tests.webhook.receivers import SECRET, raw_receiver, request_of

LOOPBACK = networks(["127.0.0.0/8"])
BODY = '{"label":"Käse"}'.encode()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def endpoint(url: str, **more) -> Endpoint:
    return Endpoint("ep_1", "pr_1", url, SECRET, **more)


async def post(poster: Poster, url: str, **more) -> Outcome:
    return await poster.post(endpoint(url, **more), "de_1", BODY, int(time.time() * 1000))


async def answer_of(poster: Poster, raw: bytes) -> Outcome:
    """Return what is made of these bytes as an answer, after which the connection is closed."""

    async def talk(reader, writer):
        await request_of(reader)
        writer.write(raw)
        await writer.drain()
        writer.write_eof()
        await reader.read()

    async with raw_receiver(talk) as url:
        return await post(poster, url)
