"""Receivers that hang, drip, flood, lie and break off: each costs one attempt, no more."""

import asyncio
import contextlib
import gzip
import ssl
import subprocess
import time

import pytest
from aiohttp import web

from crypitor.webhook.connections import MOST_READ_BYTES
from crypitor.webhook.post import MOST_KEPT_CHARACTERS, Poster
from tests.patience import HANG_SECONDS
from tests.webhook.posting import answer_of, endpoint, post
from tests.webhook.receivers import Receiver, raw_receiver, request_of
from tests.webhook.resolvers import Stub


@pytest.mark.parametrize(
    "talk_bytes",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha",
    ],
    ids=["nothing", "half a head", "half a body", "half a chunk"],
)
async def test_a_receiver_that_hangs_costs_one_deadline(hasty, talk_bytes):
    """The deadline covers everything until the end of the body."""

    async def talk(reader, writer):
        await request_of(reader)
        writer.write(talk_bytes)
        await reader.read()

    began = time.monotonic()
    async with raw_receiver(talk) as url:
        outcome = await post(hasty, url)

    assert outcome.error == "timed out after 0.3 s"
    assert not outcome.succeeded
    assert 250 <= outcome.duration_ms <= 1000 * (time.monotonic() - began) + 1


@pytest.mark.parametrize("piece", [b"x", b"X: y\r\n", b"1\r\nx\r\n"])
async def test_a_receiver_that_drips_costs_one_deadline(hasty, piece):
    """A byte now and then does not extend it: in the head, in a body, in chunks."""
    heads = {
        b"x": b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"X: y\r\n": b"HTTP/1.1 200 OK\r\n",
        b"1\r\nx\r\n": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    }

    async def talk(reader, writer):
        await request_of(reader)
        writer.write(heads[piece])
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)

    async with raw_receiver(talk) as url:
        outcome = await post(hasty, url)

    assert outcome.error == "timed out after 0.3 s"


async def test_interim_answers_without_end_cost_one_deadline(hasty):
    """A hundred 103s a moment are not an answer."""

    async def talk(reader, writer):
        await request_of(reader)
        while not writer.is_closing():
            writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)
            await writer.drain()

    async with raw_receiver(talk) as url:
        outcome = await post(hasty, url)

    assert not outcome.succeeded


async def test_a_receiver_that_never_reads_costs_one_deadline(hasty):
    """Also while we are still sending."""

    async def talk(reader, writer):
        writer.transport.pause_reading()
        await asyncio.Event().wait()

    async with raw_receiver(talk) as url:
        outcome = await hasty.post(endpoint(url), "de_1", b"x" * 1_000_000, int(time.time() * 1000))

    assert outcome.error == "timed out after 0.3 s"


async def test_what_a_deadline_cut_off_is_not_sent_afterwards(hasty):
    """The connection is gone, with all that was still to be written."""
    body, outcome_is_there, came = b"x" * 8_000_000, asyncio.Event(), 0

    async def talk(reader, writer):
        nonlocal came
        writer.transport.pause_reading()
        await outcome_is_there.wait()
        writer.transport.resume_reading()
        with contextlib.suppress(ConnectionError):
            while some := await reader.read(1 << 20):
                came += len(some)

    async with raw_receiver(talk) as url:
        outcome = await hasty.post(endpoint(url), "de_1", body, int(time.time() * 1000))
        outcome_is_there.set()

    assert outcome.error == "timed out after 0.3 s"
    assert came < len(body)


async def test_who_answers_early_still_gets_the_whole_body(poster):
    """The rest of it goes out before the connection ends, and nothing follows on that one."""
    body, peers, came = b"x" * 8_000_000, [], asyncio.Event()

    async def talk(reader, writer):
        peers.append(writer.get_extra_info("peername"))
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            if length == len(body):
                came.set()

    async with raw_receiver(talk) as url:
        early = await poster.post(endpoint(url), "de_1", body, int(time.time() * 1000))
        next_one = await post(poster, url)
        await asyncio.wait_for(came.wait(), HANG_SECONDS)

    assert (early.error, next_one.error) == (None, None)
    assert len(peers) == 2


async def test_dns_counts_for_the_deadline():
    """A name server that hangs costs no more than a receiver that does."""

    class Hanging(Stub):
        async def resolve(self, *_, **__):
            await asyncio.Event().wait()

    async with Poster(resolver=Hanging(), deadline_seconds=0.2) as poster:
        outcome = await post(poster, "https://hooks.example.com/")

    assert outcome.error == "timed out after 0.2 s"


async def test_at_most_64_kib_of_an_answer_are_read(poster):
    """An endless body ends there; its status counts, its beginning is kept."""
    written = 0

    async def talk(reader, writer):
        nonlocal written
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"y" * 65536)
            written += 65536
            await writer.drain()

    async with raw_receiver(talk) as url:
        outcome = await asyncio.wait_for(post(poster, url), HANG_SECONDS)

    assert outcome.succeeded
    assert outcome.answer == "y" * MOST_KEPT_CHARACTERS
    assert MOST_READ_BYTES <= written < 8 * 1024 * 1024


async def test_an_answer_that_is_not_read_to_its_end_closes_its_connection(poster):
    """The rest of it must not be taken for the answer to the next POST."""
    long = web.Response(body=b"z" * 4_000_000)
    async with Receiver([lambda _: long, 200]) as receiver:
        outcome = await post(poster, receiver.url)
        await post(poster, receiver.url)

    assert outcome.succeeded
    assert receiver.received[0].peer != receiver.received[1].peer


async def test_what_only_claims_to_be_compressed_does_no_harm(poster):
    """Nothing tries to unpack it."""
    raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"
    outcome = await answer_of(poster, raw)

    assert outcome.succeeded


async def test_a_compressed_answer_is_not_unpacked(poster):
    """A gzip bomb of 100 MB is as small as it came."""
    bomb = gzip.compress(bytes(100_000_000))
    headers = {"Content-Encoding": "gzip"}
    async with Receiver([lambda _: web.Response(body=bomb, headers=headers)]) as receiver:
        outcome = await post(poster, receiver.url)

    assert outcome.succeeded
    assert outcome.answer == "(compressed)"
    assert receiver.received[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "flood",
    [
        b"X-A: " + b"a" * 10_000 + b"\r\n",
        b"X-" + b"a" * 10_000 + b": b\r\n",
        b"X-A: b\r\n" * 10_000,
        b"a" * 1_000_000,
    ],
    ids=["long value", "long name", "many", "no end"],
)
async def test_a_flood_of_headers_is_an_error(poster, flood):
    """Their sizes and number are bounded."""
    outcome = await answer_of(poster, b"HTTP/1.1 200 OK\r\n" + flood + b"\r\n")

    assert not outcome.succeeded
    assert outcome.error.startswith("not a usable HTTP answer: ")
    assert len(outcome.error) <= 300


async def test_a_hundred_megabytes_of_headers_are_not_read(poster):
    """The connection is given up at the bound, not at the end."""
    written = 0

    async def talk(reader, writer):
        nonlocal written
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(10_000):
            writer.write(b"X-%d: " % number + b"a" * 8000 + b"\r\n")
            written += 8000
            await writer.drain()

    async with raw_receiver(talk) as url:
        outcome = await post(poster, url)

    assert not outcome.succeeded
    assert outcome.duration_ms < 5000
    assert written < 16 * 1024 * 1024


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x00\x01\x02\x03",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_a_failure(poster, raw):
    """Another protocol, or one that only looks like it."""
    outcome = await answer_of(poster, raw)

    assert not outcome.succeeded
    assert outcome.error


@pytest.mark.parametrize(
    "raw, error",
    [
        (b"", "connection closed without an answer"),
        (b"HTTP/1.1 200", "connection closed without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "the answer broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha", "the answer broke off"),
    ],
)
async def test_an_answer_that_breaks_off_is_a_failure(poster, raw, error):
    """A 200 whose body does not end may be a proxy that lost its server."""
    outcome = await answer_of(poster, raw)

    assert not outcome.succeeded
    assert outcome.error == error


async def test_a_reset_is_a_failure(poster):
    """With or without a byte of answer."""

    async def talk(reader, writer):
        await request_of(reader)
        sock = writer.get_extra_info("socket")
        sock.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER 0: close sends a reset
        writer.transport.abort()

    async with raw_receiver(talk) as url:
        outcome = await post(poster, url)

    assert outcome.error in ("connection reset", "connection closed without an answer")


async def test_nobody_listens(poster):
    """The most common failure has the plainest sentence."""
    async with raw_receiver(lambda *_: asyncio.Event().wait()) as url:
        pass
    outcome = await post(poster, url)

    assert (outcome.status_code, outcome.error) == (None, "connection refused")


async def test_a_name_without_address():
    """DNS failures are outcomes too."""
    async with Poster(resolver=Stub()) as nameless:
        outcome = await post(nameless, "https://hooks.example.com/")

    assert outcome.error == "the host name has no address"


async def test_an_http_server_where_tls_is_spoken(poster):
    """Bad TLS costs one attempt."""

    async def talk(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()

    async with raw_receiver(talk) as url:
        outcome = await post(poster, url.replace("http:", "https:"))

    assert outcome.error.startswith("TLS failed: ")


async def test_a_certificate_that_nobody_vouches_for(poster, tmp_path):
    """Self-signed is not accepted."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    async with raw_receiver(lambda reader, _: reader.read(), ssl=context) as url:
        outcome = await post(poster, url.replace("http:", "https:"))

    assert outcome.error == "certificate not accepted: self-signed certificate"
