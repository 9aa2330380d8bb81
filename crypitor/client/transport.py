"""Requests: sent again until they are answered, with one Idempotency-Key for all attempts."""

import asyncio
import itertools
import json
import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import aiohttp

from crypitor.client.errors import Refused, Unreachable
from crypitor.client.patience import PASSING, retry_after, wait_seconds

T = TypeVar("T")

JSON = "application/json"
PAGE = 1000
TIMEOUT_SECONDS = 60.0


class Transport:
    """One service; `async with` opens and closes the connections.

    url: where it is, such as `https://crypitor.example`. key: `ke_…`, None where it asks for none.
    attempts: of each request. sleep, chance, clock: how to wait, from 0 to 1, unix seconds.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        attempts: int = 6,
        timeout_seconds: float = TIMEOUT_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url = url.rstrip("/")
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._attempts = attempts
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._sleep = sleep
        self._chance = chance
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=self._timeout)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    @staticmethod
    def part(text: str) -> str:
        """Return a part of a path, quoted."""
        return quote(text, safe="")

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """Return the answer as JSON has it. Raises Refused and Unreachable.

        A write has an Idempotency-Key, its own or a new one, the same in all attempts: it is done
        once, however often its answer is lost.
        """
        headers = {"Accept": JSON}
        if method != "GET":
            headers["Idempotency-Key"] = idempotency_key or uuid.uuid4().hex
        encoded = None if body is None else json.dumps(body).encode()
        if encoded is not None:
            headers["Content-Type"] = JSON

        async def attempt() -> Any:
            asked = self.session.request(
                method, self._url + path, params=parameters(query), data=encoded, headers=headers
            )
            async with asked as answer:
                return await answered(answer, self._clock())

        return await self.once_answered(attempt)

    async def once_answered(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return what one of the attempts returns. Raises Refused and Unreachable."""
        return await self.until_answered(attempt, attempts=self._attempts)

    async def until_answered(
        self, attempt: Callable[[], Awaitable[T]], *, attempts: int | None
    ) -> T:
        """Return what one of the attempts returns. attempts: None for as many as it takes.

        Raises Refused and Unreachable.
        """
        for count in itertools.count(1):
            try:
                return await attempt()
            except _Passing as passing:
                waiting = wait_seconds(count, passing.asked, self._chance())
                if waiting is None or count == attempts:
                    raise passing.refused from None
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                waiting = wait_seconds(count, None, self._chance())
                if waiting is None or count == attempts:
                    raise Unreachable(f"{self._url}: {error or type(error).__name__}") from error
            await self._sleep(waiting)
        raise AssertionError("the count has no end")

    async def pages(
        self, path: str, query: Mapping[str, object] | None = None
    ) -> AsyncIterator[Any]:
        """Yield what all pages of a list have, until there is no more."""
        cursor: str | None = None
        while True:
            asked = {**(query or {}), "limit": PAGE, "cursor": cursor}
            page = await self.call("GET", path, query=asked)
            for item in page["data"]:
                yield item
            if page["next_cursor"] in (None, cursor):
                return
            cursor = page["next_cursor"]

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connections; they are open within `async with`."""
        if self._session is None:
            raise RuntimeError("use the client within `async with`")
        return self._session


class _Passing(Exception):
    """An answer after which the same request may succeed. asked: seconds, by Retry-After."""

    def __init__(self, refused: Refused, asked: float | None) -> None:
        super().__init__(str(refused))
        self.refused = refused
        self.asked = asked


def parameters(query: Mapping[str, object] | None) -> dict[str, str]:
    """Return the parameters of a query as text, without those that are left out."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in (query or {}).items()
        if value is not None
    }


async def answered(answer: aiohttp.ClientResponse, now: float) -> Any:
    """Return what is answered. Raises Refused, and what says that it is worth another attempt."""
    if answer.ok:
        return await answer.json(content_type=None)
    await refuse(answer, now)
    return None


async def refuse(answer: aiohttp.ClientResponse, now: float) -> None:
    """Raise what an answer that is no success means."""
    try:
        problem = await answer.json(content_type=None)
    except ValueError:
        problem = None  # of a proxy before the service
    told = problem if isinstance(problem, dict) else {"detail": f"HTTP {answer.status}"}
    refused = Refused(answer.status, told, answer.headers.get("X-Request-Id"))
    if answer.status in PASSING:
        raise _Passing(refused, retry_after(answer.headers.get("Retry-After"), now))
    raise refused
