"""A bare aiohttp answer, in a process of its own: what no service on aiohttp can be quicker than.

`python -m bench.bare PATH BYTES`: one route with one part, so many bytes; prints its URL.
"""

import asyncio
import sys

import uvloop
from aiohttp import web


async def main(path: str, size: int) -> None:
    body = b"{" + b" " * (size - 2) + b"}"

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    application = web.Application()
    application.router.add_get(path, answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(main(sys.argv[1], int(sys.argv[2])))
