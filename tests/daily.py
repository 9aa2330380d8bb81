"""A chain of Ethereum's size that grows for a day, block by block, and its node over WebSocket."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import WSMsgType, web

from bench import inputs
from bench.inputs import Served, renamed
from bench.path import Memory

BLOCK_SECONDS = 12
KEPT = 200
"""Blocks below the head: older ones are forgotten, as by a pruned node."""

MOST_AHEAD = 4
"""Blocks that the node may have before the service has asked for them: then it waits."""

_BEHIND = {"latest": 0, "safe": 32, "finalized": 64}


class Day(Memory):
    """Blocks 12 s apart by their time stamps, with new contents for each of forty heights.

    share: of the transfers, of which about 400 are in a block, that go to the first thousand of
    `inputs.watched_addresses`. began: unix seconds of block 0. had: at which second of the
    monotonic clock each height was there at first.
    """

    def __init__(self, share: float, began: int) -> None:
        self._contents = inputs.chain(inputs.MAINNET, inputs.CONTENTS, share)[1:]
        super().__init__([])
        self._began = began
        self._canonical: dict[int, Served] = {}
        self.had: dict[int, float] = {}
        self.asked = 0
        self.sockets: set[web.WebSocketResponse] = set()
        self.number = -1
        self.replaced: list[int] = []
        self._add(0, "0x" + "00" * 32)

    def content_of(self, number: int) -> int:
        """Which contents a height has."""
        return number % len(self._contents)

    async def mine(self) -> None:
        """Let a block come, and tell who listens."""
        await self._announce(self._add(self.number + 1, self._canonical[self.number].hash))

    async def replace(self) -> None:
        """Put another block in the place of the newest one."""
        number = self.number
        self.replaced.append(number)
        parent = self._canonical[number - 1].hash
        await self._announce(self._add(number, parent, self.content_of(number + 1)))

    def _add(self, number: int, parent: str, content: int | None = None) -> Served:
        place = self.content_of(number) if content is None else content
        at = self._began + BLOCK_SECONDS * number
        block = renamed(self._contents[place], number, parent, at)
        self._canonical[number] = self._by_hash[block.hash] = block
        self.had.setdefault(number, time.monotonic())
        self.number = number
        self._canonical.pop(number - KEPT, None)
        for old in [*self._by_hash][: -KEPT - 1]:
            del self._by_hash[old]
        return block

    async def _announce(self, block: Served) -> None:
        news = (
            b'{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1",'
            b'"result":%b}}' % block.head
        )
        for socket in [*self.sockets]:
            await socket.send_frame(news, WSMsgType.TEXT)

    def _result(self, asked) -> bytes:
        if asked.method == "eth_chainId":
            return b'"0x1"'
        if not asked.method.startswith("eth_getBlock"):
            return super()._result(asked)
        place = asked.params[0]
        if place in self._by_hash:
            block = self._by_hash[place]
        else:
            behind = _BEHIND.get(place)
            at = int(place, 16) if behind is None else max(0, self.number - behind)
            block = self._canonical.get(at)
        if block is None:
            return b"null"
        if asked.method == "eth_getBlockReceipts":
            return block.receipts
        if asked.params[1]:
            self.asked = max(self.asked, block.number)
        return block.block if asked.params[1] else block.head

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a connection."""
        socket = web.WebSocketResponse(max_msg_size=1 << 26, compress=False)
        await socket.prepare(request)
        try:
            async for message in socket:
                body = message.data if isinstance(message.data, bytes) else message.data.encode()
                if b'"eth_subscribe"' in body:
                    self.sockets.add(socket)
                await socket.send_frame(self.answer(body), WSMsgType.TEXT)
        finally:
            self.sockets.discard(socket)
        return socket


@asynccontextmanager
async def node_of(day: Day) -> AsyncIterator[str]:
    """Serve a chain; yields the URL of its node."""
    application = web.Application()
    application.router.add_get("/", day.serve)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def pass_by(day: Day, blocks: int, seconds: float) -> float:
    """Let blocks come, one each so many seconds; returns how long the node had to wait with them.

    It waits where it is MOST_AHEAD of what it was asked for: on a chain that has twelve seconds for
    each block that would not happen.
    """
    due, waited = time.monotonic(), 0.0
    for _ in range(blocks):
        due = max(due + seconds, time.monotonic())
        await asyncio.sleep(due - time.monotonic())
        began = time.monotonic()
        while day.number - day.asked >= MOST_AHEAD:
            await asyncio.sleep(0.02)  # the next look at what another process has asked
        waited += time.monotonic() - began
        await day.mine()
    return waited
