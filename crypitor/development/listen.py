"""A receiver of webhooks for development: verifies each signature, and misbehaves on demand."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import msgspec
from aiohttp import web
from rich.text import Text
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from crypitor.runtime.listening import listening
from crypitor.runtime.terminal import visible

_LARGEST_BODY_BYTES = 4 << 20
_SHUTDOWN_SECONDS = 0.5
_FAILURE = 500
_READABLE_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a receiver answers.

    status: of the answer. delay_seconds: before it. fail: the first so many requests get 500.
    hang: no answer at all, until the receiver closes.
    """

    status: int = 204
    delay_seconds: float = 0.0
    fail: int = 0
    hang: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """One request.

    headers: names in lower case. verified: None when there was no secret to verify with.
    problem: why it was not verified. status: what it is answered. at: unix seconds.
    """

    path: str
    headers: dict[str, str]
    body: bytes
    verified: bool | None
    problem: str | None
    status: int
    at: float

    @property
    def id(self) -> str:
        """The `webhook-id`, "" when there is none."""
        return self.headers.get("webhook-id", "")


class Receiver:
    """Takes POSTs on every path while its context is open.

    secrets: asked at every request, so that they may come later; the signature has to be that of
    any one of them. told: hears of each request before it is answered. port: 0 takes a free one.
    keep: how many requests are remembered, None for all. behaviour: may be changed at any time.
    """

    def __init__(
        self,
        secrets: Callable[[], Sequence[str]],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        behaviour: Behaviour | None = None,
        told: Callable[[Received], None] | None = None,
        keep: int | None = None,
    ) -> None:
        self.behaviour = behaviour or Behaviour()
        self.received: list[Received] = []
        self.count = 0
        self._secrets = secrets
        self._host = host
        self._port = port
        self._told = told
        self._keep = keep
        self._changed = asyncio.Condition()
        self._closing = asyncio.Event()
        application = web.Application(client_max_size=_LARGEST_BODY_BYTES)
        application.router.add_post("/{path:.*}", self._take)
        self._application = application
        self._serving = AsyncExitStack()
        self.url = ""
        """Where it listens, once it does; any path behind it will do."""

    async def __aenter__(self) -> Self:
        site = listening(
            self._application,
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
        self._closing.set()
        await self._serving.aclose()

    async def until(self, enough: Callable[[Sequence[Received]], bool]) -> None:
        """Wait until what was received satisfies a condition."""
        async with self._changed:
            await self._changed.wait_for(lambda: enough(self.received))

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        behaviour = self.behaviour
        headers = {name.lower(): value for name, value in request.headers.items()}
        verified, problem = verify(self._secrets(), headers, body)
        failing = self.count < behaviour.fail
        status = _FAILURE if failing else behaviour.status
        await self._note(
            Received(request.path, headers, body, verified, problem, status, time.time())
        )
        if behaviour.hang:
            await self._closing.wait()
        elif behaviour.delay_seconds:
            await asyncio.sleep(behaviour.delay_seconds)
        return web.Response(status=status)

    async def _note(self, received: Received) -> None:
        async with self._changed:
            self.count += 1
            self.received.append(received)
            if self._keep is not None:
                del self.received[: max(len(self.received) - self._keep, 0)]
            self._changed.notify_all()
        if self._told:
            self._told(received)


def verify(
    secrets: Sequence[str], headers: dict[str, str], body: bytes
) -> tuple[bool | None, str | None]:
    """Check a signature with the library that receivers are told to use.

    Returns whether one of the secrets signed it (None without secrets), and why not.
    """
    problem = None
    for secret in secrets:
        try:
            Webhook(secret).verify(body, headers, json_parse=False)
        except (WebhookVerificationError, ValueError) as refused:
            problem = str(refused)
        else:
            return True, None
    return (False, problem) if secrets else (None, None)


def line(received: Received) -> Text:
    """Return one request as one line for people."""
    mark = {
        True: Text("✓ ", "green"),
        False: Text("✗ ", "bold red"),
        None: Text("? ", "yellow"),
    }[received.verified]
    clock = time.strftime("%H:%M:%S", time.localtime(received.at))
    text = Text.assemble((f"{clock} ", "dim"), mark, _story(received.body))
    if received.problem:
        text.append(f"  {visible(received.problem)}", "bold red")
    if not 200 <= received.status < 300:
        text.append(f"  answered {received.status}", "yellow")
    return text


def whole(received: Received) -> Text:
    """Return what came, JSON with a line for each member; nothing in it is taken for markup."""
    try:
        body = msgspec.json.format(received.body, indent=2)
    except msgspec.DecodeError:
        body = received.body
    text = body.decode(errors="replace")
    return Text(
        "".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in text)
    )


_PHASE_STYLES = {
    "match.detected": "cyan",
    "match.confirmed": "green",
    "match.ended": "blue",
    "match.reverted": "magenta",
}


def _story(body: bytes) -> Text:
    try:
        document = _visible(msgspec.json.decode(body))
    except msgspec.DecodeError:
        return Text(repr(body[:200]))
    kind = document.get("type") if isinstance(document, dict) else None
    if not isinstance(kind, str) or "eventId" in document:  # in the original's format
        return Text(visible(body[:200].decode(errors="replace")))
    told = Text(f"{kind:<16}", _PHASE_STYLES.get(kind, "bold"))
    match = document.get("data")
    if kind in _PHASE_STYLES and isinstance(match, dict):
        told.append_text(_match(match))
    return told


def _visible(value: Any) -> Any:
    """Return a document in which no text is more to a terminal than letters."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list):
        return [_visible(inner) for inner in value]
    if isinstance(value, dict):
        return {visible(name): _visible(inner) for name, inner in value.items()}
    return value


def _match(match: dict[str, Any]) -> Text:
    amount = match.get("amount_formatted") or _readable(match.get("amount"))
    contract = match.get("contract") or {}
    coin = contract.get("symbol") or short(contract.get("address") or "")
    token = f" #{short(match['token_id'])}" if match.get("token_id") is not None else ""
    way = "→" if match.get("direction") == "in" else "←"
    other = match.get("from_address") if way == "→" else match.get("to_address")
    watched = match.get("label") or short(match.get("address") or "")
    block = match.get("block") or {}
    monitor = match.get("monitor") or {}
    return Text.assemble(
        f" {match.get('network')} #{block.get('number')} ",
        (f"{match.get('kind'):<8}", "bold"),
        f"{amount} {coin}{token}  {short(other or '')} {way} {watched}  ",
        (f"{monitor.get('name', '')}", "dim"),
    )


def _readable(amount: str | None) -> str:
    """Return an amount in the smallest unit, roughly where it has too many digits to be read."""
    if not amount or len(amount) <= _READABLE_DIGITS or not amount.isdecimal():
        return amount or ""
    return f"≈{int(amount):.3g}"


def short(address: str) -> str:
    """Return the two ends of an address or id, enough to tell it from others."""
    return address if len(address) <= 13 else f"{address[:6]}…{address[-4:]}"
