"""JSON-RPC 2.0 around the methods: requests, batches, notifications, subscriptions."""

import asyncio
import secrets
from collections import Counter
from typing import Any

import msgspec
import structlog
from aiohttp import web

from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.chaos import Chaos
from crypitor.development.simulator.documents import Document
from crypitor.development.simulator.faults import Fault
from crypitor.development.simulator.methods import Answer, Methods
from crypitor.development.simulator.params import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    RpcError,
)

log = structlog.get_logger(__name__)

_LARGEST_BATCH = 1000
_SEND_SECONDS = 5.0


class Client:
    """A WebSocket connection and what it subscribed to.

    fresh: subscriptions whose id is not sent yet, so that no head overtakes it.
    """

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.subscriptions: set[str] = set()
        self.fresh: set[str] = set()

    def subscribe(self, kind: Any = None, *_: Any) -> str:
        """Return the id of a new subscription."""
        if kind != "newHeads":
            raise RpcError(INVALID_PARAMS, f"no {str(kind)[:80]!r} subscription, only newHeads")
        subscription = "0x" + secrets.token_hex(16)
        self.fresh.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Any = None, *_: Any) -> bool:
        """Return True; an id that is not known is an error, as with go-ethereum."""
        if subscription not in self.subscriptions | self.fresh:
            raise RpcError(INVALID_PARAMS, "subscription not found")
        self.subscriptions.discard(subscription)
        self.fresh.discard(subscription)
        return True

    async def send(self, answer: bytes) -> None:
        """Send an answer; subscriptions that it tells of begin."""
        await self.socket.send_str(answer.decode())
        self.subscriptions |= self.fresh
        self.fresh.clear()

    async def tell(self, head: Document) -> None:
        """Send a head to each subscription; a client that does not read is cut off."""
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                for subscription in sorted(self.subscriptions):
                    await self.socket.send_str(_notification(subscription, head))
        except (TimeoutError, ConnectionError):
            log.info("subscriber does not read, closing")
            await self.socket.close()


class Envelope:
    """Answers bytes with bytes.

    requests: how often each method was asked for.
    """

    def __init__(self, chain: SimulatedChain, chaos: Chaos) -> None:
        self._chain = chain
        self._chaos = chaos
        self._methods = Methods(chain)
        self.requests: Counter[str] = Counter()

    def answer(
        self, body: bytes, client: Client | None, faults: frozenset[Fault] = frozenset()
    ) -> bytes:
        """Return the answer to one request or a batch; empty if it has notifications only."""
        try:
            request = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _failure(None, RpcError(PARSE_ERROR, "parse error"))
        if request == []:
            return _failure(None, RpcError(INVALID_REQUEST, "empty batch"))
        requests = request if isinstance(request, list) else [request]
        if len(requests) > _LARGEST_BATCH:
            return _failure(None, RpcError(INVALID_REQUEST, "batch too large"))
        methods = self._methods
        if faults:
            methods = methods.seeing(self._chaos.view(faults, self._chain))
        pairs = [(each, self._answer_one(each, client, methods)) for each in requests]
        answers = self._told(faults, [(asked, told) for asked, told in pairs if told])
        if not isinstance(request, list):
            return answers[0] if answers else b""
        return b"[" + b",".join(answers) + b"]" if answers else b""

    def _told(self, faults: frozenset[Fault], pairs: list[tuple[Any, bytes]]) -> list[bytes]:
        """Return the answers as the node tells them."""
        if not faults:
            return [told for _, told in pairs]
        requests = [asked if isinstance(asked, dict) else {"method": ""} for asked, _ in pairs]
        answers = [msgspec.json.decode(told) for _, told in pairs]
        changed = self._chaos.answers(faults, requests, answers, self._chain)
        return [msgspec.json.encode(each) for each in changed]

    def _answer_one(self, request: Any, client: Client | None, methods: Methods) -> bytes:
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return _failure(None, RpcError(INVALID_REQUEST, "invalid request"))
        identity = request.get("id")
        try:
            result = self._result(request["method"], request.get("params"), client, methods)
        except RpcError as error:
            answer = _failure(identity, error)
        else:
            answer = msgspec.json.encode({"jsonrpc": "2.0", "id": identity, "result": result})
        return answer if "id" in request else b""

    def _result(self, method: str, params: Any, client: Client | None, methods: Methods) -> Answer:
        params = [] if params is None else params
        if not isinstance(params, list):
            raise RpcError(INVALID_PARAMS, "non-array args")
        self.requests[method if method.isidentifier() else "?"] += 1
        if method in ("eth_subscribe", "eth_unsubscribe"):
            if client is None:
                raise RpcError(METHOD_NOT_FOUND, "notifications not supported")
            subscribe = method == "eth_subscribe"
            return client.subscribe(*params) if subscribe else client.unsubscribe(*params)
        return methods.answer(method, params)


def _notification(subscription: str, head: Document) -> str:
    params = {"subscription": subscription, "result": head}
    message = {"jsonrpc": "2.0", "method": "eth_subscription", "params": params}
    return msgspec.json.encode(message).decode()


def _failure(identity: Any, error: RpcError) -> bytes:
    answer: Document = {"code": error.code, "message": error.message}
    if error.data is not None:
        answer["data"] = error.data
    return msgspec.json.encode({"jsonrpc": "2.0", "id": identity, "error": answer})
