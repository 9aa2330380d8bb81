"""Recorded blocks as one linked chain over JSON-RPC, by a server that shares no code with the product.

Blocks are renumbered 0, 1, 2 … in the order of their heights. Their hashes stay what they were on the
real chain; `parentHash` is that of the block before, and blocks, transactions, receipts and logs say
the new height. `receiptsRoot` and `logsBloom` stay true, because neither covers the height.
"""

import copy
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import WSMsgType, web

from tests import recorded

DEPTHS = {"latest": 0, "pending": 0, "safe": 32, "finalized": 64}
REVERTED = (3, "execution reverted")


class Refused(Exception):
    """A JSON-RPC error: its code and its message."""


def empty_logs(receipts: list[dict]) -> None:
    """Leave out all logs."""
    for receipt in receipts:
        receipt["logs"] = []


def drop_log(receipts: list[dict]) -> None:
    """Leave out one log in the middle."""
    holders = [receipt for receipt in receipts if receipt["logs"]]
    holders[len(holders) // 2]["logs"].pop()


def cut_last_tx(receipts: list[dict]) -> None:
    """Leave out the logs of the last transaction that has any."""
    [receipt for receipt in receipts if receipt["logs"]][-1]["logs"] = []


class Replayed:
    """A chain of recorded blocks, all of which are there.

    losing: height → how the receipts of the next answers about this block are spoilt, one each.
    lost: how often that was done.
    """

    def __init__(self, chain_id: int) -> None:
        self.documents = recorded.documents(chain_id)
        self.losing: dict[int, list[Callable[[list[dict]], None]]] = {}
        self.lost = Counter()
        self._chain_id = chain_id
        self._hashes = [document["block"]["hash"] for document in self.documents]
        for number in range(len(self.documents)):
            self._renumber(number)

    @property
    def head(self) -> int:
        return len(self.documents) - 1

    def hash_at(self, number: int) -> str:
        return self._hashes[number]

    def one_with_logs(self) -> int:
        """The height of a block that has logs, in the middle of the chain."""
        return next(
            number
            for number in range(self.head // 2, self.head)
            if any(receipt["logs"] for receipt in self.documents[number]["receipts"])
        )

    def _renumber(self, number: int) -> None:
        document = self.documents[number]
        block = document["block"]
        parent = self._hashes[number - 1] if number else "0x" + "00" * 32
        block.update(number=hex(number), parentHash=parent)
        logs = [log for receipt in document["receipts"] for log in receipt["logs"]]
        for part in (*block["transactions"], *document["receipts"], *logs):
            part["blockNumber"] = hex(number)
        for receipt in document["receipts"]:
            for log in receipt["logs"]:
                log.update(transactionHash=receipt["transactionHash"], removed=False)

    def call(self, method: str, params: list) -> object:
        """Return the result of a call. Raises Refused."""
        match method:
            case "eth_chainId":
                return hex(self._chain_id)
            case "eth_blockNumber":
                return hex(self.head)
            case "eth_getBlockByNumber" | "eth_getBlockByHash":
                number = self._number(params[0])
                return None if number is None else self._block(number, whole=params[1])
            case "eth_getBlockReceipts":
                number = self._number(params[0])
                return None if number is None else self._receipts(number)
            case "eth_call":
                raise Refused(*REVERTED)
        raise Refused(-32601, f"the method {method} does not exist")

    def _number(self, named: str) -> int | None:
        if named in DEPTHS:
            return max(0, self.head - DEPTHS[named])
        if named in self._hashes:
            return self._hashes.index(named)
        number = int(named, 16)
        return number if number <= self.head else None

    def _block(self, number: int, *, whole: bool) -> dict:
        block = self.documents[number]["block"]
        hashes = [transaction["hash"] for transaction in block["transactions"]]
        return block if whole else {**block, "transactions": hashes}

    def _receipts(self, number: int) -> list[dict]:
        receipts = self.documents[number]["receipts"]
        if spoil := self.losing.get(number):
            receipts = copy.deepcopy(receipts)
            lose = spoil.pop(0)
            lose(receipts)
            self.lost[lose] += 1
        return receipts

    def answer(self, text: str | bytes) -> str:
        """Answer a request or a batch of them."""
        asked = json.loads(text)
        answers = [self._answered(one) for one in (asked if isinstance(asked, list) else [asked])]
        return json.dumps(answers if isinstance(asked, list) else answers[0])

    def _answered(self, asked: dict) -> dict:
        about = {"jsonrpc": "2.0", "id": asked["id"]}
        try:
            # Nobody is ever told of a head: all blocks are there.
            subscribes = asked["method"] == "eth_subscribe"
            result = "0x1" if subscribes else self.call(asked["method"], asked["params"])
        except Refused as refused:
            code, message = refused.args
            return {**about, "error": {"code": code, "message": message}}
        return {**about, "result": result}


@asynccontextmanager
async def served(chain: Replayed) -> AsyncIterator[str]:
    """Serve a chain over HTTP and WebSocket; the address without its scheme."""

    async def take(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.Response(
                text=chain.answer(await request.read()), content_type="application/json"
            )
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(chain.answer(message.data))
        return socket

    application = web.Application(client_max_size=64 << 20)
    application.router.add_route("*", "/", take)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
