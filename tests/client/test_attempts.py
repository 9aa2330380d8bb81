"""What is tried again, when, and with which key: against a service that fails on purpose."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from crypitor.client import Client, Refused, Unreachable
from crypitor.client.patience import retry_after, wait_seconds
from tests.patience import HANG_SECONDS


@asynccontextmanager
async def failing(*answers: web.Response | None) -> AsyncIterator[tuple[Client, list, list]]:
    """Yield a client of a service that gives these answers; None breaks the connection."""
    seen, waited, waiting = [], [], iter(answers)

    async def take(request):
        body = b""
        answer = next(waiting)
        if answer is None:
            seen.append((request.headers.get("Idempotency-Key"), body))
            request.transport.abort()
            await asyncio.Event().wait()
        body = await request.read()
        seen.append((request.headers.get("Idempotency-Key"), body))
        return answer

    async def sleep(seconds):
        waited.append(seconds)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    async with TestServer(app) as server:
        url = str(server.make_url("/"))
        async with Client(url, attempts=3, sleep=sleep, chance=lambda: 0.0) as client:
            yield client, seen, waited


def good():
    return web.json_response({"id": "mo_1"})


async def test_a_write_is_repeated_with_its_key():
    """A lost answer and a passing failure: the same key and body until it is answered."""
    async with failing(None, web.Response(status=503), good()) as (client, seen, _):
        answer = await client.create_monitor({"networks": ["ethereum"]})

    assert answer["id"] == "mo_1"
    assert len(seen) == 3
    assert len({key for key, _ in seen}) == 1
    assert seen[1] == seen[2]
    assert seen[0][0]


async def test_an_own_key_is_kept():
    """For who repeats a write after a restart."""
    async with failing(good()) as (client, seen, _):
        await client.create_monitor({"networks": ["ethereum"]}, idempotency_key="mine")

    assert seen[0][0] == "mine"


async def test_two_writes_have_two_keys():
    """They are two."""
    async with failing(good(), good()) as (client, seen, _):
        await client.create_monitor({"networks": ["ethereum"]})
        await client.create_monitor({"networks": ["ethereum"]})

    assert seen[0][0] != seen[1][0]


async def test_retry_after_is_waited_for():
    """As the service asks, in seconds."""
    busy = web.json_response({"detail": "slow"}, status=429, headers={"Retry-After": "7"})
    async with failing(busy, good()) as (client, _, waited):
        await client.read_networks()

    assert waited == [7.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 415, 422])
async def test_a_refusal_is_not_repeated(status):
    """The same request would be refused again."""
    refused = web.json_response({"detail": "no"}, status=status)
    async with failing(refused, good()) as (client, seen, _):
        with pytest.raises(Refused, match=f"{status}: no"):
            await client.read_networks()

    assert len(seen) == 1


async def test_what_is_no_json_is_a_refusal_too():
    """Of a proxy before the service."""
    page = web.Response(status=403, text="<html>", content_type="text/html")
    async with failing(page) as (client, _, _):
        with pytest.raises(Refused, match="HTTP 403"):
            await client.read_networks()


async def test_the_last_answer_is_told():
    """After three attempts."""
    away = [web.json_response({"detail": f"no {n}"}, status=503) for n in range(3)]
    async with failing(*away) as (client, seen, _):
        with pytest.raises(Refused, match="503: no 2"):
            await client.read_networks()

    assert len(seen) == 3


async def test_a_list_of_addresses_is_sent_again():
    """It can be read again."""
    async with failing(None, good()) as (client, seen, _):
        await client.add_addresses("mo_1", ["0x01", {"address": "0x02", "label": "two"}])

    assert seen[-1][1] == b'"0x01"\n{"address": "0x02", "label": "two"}\n'


async def test_addresses_that_are_read_once_are_not_lost_in_silence():
    """A generator has nothing for a second attempt."""
    async with failing(None, good()) as (client, _, _):
        with pytest.raises(Unreachable, match="cannot be read again"):
            await client.add_addresses("mo_1", (text for text in ["0x01"]))


async def test_a_stream_goes_on_behind_the_last_event():
    """
    The connection breaks within an event, and the service is away for a while: nothing is left out
    and nothing comes twice.
    """
    asked = []

    async def stream(request):
        asked.append((request.headers["Last-Event-ID"], dict(request.query)))
        if len(asked) in (2, 3, 4, 5, 6, 7, 8, 9):
            return web.Response(status=503)
        number = 1 if len(asked) == 1 else 2
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        event = json.dumps({"type": "match.detected", "data": {"id": number}})
        await response.write(f": nothing new\n\nid: e-{number}\ndata: {event}\n\nid: e-9".encode())
        if number == 1:
            request.transport.close()
        await asyncio.Event().wait()
        return response

    async def sleep(_seconds):
        await asyncio.sleep(0)

    app = web.Application()
    app.router.add_get("/v1/stream", stream)
    found = []
    async with TestServer(app, shutdown_timeout=0.1) as server:
        url = str(server.make_url("/"))
        async with Client(url, attempts=3, sleep=sleep, chance=lambda: 0.0) as client:
            events = client.follow_events("e-0", network="dev")
            async with asyncio.timeout(HANG_SECONDS):
                async for told in events:
                    found.append((told.cursor, told.event["data"]["id"]))
                    if len(found) == 2:
                        break
            await events.aclose()

    assert found == [("e-1", 1), ("e-2", 2)]
    assert [last for last, _ in asked] == ["e-0", *["e-1"] * 9]
    assert asked[0][1] == {"network": "dev"}


def test_waits_grow_to_a_limit_and_are_spread():
    """From half of it to all of it, as chance has it."""
    assert [wait_seconds(n, None, 1.0) for n in (1, 2, 3, 20, 2000)] == [0.25, 0.5, 1.0, 30.0, 30.0]
    assert wait_seconds(3, None, 0.0) == 0.5


def test_nobody_is_made_to_wait_for_hours():
    """Above two minutes the caller decides."""
    assert wait_seconds(1, 120.0, 0.0) == 120.0
    assert wait_seconds(1, 121.0, 0.0) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None), ("7", 7.0), ("soon", None), ("-1", None), ("٣", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 37.0), ("Sun, 06 Nov 1994 08:00:00 GMT", 0.0),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(header, seconds):
    """And nothing else."""
    assert retry_after(header, 784_111_740.0) == seconds
