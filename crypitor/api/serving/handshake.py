"""Encrypts connections; until one is, it counts and is bounded as those are that are served."""

import asyncio
import ssl
from typing import Any, Protocol, cast

from crypitor.api.serving.crowd import Bounds, Crowd, peer_of, place_of

MOST_EARLY_BYTES = 256 * 1024
"""Of what comes between the end of the handshake and the moment in which somebody serves it."""


class Host(Protocol):
    """What serves connections."""

    bounds: Bounds
    crowd: Crowd

    def refuse(self, reason: str) -> None:
        """Count and log that a connection was not served."""

    def connection(self) -> asyncio.Protocol:
        """Return what serves one connection."""


class Doorstep(asyncio.Protocol):
    """A connection whose handshake is under way. context: with the certificate."""

    def __init__(self, host: Host, context: ssl.SSLContext) -> None:
        self._host = host
        self._context = context
        self._address = ""
        self._wire: asyncio.Transport | None = None
        self._work: asyncio.Task[None] | None = None
        self._begun = False
        self._early = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake, if there is room for one more."""
        if self._begun:
            return
        self._begun = True
        wire = cast("asyncio.Transport", transport)
        peer, host = peer_of(wire), self._host
        self._address = place_of(peer)
        if not host.crowd.admitted(self, self._address, shared=host.bounds.shared(peer)):
            host.refuse("too_many_connections")
            wire.abort()
            return
        self._wire = wire
        self._work = asyncio.get_running_loop().create_task(self._encrypt(wire), name="handshake")

    def data_received(self, data: bytes) -> None:
        """Keep what came before there was anybody to read it: encrypted at first, then not."""
        self._early += data
        if len(self._early) > MOST_EARLY_BYTES:
            self.leave()

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002 - whatever it was
        """Forget it. uvloop's start_tls would wait forever for who had gone before it began."""
        self._wire = None
        self._host.crowd.left(self, self._address)
        if self._ended():
            self._host.refuse("handshake")

    def look(self, _now: float) -> None:
        """Nothing: the handshake has a deadline of its own."""

    def leave(self) -> None:
        """Give way to another connection, or to the end of all."""
        self._host.crowd.left(self, self._address)
        if self._wire is not None:
            self._wire.abort()
        self._ended()

    @property
    def has_gone(self) -> bool:
        """Never: whoever goes in a handshake is heard of."""
        return False

    def _ended(self) -> bool:
        """End the handshake; tell whether it was under way."""
        # Forgotten: what ends a task is kept by it, with a trace that leads here.
        work, self._work = self._work, None
        return work is not None and work.cancel()

    async def _encrypt(self, wire: asyncio.Transport) -> None:
        host, loop = self._host, asyncio.get_running_loop()
        # Not before: uvloop begins to read after connection_made, whatever was said there.
        wire.pause_reading()
        hello, self._early = bytes(self._early), bytearray()
        shaking = loop.create_task(
            loop.start_tls(
                wire, self, self._context, server_side=True,
                ssl_handshake_timeout=host.bounds.head_seconds,
            )
        )  # fmt: skip
        try:
            if hello:
                # One turn, in which start_tls puts its protocol in place, and has it told of its
                # connection in the next: so this comes after that, and before all that is read.
                await asyncio.sleep(0)
                loop.call_soon(_read_again, wire, hello)
            encrypted = await shaking
        except (OSError, TimeoutError):
            host.refuse("handshake")
            wire.abort()
            return
        finally:
            shaking.cancel()
            # Its error's trace leads here: the two would hold each other, and 256 KB of buffers.
            del shaking
            host.crowd.left(self, self._address)
        if encrypted is None or self._wire is None or encrypted.is_closing():
            return
        serving = cast("Any", host.connection())
        encrypted.set_protocol(serving)
        serving.connection_made(encrypted)
        if self._early:
            serving.data_received(bytes(self._early))


def _read_again(wire: asyncio.Transport, data: bytes) -> None:
    """Give the protocol of TLS what was read before it was in place.

    It reads into buffers; uvloop's does so without saying that it is such a protocol.
    """
    protocol = cast("asyncio.BufferedProtocol", wire.get_protocol())
    while data and not wire.is_closing():
        room = memoryview(protocol.get_buffer(len(data)))
        count = min(len(room), len(data))
        room[:count] = data[:count]
        protocol.buffer_updated(count)
        data = data[count:]
