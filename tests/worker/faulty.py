"""A node with faults: passes requests on to a healthy one and changes what comes back."""

import asyncio
import json
from collections.abc import Callable

import aiohttp
from aiohttp import web


class FaultyNode:
    """An HTTP endpoint before another one; `async with` starts and stops it.

    reply: takes the place of every answer.  alter: changes the list of answers, given the list of
    requests.  posts: the methods of each request that came.
    """

    def __init__(self, upstream: str, port: int = 0) -> None:
        self.reply: Callable[[], web.Response] | None = None
        self.alter: Callable[[list[dict], list[dict]], object] | None = None
        self.posts: list[list[str]] = []
        self.hanging = False
        self._released = asyncio.Event()
        self._upstream = upstream
        self._port = port
        self._runner: web.AppRunner | None = None

    async def __aenter__(self):
        self._session = aiohttp.ClientSession()
        await self.start()
        return self

    async def __aexit__(self, *_):
        self._released.set()
        await self.stop()
        await self._session.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/a-secret-key"

    async def start(self) -> None:
        """Serve, on the same port as before."""
        application = web.Application(client_max_size=64 << 20)
        application.router.add_post("/{key}", self._post)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Be gone."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def heal(self) -> None:
        """Be healthy from now on."""
        self.reply = self.alter = None
        self.hanging = False
        self._released.set()

    async def _post(self, request: web.Request) -> web.Response:
        document = json.loads(await request.read())
        asked = document if isinstance(document, list) else [document]
        self.posts.append([one["method"] for one in asked])
        if self.hanging:
            await self._released.wait()
        if self.reply is not None:
            return self.reply()
        answers = await self._ask(asked)
        if self.alter is not None:
            changed = self.alter(asked, answers)
            answers = answers if changed is None else changed
        body = (
            answers if isinstance(document, list) or not isinstance(answers, list) else answers[0]
        )
        return web.json_response(body)

    async def _ask(self, asked: list[dict]) -> list[dict]:
        async with self._session.post(self._upstream, json=asked) as response:
            return await response.json()


class Upstream(FaultyNode):
    """A node behind a load balancer, which may begin to send requests to another one.

    url_of_answers: whom it passes requests on to.
    """

    @property
    def url_of_answers(self) -> str:
        return self._upstream

    @url_of_answers.setter
    def url_of_answers(self, url: str) -> None:
        self._upstream = url


def altered(method: str, change: Callable[[dict, dict], None]):
    """An `alter` that changes the answers to one method in place."""

    def alter(asked, answers):
        for request, answer in zip(asked, answers, strict=True):
            if request["method"] == method:
                change(request, answer)

    return alter


def without(method: str):
    """An `alter` of a node that does not know a method."""

    def change(request, answer):
        answer.pop("result", None)
        answer["error"] = {"code": -32601, "message": f"the method {method} does not exist"}

    return altered(method, change)


def unprovable(*numbers: int):
    """An `alter` of a node whose receipts, asked for in whichever way, say something untrue.

    numbers: of these blocks only; of all where there are none.
    """

    def alter(asked, answers):
        for answer in answers:
            told = answer.get("result")
            for receipt in told if isinstance(told, list) else [told]:
                if not isinstance(receipt, dict) or "cumulativeGasUsed" not in receipt:
                    continue
                if not numbers or int(receipt["blockNumber"], 16) in numbers:
                    receipt["cumulativeGasUsed"] = "0x1"

    return alter
