"""The client: the calls, the events as they come, and addresses by the million."""

import json
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, cast

import aiohttp

from crypitor.client.calls import Calls
from crypitor.client.errors import Unreachable
from crypitor.client.sse import Reader
from crypitor.client.transport import answered, parameters, refuse
from crypitor.client.types import AddedAnswer, EventAnswer, LabelledEntry, RemovedAnswer

Address: TypeAlias = str | LabelledEntry
Addresses: TypeAlias = Iterable[Address] | AsyncIterable[Address]

SILENCE_SECONDS = 60.0
"""A stream says something each 15 seconds, if only that there is nothing new."""

PIECE_BYTES = 1 << 16
LONGEST_EVENT_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and the cursor behind it: keep it with what you made of the event."""

    cursor: str
    event: EventAnswer


class Client(Calls):
    """A client of one service: `async with Client(url, key) as crypitor`."""

    async def end_of_events(self) -> str:
        """Return the cursor behind the newest event: where to begin if the past does not matter."""
        newest = await self.read_event_log(order="desc", limit=1)
        if newest["next_cursor"] is not None:
            return newest["next_cursor"]
        page = await self.read_event_log(order="asc")  # of one event, or none
        assert page["next_cursor"] is not None
        return page["next_cursor"]

    async def follow_events(self, after: str, **filters: str) -> AsyncGenerator[Told, None]:
        """Yield the events behind a cursor as they come, without an end.

        None is left out or repeated while the connection breaks or the service starts anew; kept
        with what was made of its event, the cursor carries this over restarts of the caller.
        filters: `monitor`, `network`, `kind`, `type`, `address`. Raises Refused; with status 410 if
        the cursor's events are not there any more: ask `read_matches` how things stand, and begin
        at `end_of_events`.
        """
        cursor = after
        while True:
            answer = await self.until_answered(
                partial(self._stream, cursor, filters), attempts=None
            )
            reader = Reader()
            try:
                async for line in answer.content:
                    if (taken := reader.take(line.decode())) is not None:
                        cursor, data = taken
                        yield Told(cursor, cast("EventAnswer", json.loads(data)))
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass
            finally:
                answer.close()
            await self._sleep(self._chance())

    async def add_addresses(self, monitor_id: str, addresses: Addresses) -> AddedAnswer:
        """Add up to 1,000,000 addresses to a monitor, as they are read.

        Where `addresses` can be gone through again (a list, an own class) a broken call is
        repeated, and takes what was not taken. Raises Unreachable where it cannot.
        """
        return cast("AddedAnswer", await self._entries("POST", monitor_id, addresses))

    async def remove_addresses(self, monitor_id: str, addresses: Addresses) -> RemovedAnswer:
        """Remove addresses from a monitor, as `add_addresses` adds them."""
        return cast("RemovedAnswer", await self._entries("DELETE", monitor_id, addresses))

    async def _entries(self, method: str, monitor_id: str, addresses: Addresses) -> Any:
        path = f"{self._url}/v1/monitors/{self.part(monitor_id)}/addresses"
        headers = {"Content-Type": "application/x-ndjson"}
        timeout = aiohttp.ClientTimeout(total=None, sock_read=self._timeout.total)
        once = _once(addresses)

        async def attempt() -> Any:
            asked = self.session.request(
                method, path, data=_lines(once()), headers=headers, timeout=timeout
            )
            async with asked as answer:
                return await answered(answer, self._clock())

        return await self.once_answered(attempt)

    async def _stream(self, cursor: str, filters: dict[str, str]) -> aiohttp.ClientResponse:
        timeout = aiohttp.ClientTimeout(total=None, sock_read=SILENCE_SECONDS)
        answer = await self.session.get(
            f"{self._url}/v1/stream",
            params=parameters(filters),
            headers={"Last-Event-ID": cursor, "Accept": "text/event-stream"},
            timeout=timeout,
            read_bufsize=LONGEST_EVENT_BYTES,
        )
        if not answer.ok:
            async with answer:
                await refuse(answer, self._clock())
        return answer


def _once(addresses: Addresses) -> Callable[[], Addresses]:
    """Return what gives the addresses for each attempt; what can be read once alone, once."""
    taken = False

    def give() -> Addresses:
        nonlocal taken
        if taken and _is_read_once(addresses):
            raise Unreachable("the connection broke, and the addresses cannot be read again")
        taken = True
        return addresses

    return give


def _is_read_once(addresses: Addresses) -> bool:
    if isinstance(addresses, Iterable):
        return iter(addresses) is addresses
    return aiter(addresses) is addresses


async def _lines(addresses: Addresses) -> AsyncIterator[bytes]:
    """Yield the addresses as NDJSON, in pieces of a size that is worth a packet."""
    piece = bytearray()
    async for address in _each(addresses):
        piece += json.dumps(address).encode() + b"\n"
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


async def _each(addresses: Addresses) -> AsyncIterator[Address]:
    if isinstance(addresses, Iterable):
        for address in addresses:
            yield address
        return
    async for address in addresses:
        yield address
