"""What strangers and tenants may send, each kind as a coroutine that sends it until it is cancelled."""

import asyncio
import contextlib
import json
import random
import socket
import ssl
from collections.abc import Awaitable, Callable

import aiohttp

from tests.rig import ADMIN_KEY

ELSEWHERE = "127.0.0.9"
"""A stranger's address: of one address the oldest handshake gives way to the next."""

KEY = f"Authorization: Bearer {ADMIN_KEY}\r\n"
SIDE_BY_SIDE = 8
IDLE = 300
JSON = "Content-Type: application/json\r\n"
CSV = "Content-Type: text/csv\r\n"

Attack = Callable[[int, str], Awaitable[None]]
"""Of the service's port, and the path of a monitor."""


@contextlib.asynccontextmanager
async def connection(port, address="127.0.0.1"):
    """Open a connection from an address; whatever the service does to it ends the context."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, limit=2**16, local_addr=(address, 0)
        )
        try:
            yield reader, writer
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            pass
        finally:
            writer.transport.abort()


async def again(port, send, count=SIDE_BY_SIDE, address="127.0.0.1"):
    """Do it on so many connections, each again and again on a new one."""

    async def one():
        while True:
            async with connection(port, address) as (reader, writer):
                await send(reader, writer)
            await asyncio.sleep(0.002)

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(one())


def request(method, path, headers, body=b""):
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def asking(raw):
    """Return what sends a request and reads its answer."""

    async def send(reader, writer):
        writer.write(raw)
        async with asyncio.timeout(30):
            head = await reader.readuntil(b"\r\n\r\n")
            for line in head.decode().lower().splitlines():
                if line.startswith("content-length:"):
                    await reader.readexactly(int(line.split(":")[1]))

    return send


async def malformed(port, _):
    """No HTTP, but texts over which patterns would go back and forth."""
    texts = [b"a." * 4000, b"a-" * 4000 + b"://", b"GET http://" + b"?&" * 4000, b"\x16\x03" * 4000]
    chance = random.Random(1)

    async def send(reader, writer):
        writer.write(chance.choice(texts) + b"\r\n\r\n")
        async with asyncio.timeout(10):
            await reader.read()

    await again(port, send)


async def idle(port, _):
    """Connections that say nothing."""

    async def send(reader, _):
        await reader.read()
        await asyncio.sleep(0.05)

    await again(port, send, IDLE)


async def slow_heads(port, _):
    """A byte of a head now and then."""

    async def send(_, writer):
        writer.write(b"GET / HTTP/1.1\r\nX: ")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.2)

    await again(port, send, IDLE // 2)


async def large_heads(port, _):
    """A megabyte of lines."""
    lines = b"".join(b"X-%d: %s\r\n" % (number, b"v" * 8000) for number in range(120))
    await again(port, asking(b"GET / HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n"))


async def pipelined(port, _):
    """Thousands of requests at once, whose answers nobody reads."""

    async def send(_, writer):
        for _ in range(50):
            writer.write(request("GET", "/healthz", "") * 100)
            await writer.drain()
        await asyncio.sleep(1)

    await again(port, send)


async def wrong_keys(port, _):
    """One after another."""
    await again(port, asking(request("GET", "/v1/monitors", "Authorization: Bearer ke_x\r\n")))


async def unknown_fields(port, monitor):
    """A megabyte of fields that there are not, for a new monitor and for a change of one."""
    body = json.dumps({f"a{number}": 1 for number in range(70_000)}).encode()
    rules = [{"kind": "erc20", **{f"a{n}": 1 for n in range(90)}}] * 64
    nested = json.dumps({"networks": ["dev"], "rules": rules}).encode()
    requests = [
        request(method, path, KEY + JSON, one)
        for method, path in (("POST", "/v1/monitors"), ("PATCH", monitor))
        for one in (body, nested)
    ]

    async def send(reader, writer):
        await asking(random.choice(requests))(reader, writer)

    await again(port, send)


async def wrong_items(port, _):
    """Some twenty thousand contracts that are none."""
    rules = [{"kind": "erc20", "contracts": ["0xx"] * 1000}] * 40
    body = json.dumps({"networks": ["dev"], "rules": rules}).encode()
    await again(port, asking(request("POST", "/v1/monitors", KEY + JSON, body)))


async def nested_types(port, _):
    """Signatures as large and as deep as they may be, and larger, in as many rules as there may be."""
    deep = "(" * 14 + "bool" + ")" * 14
    wide = ",".join(["bool"] * 990)
    rules = [{"kind": "call", "signature": f"f{n}({','.join([deep] * 60)})"} for n in range(64)]
    most = [{"kind": "call", "signature": f"g{n}({wide})"} for n in range(4)]
    bodies = [
        request("POST", "/v1/monitors", KEY + JSON, json.dumps(one).encode())
        for one in (
            {"networks": ["dev"], "rules": rules, "enabled": False},
            {"networks": ["dev"], "rules": most, "enabled": False},
        )
    ]

    async def send(reader, writer):
        await asking(random.choice(bodies))(reader, writer)

    await again(port, send, 4)


async def deep_json(port, _):
    """Half a million brackets."""
    bodies = [b"[" * 500_000, b"[[]," * 200_000, b'{"a":' * 100_000]
    requests = [request("POST", "/v1/monitors", KEY + JSON, one) for one in bodies]

    async def send(reader, writer):
        await asking(random.choice(requests))(reader, writer)

    await again(port, send)


async def broken_uploads(port, monitor):
    """Addresses by the hundred thousand, of which the last never comes."""
    lines = "".join(f"0x{number:040x}\n" for number in range(100_000)).encode()
    head = f"POST {monitor}/addresses HTTP/1.1\r\nHost: x\r\n{KEY}{CSV}Content-Length: 99999999\r\n\r\n"

    async def send(_, writer):
        writer.write(head.encode() + lines)
        async with asyncio.timeout(10):
            await writer.drain()
        await asyncio.sleep(0.3)

    await again(port, send, 60)


async def silent_bodies(port, monitor):
    """Bodies that begin and go no further."""
    head = request("PATCH", monitor, KEY + JSON)[:-5].replace(b"Length: 0", b"Length: 900000")

    async def send(reader, writer):
        writer.write(head.rstrip() + b"00000\r\n\r\n{")
        await reader.read()
        await asyncio.sleep(0.05)

    await again(port, send, 60)


async def unread_answers(port, _):
    """Lists as long as they may be, asked for again and again and not read."""

    async def send(_, writer):
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        writer.transport.pause_reading()
        writer.write(request("GET", "/v1/monitors?limit=1000", KEY) * 4)
        await asyncio.sleep(3)

    await again(port, send, 15)


def client_hello():
    """Return what a client of TLS says first."""
    written = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(
        ssl.MemoryBIO(), written, server_hostname="localhost"
    )
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return written.read()


async def hanging_handshakes(port, _):
    """Handshakes that do not begin, stop in the middle, or are never answered."""
    hello = client_hello()
    said = [b"", hello[:1], hello[:80], hello]

    async def send(reader, writer):
        writer.write(random.choice(said))
        while await reader.read(2**16):
            pass
        await asyncio.sleep(0.05)

    await again(port, send, IDLE, ELSEWHERE)


async def broken_handshakes(port, _):
    """What is no TLS, or no longer: as many as a stranger can."""
    hello = client_hello()
    said = [
        request("GET", "/healthz", ""),
        b"\x16\x03" * 4000,
        hello[:60] + b"\0" * 4000,
        hello + hello,
    ]

    async def send(reader, writer):
        writer.write(random.choice(said))
        async with asyncio.timeout(10):
            await reader.read(2**16)

    await again(port, send, address=ELSEWHERE)


ATTACKS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (
        malformed,
        idle,
        slow_heads,
        large_heads,
        pipelined,
        wrong_keys,
        unknown_fields,
        wrong_items,
        nested_types,
        deep_json,
        broken_uploads,
        silent_bodies,
        unread_answers,
    )
}

HANDSHAKES: dict[str, Attack] = {
    attack.__name__: attack for attack in (hanging_handshakes, broken_handshakes)
}
"""Of a service with a certificate of its own."""


async def sent_for(seconds: float, attack: Attack, port: int, monitor: str) -> None:
    """Send a kind for some time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await attack(port, monitor)


async def fill(session: aiohttp.ClientSession, count: int) -> None:
    """Make monitors that are worth some kilobytes in a list each."""
    for number in range(count):
        body = {
            "networks": ["dev"],
            "name": f"large {number}",
            "note": "n" * 9_000,
            "enabled": False,
        }
        async with session.post("/v1/monitors", json=body) as answer:
            assert answer.status == 201, await answer.text()
