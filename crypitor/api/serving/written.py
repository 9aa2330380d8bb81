"""Answers on their way: encoded in slices, and written as fast as they are read."""

import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

LARGE_BYTES = 256 * 1024
PIECE_BYTES = 64 * 1024
SLICE_BYTES = 512 * 1024


async def encoded(answer: Any, give_way: Callable[[], Awaitable[None]]) -> bytes:
    """Return an answer as JSON; others are let go on while a long page is encoded."""
    items = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(items, list) or len(items) < 2:
        return msgspec.json.encode(answer)
    parts, since = [], 0
    for item in items:
        parts.append(msgspec.json.encode(item))
        since += len(parts[-1])
        if since > SLICE_BYTES:
            since = 0
            await give_way()
    rest = msgspec.json.encode({**answer, "data": []})
    begin, _, end = rest.partition(b'"data":[]')
    return b"".join([begin, b'"data":[', b",".join(parts), b"]", end])


class Written(Payload):
    """A body that is written piece by piece. done: called once it is written, or never will be."""

    def __init__(self, body: bytes, done: Callable[[], None]) -> None:
        super().__init__(body, content_type="application/json")
        self._size = len(body)
        self._done = weakref.finalize(self, done)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the body as text."""
        return str(self._value, encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write it; waits for whoever reads."""
        try:
            for start in range(0, self._size or 0, PIECE_BYTES):
                await writer.write(self._value[start : start + PIECE_BYTES])
        finally:
            self._value = b""
            self._done()
