"""Readers of the stream, in a process of their own: COUNT HOST PORT KEY; what comes is dropped.

Prints a line once all are let in, and how many bytes came when its input ends.
"""

import asyncio
import sys

import uvloop


class Reading(asyncio.Protocol):
    """One who follows."""

    def __init__(self, request: bytes) -> None:
        self.request, self.bytes = request, 0
        self.begun = asyncio.Event()

    def connection_made(self, transport):
        transport.write(self.request)

    def data_received(self, data):
        if not self.begun.is_set():
            if not data.startswith(b"HTTP/1.1 200 "):
                raise SystemExit(data.decode())
            self.begun.set()
        self.bytes += len(data)


async def main(count: int, host: str, port: int, key: str) -> None:
    request = (
        f"GET /v1/stream HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {key}\r\n\r\n"
    ).encode()
    readers = [Reading(request) for _ in range(count)]
    for reader in readers:
        await asyncio.get_running_loop().create_connection(lambda one=reader: one, host, port)
        await reader.begun.wait()
    print("all follow", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(sum(reader.bytes for reader in readers), flush=True)


if __name__ == "__main__":
    count, host, port, key = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(main(int(count), host, int(port), key))
