"""API clients in a process of their own: COUNT URL KEY; each asks again as soon as it is answered.

Prints, when its input ends, how many requests there were.
"""

import asyncio
import sys
from itertools import cycle

import aiohttp

PATHS = ("/v1/matches?limit=20", "/v1/monitors", "/v1/networks", "/v1/deliveries?limit=20")
PAUSE_SECONDS = 0.05


async def main(count: int, url: str, key: str) -> None:
    requests = 0

    async def ask(session: aiohttp.ClientSession, paths) -> None:
        nonlocal requests
        for path in paths:
            async with session.get(path) as answer:
                assert answer.status == 200, await answer.text()
                await answer.read()
            requests += 1
            await asyncio.sleep(PAUSE_SECONDS)

    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(url, headers=headers) as session:
        asking = [asyncio.create_task(ask(session, cycle(PATHS))) for _ in range(count)]
        ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
        await asyncio.wait([ended, *asking], return_when=asyncio.FIRST_COMPLETED)
        for one in asking:
            one.cancel()
    print(requests, flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
