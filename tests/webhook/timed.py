"""A healthy receiver in a process of its own, which notes when each webhook arrives.

Prints its URL; GET tells `[id, seconds of the monotonic clock]` of all that came since the last.
"""

import asyncio
import time

from aiohttp import web


async def main() -> None:
    """Serve until killed."""
    came: list[tuple[str, float]] = []

    async def take(request: web.Request) -> web.Response:
        came.append((request.headers["webhook-id"], time.monotonic()))
        await request.read()
        return web.Response()

    async def tell(_: web.Request) -> web.Response:
        told = [*came]
        came.clear()
        return web.json_response(told)

    application = web.Application()
    application.router.add_post("/", take)
    application.router.add_get("/", tell)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f'"http://127.0.0.1:{runner.addresses[0][1]}/"', flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
