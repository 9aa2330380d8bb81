"""A receiver in a process of its own: POSTs are taken and timed, GET tells and forgets them.

Prints its URL. Each POST of a detected match is told as its block's height and the seconds of the
monotonic clock, which all processes of a machine share.
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


async def main() -> None:
    taken: list[tuple[int, float]] = []

    async def take(request: web.Request) -> web.Response:
        at = time.monotonic()
        body = await request.read()
        if height := _HEIGHT.match(body):
            taken.append((int(height[1]), at))
        return web.Response(status=204)

    async def tell(_: web.Request) -> web.Response:
        told = list(taken)
        taken.clear()
        return web.json_response(told)

    application = web.Application(client_max_size=1 << 24)
    application.router.add_post("/", take)
    application.router.add_get("/", tell)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
