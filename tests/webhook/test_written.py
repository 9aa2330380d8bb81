"""What a receiver gets to see of what a user wrote: URL and headers, to the byte."""

import asyncio

import pytest

from crypitor.webhook.post import Poster
from tests.webhook.posting import LOOPBACK, OK, post
from tests.webhook.receivers import raw_receiver
from tests.webhook.resolvers import Stub

TARGETS = [
    "/hook?b=2&a=1&b=1",
    "/%7Euser/%7e/~",
    "/a%2Fb/c%2fd",
    "/%41%62?%61=%41",
    "/a/../b/./c//d/",
    "/hook?sig=a+b%20c%2B=&&empty=&flag",
    "/hook?",
    "/%zz%",
    "/{id}|^`<>\"'()*!$,;:@[]",
    "/?next=https://other.example/%3Fa%3Db",
]


async def heads_of(poster, url_of, **more):
    """Return the lines before the body of one POST. url_of: the receiver's URL → the endpoint's."""
    heads = []

    async def talk(reader, writer):
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n"))
        writer.write(OK)
        await writer.drain()

    async with raw_receiver(talk) as url:
        outcome = await asyncio.wait_for(post(poster, url_of(url.rstrip("/")), **more), 30)
    assert outcome.succeeded, outcome
    return heads[0]


@pytest.mark.parametrize("target", TARGETS)
async def test_path_and_query_are_sent_as_they_are_written(poster, target):
    """Not in another spelling that would mean the same to most: some compare bytes."""
    head = await heads_of(poster, lambda url: f"{url}{target}#fragment")

    assert head[0] == f"POST {target} HTTP/1.1"


@pytest.mark.parametrize("written, sent", [("", "/"), ("?a=%7e", "/?a=%7e"), ("#top", "/")])
async def test_no_path_is_the_root(poster, written, sent):
    """RFC 9112, 3.2.1."""
    head = await heads_of(poster, lambda url: url + written)

    assert head[0] == f"POST {sent} HTTP/1.1"


async def test_a_proxy_gets_the_same(poster):
    """In its absolute form."""
    heads = []

    async def talk(reader, writer):
        heads.append(await reader.readline())
        writer.write(OK)
        await writer.drain()

    async with (
        raw_receiver(talk) as url,
        Poster(allow_private=LOOPBACK, proxy=url.rstrip("/")) as through,
    ):
        await post(through, "http://Receiver.example/%7e/a?b=%2f&a")

    assert heads == [b"POST http://receiver.example/%7e/a?b=%2f&a HTTP/1.1\r\n"]


async def test_a_name_with_umlauts_is_sent_as_punycode():
    """In the Host header, and to whoever resolves it (RFC 5891)."""
    async with Poster(allow_private=LOOPBACK, resolver=Stub("127.0.0.1")) as poster:
        head = await heads_of(poster, lambda url: url.replace("127.0.0.1", "bücher.example"))

    host = next(line for line in head if line.startswith("Host: "))
    assert host.startswith("Host: xn--bcher-kva.example:")


async def test_headers_are_sent_as_they_are_written(poster):
    """Names in their case, also of those that take our defaults' place; values with their spaces."""
    headers = {"user-AGENT": "mine", "X-MiXed": 'a  b, "c" ; %7e', "x-mixed-2": "{{data}}"}
    head = await heads_of(poster, lambda url: f"{url}/", headers=headers)

    for name, value in headers.items():
        assert f"{name}: {value}" in head
    assert [line for line in head if line.lower().startswith("user-agent:")] == ["user-AGENT: mine"]
