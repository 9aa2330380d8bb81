"""The real application on a loopback socket, on a real database, with two projects in it."""

import os
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import ClientResponse, ClientSession, web
from aiohttp.test_utils import TestServer

from crypitor.api import SERVER_OPTIONS, Context, NetworkFacts, build
from crypitor.api.serving.tail import Tail
from crypitor.database.engine import Database
from crypitor.database.keys import Scope, create_key, create_project, ensure_admin
from crypitor.monitor.index import Index
from crypitor.runtime.loop import Health
from crypitor.webhook.post import Poster
from tests.conftest import DIALECTS
from tests.patience import HANG_SECONDS

START = 1_790_000_000_000


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a module on SQLite, or on all databases if it says `ALL_DATABASES = True`."""
    if "migrated" in metafunc.fixturenames:
        everywhere = getattr(metafunc.module, "ALL_DATABASES", False)
        metafunc.parametrize("migrated", DIALECTS if everywhere else ["sqlite"], indirect=True)


@pytest.fixture
def migrated(request: pytest.FixtureRequest) -> Path | str:
    """Return what `database_url` copies."""
    return request.getfixturevalue(f"migrated_{request.param}")


@dataclass
class Clock:
    """Unix milliseconds that stand still until a test moves them."""

    now: int = START

    def __call__(self) -> int:
        return self.now


@dataclass
class Api:
    """The application with what it works on, called with the admin key unless told otherwise."""

    url: str
    session: ClientSession
    context: Context
    index: Index
    clock: Clock
    health: Health
    admin: str
    project: str
    woken: list[int]
    app: web.Application

    async def call(
        self, method: str, path: str, *, key: str | None = None, **options
    ) -> tuple[ClientResponse, object]:
        """Return the answer and its JSON, or its text."""
        headers = {"Authorization": f"Bearer {key or self.admin}", **options.pop("headers", {})}
        async with self.session.request(
            method, self.url + path, headers=headers, **options
        ) as answer:
            if answer.content_type == "text/event-stream":
                return answer, None  # it has no end
            is_json = "json" in answer.content_type and "ndjson" not in answer.content_type
            return answer, await answer.json(content_type=None) if is_json else await answer.text()

    async def made(self, path: str, body: dict, **options) -> dict:
        """Return what a POST made; fails unless it did."""
        answer, document = await self.call("POST", path, json=body, **options)
        assert answer.status in (200, 201, 202), document
        return document

    async def key(self, scope: Scope, project: str | None = None) -> str:
        """Return the secret of a new key."""
        _, secret = await self.context.database.write(
            lambda tx: create_key(
                tx, project or self.project, "test", scope, self.clock(), secrets.token_bytes
            )
        )
        return secret


NETWORKS = {
    name: NetworkFacts(name, chain_id, name.title(), "ETH", None, 12, name == "ethereum")
    for name, chain_id in (("ethereum", 1), ("dev", 1337))
}


@pytest.fixture
def woken() -> list[int]:
    """Return what grows with each time that the sender is woken."""
    return []


@pytest.fixture
async def poster() -> AsyncIterator[Poster]:
    """Return what posts to receivers on this machine."""
    async with Poster(
        allow_private=[ip_network("127.0.0.0/8")], deadline_seconds=HANG_SECONDS / 3
    ) as poster:
        yield poster


@pytest.fixture
async def context(database: Database, woken: list[int], poster: Poster) -> Context:
    """Return what the application is given; each network's tip is at 100."""
    return Context(
        database=database,
        events=Tail(database),
        index=Index(),
        armed_from={"ethereum": 101, "dev": None}.get,
        networks=NETWORKS,
        status=lambda: {"ethereum": {"head": 100, "tip": 100, "lag_blocks": 0}},
        health=Health(),
        roles=("api", "monitor"),
        render_metrics=_no_metrics,
        wake=lambda ids: woken.append(1),
        post=poster.post,
        lease_ms=60_000,
        allow_private=(),
        auth=True,
        clock=Clock(),
        random_bytes=os.urandom,
    )


@pytest.fixture
async def api(context: Context, woken: list[int]) -> AsyncIterator[Api]:
    """Return the application, served."""
    admin = await context.database.write(
        lambda tx: ensure_admin(tx, None, context.clock(), secrets.token_bytes)
    )
    project = await context.database.read(lambda tx: tx.value("select min(id) from projects"))
    app = build(context)
    server = TestServer(app)
    await server.start_server(**SERVER_OPTIONS)
    async with ClientSession() as session:
        yield Api(
            str(server.make_url("")).rstrip("/"),
            session,
            context,
            context.index,
            context.clock,
            context.health,
            admin,
            project,
            woken,
            app,
        )
    await server.close()


@pytest.fixture
async def stranger(api: Api) -> str:
    """Return an admin key of another project."""
    other = await api.context.database.write(
        lambda tx: create_project(tx, "other", api.clock() + 1, secrets.token_bytes)
    )
    return await api.key(Scope.ADMIN, other.id)


async def _no_metrics() -> bytes:
    """Stand in for the metrics of a whole process."""
    return b"crypitor_monitors 0\n"
