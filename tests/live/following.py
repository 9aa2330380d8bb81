"""One who follows the log of what was told, as a program does that wants each event once."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import aiohttp
import msgspec

from tests.patience import HANG_SECONDS
from tests.rig import ADMIN_KEY, Service
from tests.test_crash import told_in

PAUSE_SECONDS = 0.05
"""Before it comes again."""


class Follower:
    """Reads the streams of processes, one after another, by what it has of the one before.

    read: the events, in their order. breaks: how often a stream has ended.
    """

    def __init__(self, services: Sequence[Service], cursor: str) -> None:
        self._services = services
        self._cursor = cursor
        self.read: list[dict] = []
        self.breaks = 0

    async def run(self) -> None:
        """Follow for ever."""
        while True:
            service = self._services[self.breaks % len(self._services)]
            headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Last-Event-ID": self._cursor}
            with suppress(aiohttp.ClientError):
                async with aiohttp.ClientSession(service.url, headers=headers) as http:
                    await self._follow(http)
            self.breaks += 1
            await asyncio.sleep(PAUSE_SECONDS)

    async def _follow(self, http: aiohttp.ClientSession) -> None:
        cursor = ""
        async with http.get("/v1/stream", timeout=aiohttp.ClientTimeout(total=None)) as answer:
            assert answer.status in (200, 503), await answer.text()
            async for line in answer.content:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "id":
                    cursor = value
                elif name == "data":
                    self.read.append(json.loads(value))
                    self._cursor = cursor

    async def until_all_is_read(self, log: Sequence[dict]) -> None:
        """Wait until as many events were read as the log has."""
        async with asyncio.timeout(HANG_SECONDS):
            while len(self.read) < len(log):
                await asyncio.sleep(PAUSE_SECONDS)


@asynccontextmanager
async def following(front: Service, services: Sequence[Service]) -> AsyncIterator[Follower]:
    """Follow from now on. front: is asked where the log ends; services: have the streams."""
    follower = Follower(services, (await front.get("/v1/events"))["next_cursor"])
    task = asyncio.create_task(follower.run())
    try:
        yield follower
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def differences(log: list[dict], read: list[dict], webhooks: dict[str, bytes]) -> list[str]:
    """Say what of a log is not as it should be; its events lose their positions.

    read: by a follower, from the log's beginning on. webhooks: bodies by their ids.
    """
    found = []
    positions = [event["position"] for event in log]
    if positions != sorted({*positions}):
        found.append("positions do not grow")
    of_matches = [one for one in webhooks.values() if one.startswith(b'{"type":"match.')]
    if told_in(log) != sorted(of_matches):
        found.append("its bodies are not those of the webhooks, once each")
    if [*map(msgspec.json.encode, read)] != [*map(msgspec.json.encode, log)]:
        found.append("who followed the stream has read something else")
    return found
