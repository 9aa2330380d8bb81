"""A receiver in a process of its own: POSTs are taken and timed, GET tells and forgets them.

Prints its URL. Each POST of a detected match is told as its block's height and the second at which
its first bytes were read, of the monotonic clock, which all processes of a machine share.
"""

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvloop
from aiohttp import web

_HEIGHT = re.compile(rb'\{"type":"match\.detected".*?"block":\{"number":(\d+)', re.DOTALL)


@asynccontextmanager
async def receiver() -> AsyncIterator[str]:
    """Run one; yields its URL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.receiver", stdout=asyncio.subprocess.PIPE
    )
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.wait()


class Timed(web.RequestHandler):
    """Notes when the first bytes of a request came. One request after another."""

    arrived = 0.0

    def data_received(self, data: bytes) -> None:
        """Take some bytes."""
        self.arrived = self.arrived or time.monotonic()
        super().data_received(data)


async def main() -> None:
    taken: list[tuple[int, float]] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        body = await request.read()
        at, request.protocol.arrived = request.protocol.arrived, 0.0
        if request.method == "GET":
            told = list(taken)
            taken.clear()
            return web.json_response(told)
        if height := _HEIGHT.match(body):
            taken.append((int(height[1]), at))
        return web.Response(status=204)

    server = web.Server(answer)
    listening = await asyncio.get_running_loop().create_server(
        lambda: Timed(server, loop=asyncio.get_running_loop(), access_log=None), "127.0.0.1", 0
    )
    print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
