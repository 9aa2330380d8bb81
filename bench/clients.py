"""API clients in a process of their own: COUNT URL KEY [writing]; each asks again when answered.

Those that write make a monitor, add addresses to it, change it and delete it.

Prints, when its input ends, how many requests there were.
"""

import asyncio
import sys
from itertools import cycle

import aiohttp

PATHS = ("/v1/matches?limit=20", "/v1/monitors", "/v1/networks", "/v1/deliveries?limit=20")
PAUSE_SECONDS = 0.05


ADDRESSES = 20


async def main(count: int, url: str, key: str, *, writing: bool) -> None:
    requests = 0

    async def write(session: aiohttp.ClientSession, number: int) -> None:
        nonlocal requests
        listed = [f"0x{number:020x}{at:020x}" for at in range(ADDRESSES)]
        while True:
            async with session.post("/v1/monitors", json={"networks": ["live"]}) as answer:
                assert answer.status == 201, await answer.text()
                at = f"/v1/monitors/{(await answer.json())['id']}"
            for method, path, body in (
                ("POST", f"{at}/addresses", {"addresses": listed}),
                ("PATCH", at, {"name": "changed"}),
                ("DELETE", at, None),
            ):
                async with session.request(method, path, json=body) as answer:
                    assert answer.status == 200, await answer.text()
                    await answer.read()
            requests += 4
            await asyncio.sleep(PAUSE_SECONDS)

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
        asking = [
            asyncio.create_task(write(session, one) if writing else ask(session, cycle(PATHS)))
            for one in range(count)
        ]
        ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
        await asyncio.wait([ended, *asking], return_when=asyncio.FIRST_COMPLETED)
        for one in asking:
            one.cancel()
    print(requests, flush=True)


if __name__ == "__main__":
    count, url, key, *more = sys.argv[1:]
    asyncio.run(main(int(count), url, key, writing=more == ["writing"]))
