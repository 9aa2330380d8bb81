"""Receivers that do everything wrong, each in its own way.

Run as a program it serves them all, prints their URLs as JSON, and ends with its input.
"""

import asyncio
import datetime as dt
import gzip
import ipaddress
import json
import socket
import ssl
import struct
import sys
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.webhook.receivers import Talk, raw_receiver, request_of

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(bytes(100_000_000))
FAILS_OR_HANGS = "fails or hangs"  # a flood, on a machine that is too busy to read so much
HANGS, FAILS, TAKES = "hangs", "fails", "takes"
"""What comes of an attempt: the deadline ends it, it fails at once, or it counts as taken."""


def says(raw: bytes) -> Talk:
    """Answer with these bytes and close."""

    async def talk(reader, writer):
        await request_of(reader)
        writer.write(raw)
        await writer.drain()
        writer.write_eof()
        await reader.read()

    return talk


def says_and_hangs(raw: bytes) -> Talk:
    async def talk(reader, writer):
        await request_of(reader)
        writer.write(raw)
        await asyncio.Event().wait()

    return talk


def drips(head: bytes, piece: bytes, seconds: float = 0.05) -> Talk:
    """Send a little now and then, without end."""

    async def talk(reader, writer):
        await request_of(reader)
        writer.write(head)
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(seconds)

    return talk


def floods(head: bytes, piece: Callable[[int], bytes], most: int = 1_000_000) -> Talk:
    """Send without pause until nobody reads any more."""

    async def talk(reader, writer):
        await request_of(reader)
        writer.write(head)
        for number in range(most):
            if writer.is_closing():
                return
            writer.write(piece(number))
            await writer.drain()

    return talk


def resets(*, read: bool = True, after: bytes = b"") -> Talk:
    """Break the connection by a reset."""

    async def talk(reader, writer):
        if read:
            await request_of(reader)
        writer.write(after)
        await writer.drain()
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    return talk


async def never_reads(_reader, writer) -> None:
    writer.transport.pause_reading()
    await asyncio.Event().wait()


async def closes_at_once(_reader, _writer) -> None:
    return


async def half_closes(reader, writer) -> None:
    writer.write_eof()
    await request_of(reader)
    await asyncio.Event().wait()


async def answers_too_early(reader, writer) -> None:
    writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    await writer.drain()


async def hears_tls(reader, writer) -> None:
    """Hear the client's first bytes, and nothing after that."""
    await reader.read(1)
    await asyncio.Event().wait()


async def answers_tls_in_plain(reader, writer) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await reader.read()


Kind = tuple[Talk, str]

PLAIN: dict[str, Kind] = {
    "hangs before it reads": (never_reads, HANGS),
    "hangs after it has read": (says_and_hangs(b""), HANGS),
    "hangs after the status": (says_and_hangs(HEAD), HANGS),
    "hangs within the head": (says_and_hangs(HEAD + b"X-A: b"), HANGS),
    "hangs within the body": (says_and_hangs(HEAD + b"Content-Length: 9\r\n\r\nhalf"), HANGS),
    "hangs within a chunk": (says_and_hangs(CHUNKED + b"5\r\nha"), HANGS),
    "drips its head": (drips(HEAD, b"X: y\r\n"), HANGS),
    "drips its body": (drips(HEAD + b"Content-Length: 100000\r\n\r\n", b"x"), HANGS),
    "drips chunks": (drips(CHUNKED, b"1\r\nx\r\n"), HANGS),
    "interim answers without end": (drips(b"", b"HTTP/1.1 103 Early\r\n\r\n", 0.001), FAILS),
    "interim answers in a flood": (
        floods(b"", lambda _: b"HTTP/1.1 103 Early\r\n\r\n" * 100), FAILS_OR_HANGS,
    ),
    "100 MB of headers": (floods(HEAD, lambda n: b"X-%d: " % n + b"a" * 8000 + b"\r\n"), FAILS_OR_HANGS),
    "a header without end": (floods(HEAD + b"X: ", lambda _: b"a" * 8000), FAILS_OR_HANGS),
    "a status without end": (floods(b"HTTP/1.1 200 ", lambda _: b"a" * 8000), FAILS_OR_HANGS),
    "headers by the million": (floods(HEAD, lambda _: b"X: y\r\n" * 1000), FAILS_OR_HANGS),
    "a body without end": (floods(HEAD + b"\r\n", lambda _: b"y" * 65536), TAKES),
    "chunks without end": (floods(CHUNKED, lambda _: b"4000\r\n" + b"y" * 16384 + b"\r\n"), TAKES),
    "a chunk size without end": (floods(CHUNKED, lambda _: b"0" * 8000), FAILS_OR_HANGS),
    "a gzip bomb": (
        says(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB),
        TAKES,
    ),
    "no gzip after all": (
        says(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"), TAKES,
    ),
    "resets before it reads": (resets(read=False), FAILS),
    "resets after it has read": (resets(), FAILS),
    "resets after its head": (resets(after=HEAD + b"Content-Length: 9\r\n\r\n"), FAILS),
    "resets within its body": (resets(after=HEAD + b"Content-Length: 9\r\n\r\nhalf"), FAILS),
    "closes at once": (closes_at_once, FAILS),
    "closes without an answer": (says(b""), FAILS),
    "half-closes and waits": (half_closes, FAILS),
    "promises more than it sends": (says(HEAD + b"Content-Length: 10\r\n\r\nhalf"), FAILS),
    "a negative length": (says(HEAD + b"Content-Length: -1\r\n\r\n"), FAILS),
    "two lengths": (says(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), FAILS),
    "a wrong chunk size": (says(CHUNKED + b"ZZ\r\n"), FAILS),
    "another protocol": (says(b"SSH-2.0-OpenSSH_9.6\r\n"), FAILS),
    "bytes": (says(bytes(range(256)) * 10), FAILS),
    "HTTP/0.9": (says(b"<html>hello</html>"), FAILS),
    "HTTP/2 frames": (says(b"\0\0\x12\4\0\0\0\0\0" + bytes(18)), FAILS),
    "an unknown version": (says(b"HTTP/9.9 200 OK\r\n\r\n"), FAILS),
    "a header without colon": (says(HEAD + b"no colon\r\n\r\n"), FAILS),
    "redirects to metadata": (
        says(b"HTTP/1.1 307 X\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"),
        FAILS,
    ),
    "redirects to itself": (
        says(b"HTTP/1.1 302 X\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"), FAILS,
    ),
    "two answers at once": (says((HEAD + b"Content-Length: 0\r\n\r\n") * 2), TAKES),
    "an error of 4 MB": (
        says(b"HTTP/1.1 500 X\r\nContent-Length: 4000000\r\n\r\n" + bytes(4_000_000)), FAILS,
    ),
    "answers before it is asked": (answers_too_early, FAILS),
    "a wait of nonsense": (
        says(b"HTTP/1.1 429 X\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n"), FAILS,
    ),
    "no TLS where it is wanted": (answers_tls_in_plain, FAILS),
    "hangs in the TLS handshake": (hears_tls, HANGS),
}  # fmt: skip
SPOKEN_TO_BY_TLS = ("no TLS where it is wanted", "hangs in the TLS handshake")


CERTIFIED: dict[str, Kind] = {
    "a certificate of its own": (says(HEAD + b"\r\n"), FAILS),
    "a certificate that has expired": (says(HEAD + b"\r\n"), FAILS),
    "a certificate of another host": (says(HEAD + b"\r\n"), FAILS),
}


def certificate(folder: Path, kind: str) -> ssl.SSLContext:
    """Make what such a receiver shows; the client is told to trust the issuer of the last two."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, kind)])
    now = dt.datetime.now(dt.UTC)
    ends = now - dt.timedelta(days=1) if "expired" in kind else now + dt.timedelta(1)
    host = "127.9.9.9" if "another" in kind else "127.0.0.1"
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=2))
        .not_valid_after(ends)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{kind}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context


async def serve_all(stack: AsyncExitStack, folder: Path) -> dict[str, str]:
    """Serve them until the stack ends; return the URL of each."""
    urls = {}
    for name, (talk, _) in PLAIN.items():
        url = await stack.enter_async_context(raw_receiver(talk))
        urls[name] = url.replace("http:", "https:") if name in SPOKEN_TO_BY_TLS else url
    for name, (talk, _) in CERTIFIED.items():
        context = certificate(folder, name)
        url = await stack.enter_async_context(raw_receiver(talk, ssl=context))
        urls[name] = url.replace("http:", "https:")
    return urls


EXPECTED = {name: kind[1] for name, kind in (PLAIN | CERTIFIED).items()}


async def _main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            print(json.dumps(await serve_all(stack, Path(folder))), flush=True)
            await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main())
