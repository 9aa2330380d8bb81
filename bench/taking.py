"""A receiver in a process of its own: answers every POST with 204; prints its port."""

import asyncio

import uvloop

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
END = b"\r\n\r\n"


class Taking(asyncio.Protocol):
    """Reads requests with a Content-Length by the least that this takes."""

    def connection_made(self, transport):
        self.transport, self.received = transport, b""

    def data_received(self, data):
        received = self.received + data
        while (head := received.find(END)) >= 0:
            at = received.lower().find(b"content-length:", 0, head)
            length = int(received[at + 15 : received.index(b"\r\n", at)])
            end = head + len(END) + length
            if len(received) < end:
                break
            received = received[end:]
            self.transport.write(ANSWER)
        self.received = received


async def main():
    server = await asyncio.get_running_loop().create_server(Taking, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
