"""Bytes to a node and back: over HTTP by aiohttp, over WebSocket by websockets.

These are the connections below web3's own providers, which add to them what is not used here and
takes 20 MB of memory (decision 151). The only module that imports web3: as the other client that
`crypitor network probe` compares with.
"""

import asyncio
import logging
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import aiohttp
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

import crypitor
from crypitor.errors import NodeUnavailable, words_of
from crypitor.worker import rpc
from crypitor.worker.batches import Refused

if TYPE_CHECKING:
    from web3 import AsyncWeb3
    from web3.types import BlockData

Answers: TypeAlias = rpc.Answer | list[rpc.Answer]

Read: TypeAlias = Callable[[], Answers]
"""Reads what was answered; raises NodeUnavailable where it cannot be read."""

MAX_MESSAGE_BYTES = 256 << 20
"""A block of 10,041 logs is 6.4 MB; the library's own limit, 1 MiB, closes the connection."""

PING_SECONDS = 10.0
"""Between pings, and for their answer."""

CLOSE_SECONDS = 1.0
HTTP_CONNECTIONS = 32
NEWS_KEPT = 64
LONGEST_RETRY_AFTER_SECONDS = 300.0

_REFUSALS = frozenset(range(400, 502)) - {401, 404, 407, 408}
"""HTTP statuses that may be meant for the number of calls in a request."""

_LARGE = 4096
"""Bytes from which on an answer is not read before it is its turn."""

_FIRST_ID = re.compile(rb'\[?\s*\{\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(\d{1,18})\s*,')
"""How most nodes begin an answer, or a batch of answers."""

_HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": f"Crypitor/{crypitor.__version__}",
}


class Transport(Protocol):
    """A way to one node. All methods raise NodeUnavailable, and none limits its own time."""

    async def connect(self) -> int:
        """Be connected; return a number that is another one after every new connection."""

    async def exchange(self, body: bytes, ids: range) -> Read:
        """Send a request whose calls have these ids; return what reads the answer to it."""

    def news(self) -> AsyncIterator[rpc.Answer]:
        """Yield what the subscriptions of the connection bring, until it is lost."""

    async def renew(self, connection: int) -> None:
        """Leave a connection that stays silent; `connect` makes a new one."""

    async def close(self) -> None:
        """End the connections."""


def open_transport(url: str) -> Transport:
    """Return the way to an `http(s)://` or `ws(s)://` node; nothing is connected yet."""
    return Socket(url) if url.startswith("ws") else Http(url)


async def hashes_by_web3(url: str, number: int) -> list[str]:
    """Return the hashes of a block and of its transactions, as web3 reads them by its own ways.

    Takes a second and 20 MB. Raises NodeUnavailable, also for what web3 does not read.
    """
    client = await asyncio.to_thread(_web3_at, url)
    try:
        if url.startswith("ws"):
            await client.provider.connect()
        block: BlockData = await client.eth.get_block(number, full_transactions=True)
    except Exception as error:  # of web3, of what it stands on, and of what a node may answer it
        raise NodeUnavailable(type(error).__name__) from error
    finally:
        await client.provider.disconnect()
    transactions = [one for one in block["transactions"] if not isinstance(one, bytes)]
    return [each["hash"].to_0x_hex() for each in (block, *transactions)]


def _web3_at(url: str) -> "AsyncWeb3[Any]":
    # py_ecc, which comes with web3, lets Python recurse 100,000 deep: JSON that is nested as deeply
    # would then overflow the C stack and end the process.
    usual = sys.getrecursionlimit()
    try:
        from web3 import AsyncHTTPProvider, AsyncWeb3, WebSocketProvider  # noqa: PLC0415
    finally:
        sys.setrecursionlimit(usual)
    # It logs the whole URL at each connection, and the URLs of nodes carry keys.
    logging.getLogger("web3.providers").setLevel(logging.WARNING)
    provider = WebSocketProvider if url.startswith("ws") else AsyncHTTPProvider
    return AsyncWeb3(provider(url))


class Http:
    """JSON-RPC over HTTP POST; nothing is retried here."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    async def connect(self) -> int:
        """Do nothing: requests open the connections that they need."""
        return 0

    async def exchange(self, body: bytes, ids: range) -> Read:  # noqa: ARG002
        """Send a request in one POST."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=HTTP_CONNECTIONS, ttl_dns_cache=60),
                timeout=aiohttp.ClientTimeout(total=None),
                headers=_HEADERS,
                raise_for_status=True,
            )
        with _outages():
            async with self._session.post(self._url, data=body, allow_redirects=False) as response:
                answer = await response.read()
        return partial(rpc.decode, answer)

    def news(self) -> AsyncIterator[rpc.Answer]:
        """Refuse: there are no subscriptions over HTTP."""
        raise NodeUnavailable("no subscriptions over HTTP")

    async def renew(self, connection: int) -> None:
        """Do nothing: a request that is given up takes its connection with it."""

    async def close(self) -> None:
        """Close the kept-alive connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


class _Connection:
    """One WebSocket: every message goes to `deliver`, the end of the connection to `lost`."""

    def __init__(self, deliver: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        self._deliver = deliver
        self._lost = lost
        self._ws: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None

    async def connect(self, url: str) -> None:
        """Connect, and begin to read. Raises what websockets does, and NodeUnavailable."""
        try:
            self._ws = await connect(
                url,
                max_size=MAX_MESSAGE_BYTES,
                open_timeout=None,
                ping_interval=PING_SECONDS,
                ping_timeout=PING_SECONDS,
                close_timeout=CLOSE_SECONDS,
                user_agent_header=_HEADERS["User-Agent"],
            )
        except (WebSocketException, OSError) as error:
            raise _of_connection(error) from error
        self._reading = asyncio.create_task(self._read(self._ws), name="node's messages")

    async def send(self, message: bytes) -> None:
        """Send a message of text."""
        assert self._ws is not None
        await self._ws.send(message, text=True)

    async def _read(self, ws: ClientConnection) -> None:
        """Read until the connection ends."""
        reason = "connection ended"
        try:
            while True:
                self._deliver(await ws.recv(decode=False))
        except (WebSocketException, NodeUnavailable) as error:
            reason = f"connection lost: {error}"
        finally:
            self._lost(reason)

    async def end(self) -> None:
        """Close, and have read what came before that."""
        if self._ws is not None:
            await self._ws.close()
        if self._reading is not None:
            await asyncio.wait([self._reading])


class Socket:
    """JSON-RPC over one WebSocket, which is made again after it was lost."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._changing = asyncio.Lock()
        self._connection: _Connection | None = None
        self._alive = False
        self._made = 0
        self._waiting: dict[int, asyncio.Future[Read | NodeUnavailable]] = {}
        self._news: asyncio.Queue[rpc.Answer | NodeUnavailable] = asyncio.Queue()

    async def connect(self) -> int:
        """Be connected; return how many connections there have been."""
        if not self._alive:
            async with self._changing:
                if not self._alive:
                    await self._make()
        return self._made

    async def exchange(self, body: bytes, ids: range) -> Read:
        """Send a request in one message and wait for the message that answers it."""
        connection = self._connection
        if connection is None or not self._alive:
            raise NodeUnavailable("connection lost")
        future: asyncio.Future[Read | NodeUnavailable]
        future = asyncio.get_running_loop().create_future()
        self._waiting.update(dict.fromkeys(ids, future))
        try:
            with _outages():
                await connection.send(body)
            answer = await future
        finally:
            for one in ids:
                self._waiting.pop(one, None)
        if isinstance(answer, NodeUnavailable):
            raise answer
        return answer

    async def news(self) -> AsyncIterator[rpc.Answer]:
        """Yield the notifications of this connection; of a slow reader's, only the newest."""
        news = self._news
        while True:
            one = await news.get()
            if isinstance(one, NodeUnavailable):
                raise one
            yield one

    async def renew(self, connection: int) -> None:
        """Close the connection; whoever waits for an answer gets NodeUnavailable."""
        async with self._changing:
            if connection == self._made:
                await self._end()

    async def close(self) -> None:
        """Close the connection."""
        await self.renew(self._made)

    async def _make(self) -> None:
        await self._end()
        connection = _Connection(self._deliver, self._lost)
        with _outages():
            await connection.connect(self._url)
        self._news = asyncio.Queue()
        self._connection = connection
        self._alive = True
        self._made += 1

    async def _end(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.end()

    def _lost(self, reason: str) -> None:
        self._alive = False
        lost = NodeUnavailable(reason)
        for future in {*self._waiting.values()}:
            if not future.done():
                future.set_result(lost)
        self._news.put_nowait(lost)

    def _deliver(self, message: bytes) -> None:
        if len(message) >= _LARGE and (first := _FIRST_ID.match(message)):
            future = self._waiting.get(int(first[1]))
            if future is not None and not future.done():
                future.set_result(partial(rpc.decode, message))
                return
        answer = rpc.decode(message)
        answers = answer if isinstance(answer, list) else [answer]
        if len(answers) == 1 and answers[0].method is not None:
            if self._news.qsize() >= NEWS_KEPT:
                self._news.get_nowait()
            self._news.put_nowait(answers[0])
            return
        ids = [one.id for one in answers if isinstance(one.id, int)]
        # An error without an id may be the answer to anything that is under way.
        for one in ids or [*self._waiting]:
            future = self._waiting.get(one)
            if future is not None and not future.done():
                future.set_result(lambda: answer)


@contextmanager
def _outages() -> Iterator[None]:
    """Turn what the libraries raise into NodeUnavailable, without any URL."""
    try:
        yield
    except aiohttp.ClientResponseError as error:
        kind = Refused if error.status in _REFUSALS else NodeUnavailable
        raise kind(
            f"HTTP {error.status} {error.message}", _retry_after(error.headers or {})
        ) from error
    except aiohttp.ClientConnectorCertificateError as error:
        raise _of_connection(error.certificate_error) from error
    except aiohttp.ClientConnectorError as error:
        raise _of_connection(error.os_error) from error
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
        raise NodeUnavailable(str(error) or type(error).__name__) from error
    except TimeoutError as error:
        raise NodeUnavailable("timed out") from error
    except (aiohttp.ClientError, WebSocketException) as error:
        raise NodeUnavailable(type(error).__name__) from error
    except OSError as error:
        raise NodeUnavailable(words_of(error)) from error


def _of_connection(cause: BaseException) -> NodeUnavailable:
    if isinstance(cause, InvalidStatus):
        response = cause.response
        return NodeUnavailable(
            f"HTTP {response.status_code} {response.reason_phrase}", _retry_after(response.headers)
        )
    if isinstance(cause, OSError):
        return NodeUnavailable(f"cannot connect: {words_of(cause)}")
    return NodeUnavailable(f"cannot connect: {type(cause).__name__}")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After (RFC 9110: seconds, or a date), None if it has none."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        seconds = float(text)
    else:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)
