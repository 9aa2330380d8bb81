"""The service as its supervisor sees it: a process that is started, asked, and killed."""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from crypitor.database.migrate import migrate
from crypitor.database.sqlite import path_of
from crypitor.development.listen import Receiver
from crypitor.development.simulator.audit import Heard
from tests.canaries import ADMIN_KEY, leaks
from tests.patience import HANG_SECONDS
from tests.ports import free_port

START_SECONDS = 120.0

STILL_SECONDS = 750.0
"""On a busy machine attempts may end late, and a circuit then rests for up to 12 minutes."""

LOOK_SECONDS = 10.0


@cache
def newest_schema() -> bytes:
    """Return a SQLite file as the first start makes it, which takes that half a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "crypitor.db"
        asyncio.run(migrate(f"sqlite:///{path}"))
        return path.read_bytes()


class Service:
    """`crypitor run` in a folder of its own.

    settings: environment variables on top of what every test needs. migrated: whether the database
    is there already, with the newest schema and nothing in it.
    """

    def __init__(
        self,
        folder: Path,
        settings: dict[str, str],
        roles: Sequence[str] = (),
        *,
        migrated: bool = True,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self._migrated = migrated
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "service.log"
        self.process: asyncio.subprocess.Process | None = None
        self._roles = roles
        self.environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("CRYPITOR_")},
            "CRYPITOR__SERVER__PORT": str(self.port),
            "CRYPITOR__SERVER__HEALTH_PORT": str(self.port),
            "CRYPITOR__API__ADMIN_KEY": ADMIN_KEY,
            "CRYPITOR__DATABASE__URL": f"sqlite:///{folder}/crypitor.db",
            "CRYPITOR__WEBHOOK__ALLOW_PRIVATE": '["127.0.0.0/8"]',
            **settings,
        }

    async def start_without_api(self) -> None:
        """Start the process and wait for nothing: without the role it does not answer."""
        url = self.environ["CRYPITOR__DATABASE__URL"]
        if self._migrated and url.startswith("sqlite"):
            schema = await asyncio.to_thread(newest_schema)
            if not path_of(url).exists():
                path_of(url).write_bytes(schema)
        roles = (word for role in self._roles for word in ("--role", role))
        self.process = await self._begin(["run", *roles])

    async def _begin(self, words: Sequence[str]) -> asyncio.subprocess.Process:
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "crypitor", *words,
                cwd=self.folder, env=self.environ, stdout=log, stderr=log,
            )  # fmt: skip

    async def start(self, ready: int = 200) -> None:
        """Start the process and wait until /readyz answers with this status."""
        await self.start_without_api()
        await self.until_ready(ready, START_SECONDS)

    async def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        self._look_for_secrets()

    async def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end and return its exit status."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(sign)
        status = await asyncio.wait_for(self.process.wait(), HANG_SECONDS)
        self._look_for_secrets()
        return status

    def _look_for_secrets(self) -> None:
        found = leaks(self.log.read_text(errors="replace")) if self.log.exists() else []
        assert found == [], "a secret is in the log"

    @asynccontextmanager
    async def api(self) -> AsyncIterator[aiohttp.ClientSession]:
        """Yield a session that is let in as the administrator."""
        async with aiohttp.ClientSession(
            self.url, headers={"Authorization": f"Bearer {ADMIN_KEY}"}
        ) as session:
            yield session

    async def get(self, path: str) -> Any:
        """Read a resource."""
        async with self.api() as api, api.get(path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def post(self, path: str, body: object) -> Any:
        """Create a resource."""
        async with self.api() as api, api.post(path, json=body) as answer:
            assert answer.status in (200, 201, 202), await answer.text()
            return await answer.json()

    async def events(self, query: str = "") -> list[dict[str, Any]]:
        """Return all that was told, by the pages of the log."""
        found, cursor = [], None
        while True:
            at = "" if cursor is None else f"&cursor={cursor}"
            page = await self.get(f"/v1/events?limit=1000{at}{query}")
            found += page["data"]
            if page["next_cursor"] == cursor or not page["data"]:
                return found
            cursor = page["next_cursor"]

    async def until_tip(self, network: str, number: int, seconds: float = HANG_SECONDS) -> None:
        """Wait until a block has been matched."""
        async with asyncio.timeout(seconds):
            while True:
                tip = (await self.get(f"/v1/networks/{network}"))["tip"]
                if tip is not None and tip >= number:
                    return
                await asyncio.sleep(0.05)

    async def until_ready(self, ready: int = 200, seconds: float = HANG_SECONDS) -> None:
        """Wait until /readyz answers with this status.

        After an outage that takes up to 15 s: a role that nobody waits for tries again so late.
        """
        async with asyncio.timeout(seconds), self.api() as api:
            while True:
                if self.process.returncode is not None:
                    raise AssertionError(f"ended at its start:\n{self.log.read_text()}")
                with suppress(aiohttp.ClientError):
                    async with api.get("/readyz") as answer:
                        if answer.status == ready:
                            return
                await asyncio.sleep(0.02)

    async def until_nothing_is_due(self, seconds: float = HANG_SECONDS) -> None:
        """Wait until every delivery has ended."""
        async with asyncio.timeout(seconds):
            while any(
                [
                    (await self.get(f"/v1/deliveries?limit=1&status={status}"))["data"]
                    for status in ("waiting", "pending")
                ]
            ):
                await asyncio.sleep(0.05)


def heard(receiver: Receiver) -> list[Heard]:
    """Return what a receiver was told, for the audit; every signature has to be right."""
    for received in receiver.received:
        assert received.verified, received.problem
    return [Heard(r.id, r.body, msgspec.json.decode(r.body)) for r in receiver.received]


async def until_all_is_sent(service: Service, receiver: Receiver) -> None:
    """Wait for as long as there is more to send, and something of it still arrives."""
    arrived, progress_at = 0, time.monotonic()
    while time.monotonic() - progress_at < STILL_SECONDS:
        with suppress(TimeoutError):
            await service.until_nothing_is_due(LOOK_SECONDS)
            return
        if len(receiver.received) > arrived:
            arrived, progress_at = len(receiver.received), time.monotonic()
    raise AssertionError(await service.get("/v1/endpoints"))
