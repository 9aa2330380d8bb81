"""Owners of a PostgreSQL database: holds of it, and services, in tests that may lose them."""

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from crypitor.config import load
from crypitor.database.hold import Hold
from crypitor.database.holds import hold_of
from tests.forked import ForkedService

OWNER = ["api", "worker", "monitor", "webhook"]


@asynccontextmanager
async def holds() -> AsyncIterator[Callable[..., Hold]]:
    """Yield what makes holds of a database; all are let go afterwards."""
    made: list[Hold] = []

    def hold_with(url: str, **environ: str) -> Hold:
        made.append(hold_of(load(None, {"CRYPITOR__DATABASE__URL": url, **environ}), OWNER))
        return made[-1]

    yield hold_with
    for one in made:
        await one.release()


@asynccontextmanager
async def owners(folder: Path, node: str) -> AsyncIterator[Callable[..., ForkedService]]:
    """Yield what makes services in folders of their own; none outlives the test.

    node: the URL of the node of their network `dev`.
    """
    made: list[ForkedService] = []

    def service(url: str, **environ: str) -> ForkedService:
        place = folder / f"process-{len(made)}"
        place.mkdir()
        settings = {
            "CRYPITOR__DATABASE__URL": url,
            "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
            "CRYPITOR__NETWORKS__DEV__RPC": f'["{node}"]',
            "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.05",
            "CRYPITOR__NETWORKS__DEV__START": "0",
            **environ,
        }
        made.append(ForkedService(place, settings))
        return made[-1]

    yield service
    for one in made:
        if one.process is not None and one.process.returncode is None:
            one.process.send_signal(signal.SIGCONT)
            await one.kill()


async def rows(url: str, sql: str) -> list[asyncpg.Record]:
    """Run a statement beside the service."""
    admin = await asyncpg.connect(url)
    try:
        return list(await admin.fetch(sql))
    finally:
        await admin.close()
