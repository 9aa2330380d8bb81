"""A simulated chain as a server: JSON-RPC over HTTP and WebSocket on `/`, control under `/_/`."""

import asyncio
import dataclasses
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

import msgspec
import structlog
from aiohttp import WSMsgType, web

from crypitor.development.simulator import mining
from crypitor.development.simulator.blocks import SimulatedBlock
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.chaos import Chaos
from crypitor.development.simulator.documents import Document, header_document
from crypitor.development.simulator.envelope import Client, Envelope
from crypitor.development.simulator.faults import MEANING, Fault
from crypitor.development.simulator.params import is_hash
from crypitor.development.simulator.replies import Replies
from crypitor.runtime.listening import listening

log = structlog.get_logger(__name__)

_LARGEST_REQUEST_BYTES = 4 * 2**20
_SHUTDOWN_SECONDS = 1.0
_MOST_BLOCKS_AT_ONCE = 10_000


class SimulatorServer:
    """Serves a chain while its context is open.

    port: 0 takes a free one. Control: POST /_/mine {"count"}, POST /_/reorg {"depth", "length"} or
    {"back_to": "0x…"}, POST /_/chaos {"NAME": rate}, GET /_/chaos, GET /_/truth?block=0x…,
    GET /_/stats. There is no access control: bind it to a loopback address.
    chaos: how this node fails and lies; several nodes may serve one chain. Control is never hurt.
    """

    def __init__(
        self,
        chain: SimulatedChain,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        chaos: Chaos | None = None,
    ) -> None:
        self.chain = chain
        self.chaos = chaos or Chaos(chain.seed)
        self._host = host
        self._port = port
        self._envelope = Envelope(chain, self.chaos)
        self._closing = asyncio.Event()
        self._replies = Replies(self.chaos, self._closing)
        self._clients: set[Client] = set()
        self._announced = chain.head
        self._serving = AsyncExitStack()
        self.url = ""
        """Where JSON-RPC is served over HTTP, once it is."""

    async def __aenter__(self) -> Self:
        site = listening(
            self._application(),
            self._host,
            self._port,
            shutdown_seconds=_SHUTDOWN_SECONDS,
            access_log=None,
        )
        self.url = await self._serving.enter_async_context(site)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._serving.aclose()

    @property
    def ws_url(self) -> str:
        """Where JSON-RPC is served over WebSocket."""
        return self.url.replace("http", "ws", 1)

    async def announce(self) -> None:
        """Send newHeads for every canonical block that is new since the last call, oldest first."""
        old, head = self._announced, self.chain.head
        while self.chain.by_number(old.number) is not old:
            parent = self.chain.by_hash(old.parent_hash)
            if parent is None:
                break
            old = parent
        self._announced = head
        for number in range(old.number + 1, head.number + 1):
            block = self.chain.by_number(number)
            if block is not None:
                await self._tell(header_document(block))

    async def _tell(self, head: Document) -> None:
        if Fault.LOST_HEADS in self.chaos.draw():
            self.chaos.happened(Fault.LOST_HEADS)
            return
        async with asyncio.TaskGroup() as tasks:
            for client in self._clients:
                tasks.create_task(client.tell(head))

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=_LARGEST_REQUEST_BYTES)
        application.add_routes(
            [
                web.post("/", self._post),
                web.get("/", self._socket),
                web.post("/_/mine", self._mine),
                web.post("/_/reorg", self._reorg),
                web.post("/_/chaos", self._switch_chaos),
                web.get("/_/chaos", self._chaos),
                web.get("/_/truth", self._truth),
                web.get("/_/stats", self._stats),
            ]
        )
        application.on_shutdown.append(self._hang_up)
        return application

    async def _hang_up(self, _: web.Application) -> None:
        self._closing.set()
        for client in set(self._clients):
            await client.socket.close()

    # JSON-RPC

    async def _post(self, request: web.Request) -> web.Response:
        faults = self.chaos.draw()
        answer = self._envelope.answer(await request.read(), None, faults)
        return await self._replies.over_http(request, answer, faults)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=_LARGEST_REQUEST_BYTES, compress=False)
        if not socket.can_prepare(request):
            return web.Response(text="JSON-RPC: POST it, or open a WebSocket.\n", status=405)
        await socket.prepare(request)
        client = Client(socket)
        self._clients.add(client)
        try:
            async for message in socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    body = message.data.encode() if isinstance(message.data, str) else message.data
                    faults = self.chaos.draw()
                    answer = self._envelope.answer(body, client, faults)
                    if faults:
                        answer = await self._replies.over_socket(socket, answer, faults)
                    if answer:
                        await client.send(answer)
        except ConnectionError:
            log.debug("client hung up")
        finally:
            self._clients.discard(client)
        return socket

    # Control

    async def _mine(self, request: web.Request) -> web.Response:
        count = _whole_number(await _json(request), "count", 1)
        if count is None or count > _MOST_BLOCKS_AT_ONCE:
            raise _bad_request(f"count is at most {_MOST_BLOCKS_AT_ONCE}")
        await mining.mine(self.chain, self, count)
        return self._head()

    async def _reorg(self, request: web.Request) -> web.Response:
        body = await _json(request)
        if "back_to" in body:
            return await self._go_back(body["back_to"])
        depth, length = _whole_number(body, "depth", 1), _whole_number(body, "length", None)
        if (length or 0) > _MOST_BLOCKS_AT_ONCE:
            raise _bad_request(f"length is at most {_MOST_BLOCKS_AT_ONCE}")
        if depth is None or depth > self.chain.deepest_reorg:
            raise _bad_request(f"depth is at most {self.chain.deepest_reorg}")
        await mining.reorg(self.chain, self, depth, length)
        return self._head()

    async def _go_back(self, block_hash: Any) -> web.Response:
        try:
            self.chain.go_back(str(block_hash).lower())
        except ValueError as wrong:
            raise _bad_request(str(wrong)) from wrong
        await self.announce()
        return self._head()

    async def _switch_chaos(self, request: web.Request) -> web.Response:
        body = await _json(request)
        wrong = [name for name, rate in body.items() if name not in MEANING or not _is_rate(rate)]
        if wrong:
            raise _bad_request(f"not a fault with a rate of 0 to 1: {', '.join(wrong)}")
        self.chaos.switch({Fault(name): rate for name, rate in body.items()})
        return await self._chaos(request)

    async def _chaos(self, _: web.Request) -> web.Response:
        rates, fired = self.chaos.rates, self.chaos.fired
        return _response(
            {
                fault: {"rate": rates.get(fault, 0), "fired": fired[fault], "meaning": meaning}
                for fault, meaning in MEANING.items()
            }
        )

    def _head(self) -> web.Response:
        head = self.chain.head
        return _response({"number": head.number, "hash": head.hash})

    async def _truth(self, request: web.Request) -> web.Response:
        """Amounts and token ids are decimal text: JSON numbers lose them in most languages."""
        block = self._block(request.query.get("block", ""))
        if block is None:
            raise web.HTTPNotFound(text="no such block\n")
        happened = [
            {
                **dataclasses.asdict(each),
                "amount": str(each.amount),
                "token_id": None if each.token_id is None else str(each.token_id),
            }
            for each in block.truth
        ]
        document = {"number": block.number, "hash": block.hash, "parent_hash": block.parent_hash}
        return _response({**document, "happened": happened})

    async def _stats(self, _: web.Request) -> web.Response:
        return _response(
            {
                "chain_id": self.chain.chain_id,
                "head": self.chain.head.number,
                "reorgs": self.chain.reorg_count,
                "subscriptions": sum(len(client.subscriptions) for client in self._clients),
                "requests": dict(self._envelope.requests),
            }
        )

    def _block(self, reference: str) -> SimulatedBlock | None:
        """A block by hash or decimal number."""
        if is_hash(reference):
            return self.chain.by_hash(reference.lower())
        return self.chain.by_number(int(reference)) if reference.isdecimal() else None


def _response(document: Document) -> web.Response:
    return web.Response(body=msgspec.json.encode(document), content_type="application/json")


def _bad_request(reason: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=reason + "\n")


async def _json(request: web.Request) -> Document:
    """Return the body, an object; none at all is an empty one."""
    body = await request.read()
    try:
        return msgspec.json.decode(body or b"{}", type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise _bad_request(f"not a JSON object: {wrong}") from wrong


def _is_rate(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _whole_number(body: Document, name: str, otherwise: int | None) -> int | None:
    value = body.get(name, otherwise)
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _bad_request(f"{name} is a whole number, 0 or more")
    return value
