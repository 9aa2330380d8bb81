"""What `armed_from` says is true to the block, whatever is edited while blocks stream."""

import asyncio
import secrets
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crypitor.api import SERVER_OPTIONS, Context, NetworkFacts, build
from crypitor.api.serving.tail import Tail
from crypitor.database.engine import Database
from crypitor.database.keys import ensure_admin
from crypitor.database.networks import lead
from crypitor.evm.types import Block, Header, Receipt, Transaction
from crypitor.monitor.index import Index
from crypitor.monitor.matcher import MOST_BLOCKS, Chain, Matcher
from crypitor.monitor.watchlist import Watchlist
from crypitor.process.upkeep import cancellations
from crypitor.queue import Message
from crypitor.queue.memory import MemoryQueue
from crypitor.runtime.loop import Health
from crypitor.webhook.message import NetworkTitle
from crypitor.webhook.post import Poster
from tests.conftest import postgres_database

PAYER = "0x" + "f" * 40
ADDRESSES = [f"0x{number:040x}" for number in range(1, 7)]
NETWORK = "ethereum"
BLOCKS_AFTERWARDS = 3

SOME = st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=4, unique=True)
EDIT = st.one_of(
    st.tuples(st.sampled_from(["add", "drop", "replace"]), SOME),
    st.tuples(st.sampled_from(["disable", "enable", "ask erc20", "ask native", "delete"])),
)
LIVES = st.lists(
    st.tuples(SOME, st.lists(EDIT, min_size=1, max_size=8)), min_size=2, max_size=4
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What a monitor asks for; every block has a native transfer to each address."""

    addresses: frozenset
    enabled: bool = True
    native: bool = True
    deleted: bool = False

    @property
    def found(self):
        return self.addresses if self.enabled and self.native and not self.deleted else frozenset()


@dataclass
class Life:
    """A monitor as its user sees it: what it asked from which block on."""

    id: str
    armed: list = field(default_factory=list)

    def at(self, number):
        asked = [asked for first, asked in self.armed if (first or 0) <= number]
        return asked[-1].found if asked else frozenset()


def block(number):
    """Return a block in which each address is paid."""
    mine = f"0x{number:064x}"
    transactions = tuple(
        Transaction(f"0x{number:032x}{place:032x}", hex(place), mine, PAYER, "0x5", address)
        for place, address in enumerate(ADDRESSES)
    )
    receipts = tuple(Receipt(t.hash, t.index, mine, (), status="0x1") for t in transactions)
    return Block(Header(number, mine, f"0x{number - 1:064x}", 0), transactions, receipts)


class Service:
    """API and matcher on one database and index, as `crypitor run` puts them together."""

    def __init__(self, database, session):
        self.database, self.session = database, session
        self.queue, self.number = MemoryQueue(limit=2), 0

    async def stream(self):
        while True:
            self.number += 1
            await self.queue.publish(
                Message(NETWORK, 1, self.number, block(self.number), None, None, 0)
            )

    async def call(self, method, path, body=None):
        async with self.session.request(method, path, json=body) as answer:
            assert answer.status in (200, 201), await answer.text()
            return await answer.json()

    async def live(self, first, edits):
        """Create a monitor, make the edits one after the other, and return what was answered."""
        made = await self.call(
            "POST",
            "/v1/monitors",
            {
                "networks": [NETWORK],
                "addresses": first,
                "webhook": {"url": "https://example.com/hook"},
            },
        )
        life, asked = Life(made["id"]), Asked(frozenset(first))
        life.armed.append((made["armed_from"][NETWORK], asked))
        path = f"/v1/monitors/{life.id}"
        for what, *listed in edits:
            asked, answer = await self.edit(path, what, asked, *listed)
            life.armed.append((answer["armed_from"][NETWORK], asked))
            if asked.deleted:
                break
        return life

    async def edit(self, path, what, asked, listed=()):
        body = {"addresses": list(listed)}
        match what:
            case "add":
                after = replace(asked, addresses=asked.addresses | set(listed))
                return after, await self.call("POST", f"{path}/addresses", body)
            case "drop":
                after = replace(asked, addresses=asked.addresses - set(listed))
                return after, await self.call("DELETE", f"{path}/addresses", body)
            case "replace":
                after = replace(asked, addresses=frozenset(listed))
                return after, await self.call("PATCH", path, body)
            case "enable" | "disable":
                enabled = what == "enable"
                after = replace(asked, enabled=enabled)
                return after, await self.call("PATCH", path, {"enabled": enabled})
            case "ask erc20" | "ask native":
                kind = what.removeprefix("ask ")
                after = replace(asked, native=kind == "native")
                return after, await self.call("PATCH", path, {"rules": [{"kind": kind}]})
            case "delete":
                return replace(asked, deleted=True), await self.call("DELETE", path)


class Unobserved:
    def block_matched(self, *_):
        pass


async def run(url, lives, apart=False):
    """Live all lives at once while blocks stream; return them, the last block and what is stored.

    apart: API and matcher share nothing but the database, as in processes of their own.
    """
    async with Database.open(url) as database, Database.open(url) as other:
        key = await database.write(lambda tx: ensure_admin(tx, None, 0, secrets.token_bytes))
        await database.write(lambda tx: lead(tx, NETWORK, 1))
        index = Index()
        watchlist = Watchlist(database, index)
        await watchlist.load()
        service = Service(database, None)
        matcher = Matcher(
            service.queue, database, index, {NETWORK: Chain(NetworkTitle("Ethereum"), 3, 9)},
            wake=lambda _: None, clock=lambda: 0, observer=Unobserved(),
            refresh=watchlist.refresh if apart else watchlist.refresh_if_in_doubt,
            slice_seconds=0.0,  # blocks are small: everything between two looks is a pause
        )  # fmt: skip
        context = Context(
            database=other if apart else database, events=Tail(database), index=None if apart else index, armed_from=matcher.armed_from,
            networks={NETWORK: NetworkFacts(NETWORK, 1, "Ethereum", "ETH", None, 3)},
            status=dict, health=Health(), roles=("api", "monitor"), render_metrics=_no_metrics,
            wake=lambda _: None, post=Poster().post, lease_ms=60_000, allow_private=(), auth=True, clock=lambda: 1_790_000_000_000,
            random_bytes=secrets.token_bytes, in_doubt=watchlist.doubt,
        )  # fmt: skip
        server = TestServer(build(context))
        await server.start_server(**SERVER_OPTIONS)
        headers = {"Authorization": f"Bearer {key}"}
        async with ClientSession(server.make_url("/"), headers=headers) as session:
            service.session = session
            stop = asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                streaming = tasks.create_task(service.stream())
                matching = tasks.create_task(matcher.run(stop, Health()))
                living = [tasks.create_task(service.live(*life)) for life in lives]
                lived = [await one for one in living]
                last = service.number + BLOCKS_AFTERWARDS
                while (tip := matcher.tip(NETWORK)) is None or tip.number < last:
                    await asyncio.sleep(0)
                stop.set()
                await matching
                streaming.cancel()
        await server.close()
        sweep = cancellations(database)
        while await sweep.step():
            pass
        last = matcher.tip(NETWORK).number
        stored = await database.read(
            lambda tx: tx.all("select monitor_id, address, block_number from matches")
        )
        deliveries = await database.read(
            lambda tx: tx.all("select monitor_id, status from deliveries")
        )
    return lived, last, stored, deliveries


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(LIVES)
def test_armed_from_is_true_to_the_block(migrated_sqlite, lives):
    """
    Every block from `armed_from` on is matched with the change and none before it; what a deleted
    monitor had not delivered is cancelled.
    """
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(migrated_sqlite, Path(folder) / "crypitor.db")
        lived = asyncio.run(run(f"sqlite:///{folder}/crypitor.db", lives))

    assert_true(*lived)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(LIVES)
def test_armed_from_is_true_with_the_matcher_elsewhere(migrated, lives):
    """
    The same, to the block, for an API and a matcher that share nothing but the database.
    """

    async def lived():
        if isinstance(migrated, str):
            async with postgres_database(migrated) as url:
                return await run(url, lives, apart=True)
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(migrated, Path(folder) / "crypitor.db")
            return await run(f"sqlite:///{folder}/crypitor.db", lives, apart=True)

    assert_true(*asyncio.run(lived()))


def assert_true(lived, last, stored, deliveries):
    found = {(row["monitor_id"], row["block_number"], row["address"]) for row in stored}
    for life in lived:
        first_after, asked = life.armed[-1]
        for number in range(1, last + 1):
            matched = {address for address in ADDRESSES if (life.id, number, address) in found}
            if asked.deleted and 0 < (first_after or 0) - number <= MOST_BLOCKS and not matched:
                continue  # it was being stored when the monitor went
            assert life.at(number) == matched, (life, number)
        told = {row["status"] for row in deliveries if row["monitor_id"] == life.id}
        assert told <= ({"cancelled"} if asked.deleted else {"pending", "waiting"})


async def _no_metrics() -> bytes:
    """Stand in for the metrics of a whole process."""
    return b""
