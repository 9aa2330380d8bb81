"""A node of several chains in a process of its own; all show only two blocks until told to open.

`python -m bench.chains BLOCKS CHAIN_ID…`: prints its port. `/CHAIN_ID` is the node of a chain; GET
of `/open` shows all that there is of each, GET of `/close` two blocks again, and GET of `/told`
says how many requests came and how many bytes their answers had.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
import uvloop
from aiohttp import web

from bench import inputs
from bench.path import Memory

SHOWN = 2


@asynccontextmanager
async def chains(blocks: int, chain_ids: Sequence[int]) -> AsyncIterator[str]:
    """Run one; yields its URL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.chains", *map(str, (blocks, *chain_ids)),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}"
    finally:
        process.kill()
        await process.wait()


class Chain(Memory):
    """A chain with an id of its own, of which not all is shown."""

    def __init__(self, chain_id: int, blocks: list[inputs.Served]) -> None:
        super().__init__(blocks)
        self._whole = blocks
        self._chain_id = msgspec.json.encode(hex(chain_id))
        self.show(SHOWN)

    def show(self, count: int | None) -> None:
        self._blocks = self._whole[:count]

    def _result(self, asked) -> bytes:
        return self._chain_id if asked.method == "eth_chainId" else super()._result(asked)


async def main(length: int, chain_ids: Sequence[int]) -> None:
    nodes = {
        str(chain_id): Chain(chain_id, inputs.chain(inputs.MAINNET, length, turned=place))
        for place, chain_id in enumerate(chain_ids)
    }

    told = {"requests": 0, "bytes": 0}

    async def answer(request: web.Request) -> web.Response:
        body = nodes[request.match_info["chain"]].answer(await request.read())
        told["requests"] += 1
        told["bytes"] += len(body)
        return web.Response(body=body, content_type="application/json")

    async def show(request: web.Request) -> web.Response:
        for node in nodes.values():
            node.show(None if request.path == "/open" else SHOWN)
        return web.Response(status=204)

    async def tell(_: web.Request) -> web.Response:
        return web.json_response(told)

    application = web.Application()
    application.router.add_get("/told", tell)
    application.router.add_post("/{chain}", answer)
    application.router.add_get("/open", show)
    application.router.add_get("/close", show)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), [int(word) for word in sys.argv[2:]]))
