"""Connections that keep the API waiting are ended, and others served meanwhile; over real sockets."""

import asyncio
import gc
import json
import select
import socket
import struct
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
from aiohttp import web

from crypitor.api.serving.context import CONTEXT
from crypitor.api.serving.crowd import Bounds
from crypitor.api.serving.errors import REQUEST_ID
from crypitor.api.serving.front import Front
from crypitor.api.serving.server import Runner
from crypitor.runtime.listening import listening
from crypitor.runtime.precedence import Precedence
from crypitor.runtime.ration import Ration

LONG = 30
"""Seconds after which a test gives up; what it waits for takes a part of a second."""

QUICK = Bounds(
    connections=8,
    connections_per_address=6,
    head_seconds=0.3,
    body_seconds=0.4,
    read_seconds=0.4,
    look_seconds=0.05,
)
LARGE = 16 * 1024 * 1024


class Served:
    """A small application, and what was refused at its door."""

    def __init__(self):
        self.refused = Counter()
        self.release = asyncio.Event()
        self.ended = []
        self.blocks = Precedence()
        self.app = web.Application(client_max_size=2**20)
        self.app[CONTEXT] = SimpleNamespace(
            refused=lambda reason: self.refused.update([reason]),
            front=Front(),
            first=(self.blocks,),
        )
        self.app.router.add_get("/", self.hello)
        self.app.router.add_get("/large", self.large)
        self.app.router.add_get("/hold", self.hold)
        self.app.router.add_post("/", self.take)
        self.app.router.add_post("/slow", self.take_slowly)

    async def hello(self, request):
        return web.Response(text="hello")

    async def large(self, request):
        return web.Response(body=b"x" * LARGE)

    async def hold(self, request):
        await self.release.wait()
        return web.Response(text="held")

    async def take(self, request):
        try:
            return web.Response(text=str(len(await request.read())))
        finally:
            self.ended.append("take")

    async def take_slowly(self, request):
        total = 0
        async for piece in request.content.iter_chunked(2**16):
            total += len(piece)
            await asyncio.sleep(0.1)
        return web.Response(text=str(total))

    async def until_refused(self, reason):
        async with asyncio.timeout(LONG):
            while not self.refused[reason]:
                await asyncio.sleep(0.01)


class Sparing(Runner):
    """One of whose connections a single piece is read in each turn of the loop."""

    __slots__ = ()

    async def _make_server(self):
        server = await super()._make_server()
        server.ration = Ration(1e-9)
        return server


@asynccontextmanager
async def serving(bounds=QUICK, of=Runner):
    served = Served()
    runs = partial(of, bounds=bounds)
    async with listening(
        served.app, "127.0.0.1", 0, shutdown_seconds=0.1, runs=runs, access_log=None
    ) as url:
        served.port = int(url.rpartition(":")[2])
        yield served


@asynccontextmanager
async def connected(served):
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def to_the_end(reader):
    """Return all that comes until the other side closes."""
    async with asyncio.timeout(LONG):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


async def answer(reader):
    """Return the status and the body of one answer."""
    async with asyncio.timeout(LONG):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1])
            for line in head.splitlines()
            if line.lower().startswith("content-length")
        )
        return int(head.split()[1]), await reader.readexactly(length), head


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01 sesame is no HTTP\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nsesame\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: sesame\r\n\r\n",
        b"GET http://[sesame/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\nsesame",
        b"sesame." * 1000 + b" / HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_a_problem_that_repeats_nothing(request_bytes, capfd):
    """Nor does the log; it is counted, and the connection ended."""
    async with serving() as served, connected(served) as (reader, writer):
        writer.write(request_bytes)
        said = await to_the_end(reader)
    head, _, body = said.partition(b"\r\n\r\n")

    assert head.split()[1] == b"400"
    assert json.loads(body)["status"] == 400
    assert REQUEST_ID.lower().encode() in head.lower()
    assert b"sesame" not in said
    assert served.refused["malformed"] == 1
    assert "sesame" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("piece", [2**20, 1000])
async def test_a_head_has_a_size(piece, whole):
    """However many lines it has, in one piece or in many, and whether or not it ends."""
    head = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(
        b"X-%d: %s\r\n" % (number, b"v" * 4000) for number in range(8)
    )
    head += b"Y: " + b"v" * 1200 + b"\r\n" + (b"\r\n" if whole else b"")
    async with serving() as served, connected(served) as (reader, writer):
        for start in range(0, len(head), piece):
            writer.write(head[start : start + piece])
            await asyncio.sleep(0)
        said = await to_the_end(reader)

    assert said.split()[1] == b"431"


async def test_a_line_of_a_head_has_a_size():
    """The library's own limit is answered as what it is."""
    async with serving() as served, connected(served) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"v" * 9000 + b"\r\n\r\n")

        assert (await to_the_end(reader)).split()[1] == b"431"


async def drip(writer):
    """Send a byte now and then, until it is no longer taken."""
    async with asyncio.timeout(LONG):
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)


async def test_a_head_that_is_sent_in_drips_is_ended():
    """Each byte does not begin the time anew."""
    async with serving() as served, connected(served) as (_, writer):
        writer.write(b"GET / HTTP/1.1\r\nX: ")
        with pytest.raises(ConnectionError):
            await drip(writer)
        assert served.refused["slow_head"] == 1


async def test_a_connection_that_says_nothing_is_ended():
    """Nor does the first request take as long as it likes."""
    async with serving() as served, connected(served) as (reader, _):
        assert await to_the_end(reader) == b""


async def test_a_body_that_falls_silent_is_ended():
    """What was held for it is let go."""
    async with serving() as served, connected(served) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nbegin")
        assert await to_the_end(reader) == b""

        assert served.refused["silent_body"] == 1
        assert served.ended == ["take"]


async def test_a_body_that_we_read_slowly_is_not_silent():
    """It is we who keep it waiting."""
    size = 2**20
    async with serving() as served, connected(served) as (reader, writer):
        writer.write(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
        writer.write(b"x" * size)
        status, body, _ = await answer(reader)

        assert (status, body) == (200, str(size).encode())


async def test_an_answer_that_nobody_reads_is_ended():
    """Its memory is not kept for as long as the reader likes."""
    async with serving() as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1024)
        writer.transport.pause_reading()
        writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await served.until_refused("unread_answer")
        writer.close()


async def test_an_answer_that_is_read_slowly_comes_whole():
    """As long as it is read at all."""
    async with serving() as served, connected(served) as (reader, writer):
        writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        size = 0
        async with asyncio.timeout(LONG):
            while piece := await reader.read(2**18):
                size += len(piece)
                await asyncio.sleep(0.02)

        assert size > LARGE
        assert not served.refused


async def test_who_only_waits_gives_way():
    """Connections without a request, however many, shut nobody out."""
    async with serving() as served:
        idle = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(20)]
        async with connected(served) as (reader, writer):
            writer.write(GET)

            assert (await answer(reader))[:2] == (200, b"hello")
        for _, writer in idle:
            writer.close()


async def test_where_all_are_at_work_one_more_is_refused():
    """With a status, and a time after which to come again."""
    async with serving() as served:
        busy = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(6)]
        for _, writer in busy:
            writer.write(b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(LONG):
            while True:
                async with connected(served) as (reader, writer):
                    said = await to_the_end(reader)
                if said:
                    break
        assert said.split()[1] == b"503"
        assert b"Retry-After" in said
        served.release.set()
        for reader, writer in busy:
            assert (await answer(reader))[0] == 200
            writer.close()


async def test_requests_follow_each_other_on_one_connection():
    """One by one, and several sent together, which are answered in their order."""
    async with serving() as served, connected(served) as (reader, writer):
        for _ in range(3):
            writer.write(GET)
            assert (await answer(reader))[:2] == (200, b"hello")
        writer.write(GET * 50)
        for _ in range(50):
            assert (await answer(reader))[:2] == (200, b"hello")
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345" + GET)

        assert [(await answer(reader))[1] for _ in range(2)] == [b"5", b"hello"]
        assert not served.refused


@pytest.mark.parametrize("of", [Runner, Sparing])
async def test_what_many_send_at_once_is_read_whole_and_in_order(of):
    """In pieces, between which others have their turns: bodies, chunks, and requests behind them."""
    plain = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 700000\r\n\r\n" + b"x" * 700_000
    chunks = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks += b"3\r\nabc\r\n" * 30_000 + b"0\r\n\r\n"

    async def send(served, requests):
        async with connected(served) as (reader, writer):
            writer.write(b"".join(requests))
            return [(await answer(reader))[1] for _ in requests]

    async with serving(of=of) as served:
        said = await asyncio.gather(
            send(served, [plain, GET, chunks]),
            send(served, [chunks, plain]),
            send(served, [GET] * 9),
            send(served, [chunks, GET, plain, GET]),
        )

    assert said == [
        [b"700000", b"hello", b"90000"],
        [b"90000", b"700000"],
        [b"hello"] * 9,
        [b"90000", b"hello", b"700000", b"hello"],
    ]


async def test_who_has_asked_gives_way_to_nobody_while_a_block_goes_first():
    """However many come behind it that say nothing."""
    async with serving() as served, connected(served) as (reader, writer):
        served.blocks.take("dev")
        writer.write(GET)
        await asyncio.sleep(0.01)
        idle = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(20)]

        assert (await answer(reader))[:2] == (200, b"hello")
        for _, one in idle:
            one.close()


async def test_little_is_read_while_a_block_goes_first():
    """A head, and no body; all that came meanwhile is, once the block has left."""
    body = b"x" * 100_000
    post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
    async with serving() as served, connected(served) as (reader, writer):
        served.blocks.take("dev")
        writer.write(post + body)
        asked = asyncio.create_task(answer(reader))
        async with connected(served) as (other, beside):
            beside.write(GET)
            assert (await answer(other))[1] == b"hello"
        while served.blocks.taken:
            assert not asked.done()
            await asyncio.sleep(0)

        assert (await asked)[1] == b"100000"


@pytest.mark.skipif(not hasattr(select, "poll"), reason="the system does not say who has gone")
@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("look_seconds", [QUICK.look_seconds, 600.0])
async def test_who_has_gone_holds_no_place(reset, look_seconds):
    """Also while as many requests wait as may, and nothing more is read of the connection.

    It is noticed now and then, and at once where there is no room for the next.
    """
    held = b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"
    async with serving(replace(QUICK, look_seconds=look_seconds)) as served:
        for _ in range(QUICK.connections_per_address):
            _, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(held * 9)
            await writer.drain()
            await asyncio.sleep(0.02)
            if reset:
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, linger
                )
            writer.close()
        status = 503
        async with asyncio.timeout(LONG):
            while status != 200:
                async with connected(served) as (reader, writer):
                    writer.write(GET)
                    status, _, _ = await answer(reader)
        served.release.set()

    assert status == 200


@pytest.mark.parametrize("of", [Runner, Sparing])
async def test_who_goes_after_the_answer_in_the_middle_of_a_body_is_no_mistake_of_ours(of, capfd):
    """What comes of reading such a body to its end is not logged."""
    head = b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serving(of=of) as served:
        for _ in range(10):
            async with connected(served) as (reader, writer):
                writer.write(head + b"1\r\nx\r\n" * 100_000)
                assert (await answer(reader))[0] == 200
                writer.transport.abort()
        async with connected(served) as (reader, writer):
            writer.write(GET)
            assert (await answer(reader))[0] == 200

    assert "Unhandled exception" not in "".join(capfd.readouterr())


async def test_a_connection_may_end_before_what_it_sent_is_taken():
    """In the same turn of the loop; it is no mistake that somebody has to look at."""
    servers, told = [], []

    class Noted(Runner):
        __slots__ = ()

        async def _make_server(self):
            servers.append(await super()._make_server())
            return servers[0]

    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    async with serving(of=Noted) as served, connected(served):
        async with asyncio.timeout(LONG):
            while not servers[0].connections:
                await asyncio.sleep(0.01)
        [connection] = servers[0].connections
        await asyncio.sleep(0)
        connection.data_received(GET)
        connection.connection_lost(None)
        del connection
        await asyncio.sleep(0.05)
        gc.collect()

    assert told == []
