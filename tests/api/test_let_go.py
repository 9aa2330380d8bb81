"""What a request held is let go with it: nothing waits for a search for garbage."""

import asyncio
import json

import pytest
from yarl import URL

from tests.garbage import left_behind

ALL_DATABASES = True
TIMES = 5
HOOK = {"url": "https://example.com/hook"}
MONITOR = {"networks": ["dev"]}

REFUSED = {
    "unknown when read": ("GET", "/v1/monitors/mo_x", None, 404),
    "unknown within a unit": ("DELETE", "/v1/monitors/mo_x", None, 404),
    "unknown before a unit": ("PATCH", "/v1/monitors/mo_x", {"name": "x"}, 404),
    "unknown in a body": ("POST", "/v1/monitors", {**MONITOR, "endpoints": ["en_x"]}, 404),
    "unknown endpoint": ("PATCH", "/v1/endpoints/en_x", {"name": "x"}, 404),
    "unknown delivery": ("POST", "/v1/deliveries/de_x/retry", {}, 404),
    "unknown key": ("DELETE", "/v1/keys/ke_x", None, 404),
    "unknown match": ("POST", "/v1/matches/ma_x/acknowledge", {}, 404),
    "unknown project": ("PATCH", "/v1/projects/pr_x", {"name": "x"}, 404),
    "unknown path": ("GET", "/v1/nothing", None, 404),
    "other method": ("POST", "/healthz", {}, 405),
    "wrong members": ("POST", "/v1/monitors", {"networks": ["dev"], "x": 1}, 400),
    "wrong url": ("POST", "/v1/endpoints", {"url": "http://127.0.0.1/"}, 400),
    "wrong cursor": ("GET", "/v1/matches?cursor=%00", None, 400),
    "other request with a key": ("POST", "/v1/endpoints", {"url": "https://example.com/2"}, 409),
    "a page that is not there": ("GET", "/monitors/mo_x", None, 303),
    "one's own project": ("DELETE", "/v1/projects/{project}", None, 409),
    "a file of nothing": ("POST", "/v1/monitors/{monitor}/addresses", {"addresses": ["0x"]}, 422),
    "a patch that is refused": ("PATCH", "/v1/monitors/{monitor}", {"networks": []}, 400),
}


class Connection:
    """One that is kept, as a client would; the request of each call is written by hand."""

    def __init__(self, api):
        self.api = api

    async def open(self):
        port = URL(self.api.url).port
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)

    def send(self, method, path, body, *, headers="", length=None):
        raw = (
            b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        )
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.api.admin}"
            f"\r\nContent-Type: application/json\r\n{headers}"
            f"Content-Length: {len(raw) if length is None else length}\r\n\r\n"
        )
        self.writer.write(head.encode() + raw)

    async def status(self):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        for line in head.splitlines():
            if line.startswith("content-length:"):
                await self.reader.readexactly(int(line.split(":")[1]))
        return int(head.split()[1])

    async def close(self):
        self.writer.transport.abort()
        await asyncio.sleep(0.01)


@pytest.fixture
async def connection(api):
    """Return an open connection."""
    connection = Connection(api)
    await connection.open()
    yield connection
    await connection.close()


@pytest.mark.parametrize("refused", REFUSED)
async def test_a_refused_request_leaves_nothing(api, connection, refused):
    """Whether it was refused by its path, its body, or within a unit of work."""
    method, path, body, status = REFUSED[refused]
    made = await api.made("/v1/monitors", MONITOR)
    path = path.format(project=api.project, monitor=made["id"])
    key = "Idempotency-Key: once\r\n" if status == 409 and body and "url" in body else ""
    await api.made("/v1/endpoints", HOOK, headers={"Idempotency-Key": "once"})

    async def once():
        connection.send(method, path, body, headers=key)
        return await connection.status()

    assert await once() == status
    async with left_behind() as left:
        for _ in range(TIMES):
            await once()
    assert left == []


BROKEN_OFF = {
    "a body": ("POST", "/v1/monitors", b'{"networks":', 5_000),
    "an upload": ("POST", "/v1/monitors/{monitor}/addresses", b'{"addresses":["0x11"', 90_000),
    "an answer": ("GET", "/v1/monitors", None, None),
    "a unit of work": ("PATCH", "/v1/monitors/{monitor}", {"name": "new"}, None),
    "a stream": ("GET", "/v1/stream", None, None),
}


@pytest.mark.parametrize("what", BROKEN_OFF)
async def test_a_request_that_breaks_off_leaves_nothing(api, what):
    """At whatever it was."""
    method, path, body, length = BROKEN_OFF[what]
    made = await api.made("/v1/monitors", MONITOR)

    async def once():
        connection = Connection(api)
        await connection.open()
        connection.send(method, path.format(monitor=made["id"]), body, length=length)
        await connection.writer.drain()
        if what == "a stream":
            await connection.reader.readuntil(b"\r\n\r\n")
        for _ in range(3 if what == "a unit of work" else 10):
            await asyncio.sleep(0)
        await connection.close()

    await once()
    async with left_behind() as left:
        for _ in range(TIMES):
            await once()
        await api.call("GET", "/v1/monitors")  # a unit that was begun has ended
    assert left == []
