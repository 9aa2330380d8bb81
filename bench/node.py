"""A node in a process of its own that has a new block at fixed times, and announces it.

`python -m bench.node TRANSACTIONS LOGS SHARE SECONDS BLOCKS`: prints its WebSocket URL. GET tells
at what second of the monotonic clock, which all processes of a machine share, it had each block.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvloop
from aiohttp import WSMsgType, web

from bench import inputs
from bench.path import Memory

BLOCKS = 400
CONTENTS = 20


@asynccontextmanager
async def node(
    shape: inputs.Shape, share: float, seconds: float, blocks: int = BLOCKS
) -> AsyncIterator[str]:
    """Run one; yields its URL, without the scheme."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.node",
        *map(str, (shape.transactions, shape.logs, share, seconds, blocks)),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.wait()


class Growing:
    """The chain as far as it is, and who wants to hear of it."""

    def __init__(self, blocks: list[inputs.Served]) -> None:
        self._coming = blocks[2:]
        self.shown = blocks[:2]
        self.had: dict[int, float] = {}
        self.sockets: set[web.WebSocketResponse] = set()
        self.memory = Memory(self.shown)

    async def grow(self, seconds: float) -> None:
        due = time.monotonic()
        for block in self._coming:
            due += seconds
            await asyncio.sleep(due - time.monotonic())
            news = (
                b'{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1",'
                b'"result":%b}}' % block.head
            )
            self.shown.append(block)
            self.had[block.number] = time.monotonic()
            for socket in [*self.sockets]:
                await socket.send_frame(news, WSMsgType.TEXT)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.json_response(self.had)
        socket = web.WebSocketResponse(max_msg_size=1 << 26, compress=False)
        await socket.prepare(request)
        async for message in socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                continue
            body = message.data if isinstance(message.data, bytes) else message.data.encode()
            if b'"eth_subscribe"' in body:
                self.sockets.add(socket)
            await socket.send_frame(self.memory.answer(body), WSMsgType.TEXT)
        self.sockets.discard(socket)
        return socket


async def main(transactions: int, logs: int, share: float, seconds: float, blocks: int) -> None:
    shape = inputs.Shape("live", transactions, logs)
    growing = Growing(inputs.chain(shape, blocks, share, contents=CONTENTS))
    application = web.Application()
    application.router.add_get("/", growing.serve)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await growing.grow(seconds)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        transactions, logs, share, seconds, blocks = sys.argv[1:]
        runner.run(main(int(transactions), int(logs), float(share), float(seconds), int(blocks)))
