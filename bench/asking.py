"""A client of the least that it takes, in a process of its own.

Its arguments are HOST PORT PATH KEY CONNECTIONS SECONDS.
Each connection asks again as soon as it is answered. Prints how many answers there were; any other
status than 200 ends it.
"""

import asyncio
import sys
import time

import uvloop

END = b"\r\n\r\n"


class Asking(asyncio.Protocol):
    """Asks, reads one answer with a Content-Length, and asks again."""

    def __init__(self, request: bytes, until: float, ended: asyncio.Event) -> None:
        self.request, self.until, self.ended = request, until, ended
        self.count = 0
        self.received = b""

    def connection_made(self, transport):
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data):
        received = self.received + data
        head = received.find(END)
        if head >= 0:
            if not received.startswith(b"HTTP/1.1 200 "):
                raise SystemExit(received.decode())
            at = received.lower().index(b"content-length:", 0, head)
            length = int(received[at + 15 : received.index(b"\r\n", at)])
            if len(received) == head + len(END) + length:
                self.count += 1
                self.received = b""
                if time.monotonic() < self.until:
                    self.transport.write(self.request)
                else:
                    self.transport.close()
                return
        self.received = received

    def connection_lost(self, exc):  # noqa: ARG002
        self.ended.set()


async def main(host: str, port: int, path: str, key: str, connections: int, seconds: float) -> None:
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {key}\r\n"
        "Accept: */*\r\nUser-Agent: bench\r\n\r\n"
    ).encode()
    until = time.monotonic() + seconds
    asking = [Asking(request, until, asyncio.Event()) for _ in range(connections)]
    for one in asking:
        await asyncio.get_running_loop().create_connection(lambda one=one: one, host, port)
    for one in asking:
        await one.ended.wait()
    print(sum(one.count for one in asking), flush=True)


if __name__ == "__main__":
    host, port, path, key, connections, seconds = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(main(host, int(port), path, key, int(connections), float(seconds)))
