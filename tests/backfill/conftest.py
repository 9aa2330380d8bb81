"""A simulated chain behind a real node, a database, the live path in short, and a backfill."""

import asyncio
import json
import pickle
import shutil
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import pytest

from crypitor.backfill.runner import Backfill
from crypitor.database.addresses import insert_addresses
from crypitor.database.blocks import BlockEffect, save_blocks
from crypitor.database.engine import Database
from crypitor.database.jobs import get_job, insert_job
from crypitor.database.monitors import insert_monitor
from crypitor.database.networks import lead, position_of
from crypitor.development.simulator.audit import Heard, Question, audit
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.monitor.index import Index
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import DEFAULT_RULES, Monitor, Phase
from crypitor.monitor.position import Extends, place
from crypitor.process.observer import Observer
from crypitor.runtime.metrics import Metrics
from crypitor.webhook.message import NetworkTitle
from crypitor.worker import Unobserved
from crypitor.worker.node import Node
from crypitor.worker.nodes import Nodes
from tests.conftest import postgres_database
from tests.patience import HANG_SECONDS
from tests.worker.faulty import FaultyNode

CHAIN_ID = 1337
NETWORK = "dev"
KEEP = 9
CONFIRMATIONS = 3
PROJECT = "pr_1"
BUSY, QUIET, NOBODY = slice(3), slice(4, 5), slice(0)
"""Which actors of the chain a monitor watches."""


class Rig:
    """One network of which blocks up to `tip` are matched.

    options: of Backfill.  node: stands between the chain and the backfill, so that it can misbehave.
    """

    def __init__(self, database, chain, server, faulty):
        self.database = database
        self.chain = chain
        self.server = server
        self.node = faulty
        self.index = Index()
        self.woken = []
        self.metrics = Metrics()
        self.now = 1_800_000_000_000
        self._sequence = 0
        self._stack = AsyncExitStack()
        self._jobs = 0
        self.term = None

    async def __aenter__(self):
        self._live = self._nodes(self.server.url)
        await self._stack.enter_async_context(self._live)
        await self.begin()
        return self

    async def __aexit__(self, *_):
        await self._stack.aclose()

    def _nodes(self, url, verify="receipts", profile=None):
        options = {"timeout_seconds": 2 * HANG_SECONDS, "verify": verify, "profile": profile}
        node = Node(url, "node", chain_id=CHAIN_ID, **options)
        return Nodes(NETWORK, [node], observer=Unobserved())

    async def begin(self, verify="receipts", confirmations=CONFIRMATIONS, profile=None, **options):
        """What a start of the process does: another term, nothing remembered."""
        self.term = await self.database.write(lambda tx: lead(tx, NETWORK, CHAIN_ID))
        term = self.term
        nodes = await self._stack.enter_async_context(self._nodes(self.node.url, verify, profile))
        self.backfill = Backfill(
            NETWORK,
            CHAIN_ID,
            NetworkTitle("Dev"),
            nodes,
            self.database,
            term=lambda: term,
            confirmations=confirmations,
            keep=KEEP,
            in_flight=4,
            requests_per_second=1e6,
            wake=self.woken.extend,
            clock=lambda: self.now,
            observer=Observer(self.metrics),
            **options,
        )

    async def monitor(self, actors=BUSY, rules=DEFAULT_RULES, name="mo_1", live=False, **changes):
        """Store a monitor of some actors; `live` lets the live path match it from now on."""
        values = {
            "project_id": PROJECT,
            "name": name,
            "networks": (NETWORK,),
            "rules": rules,
            "any_address": False,
            "endpoints": ("ep_1",),
            "notify": frozenset(Phase),
            "confirmations": None,
            "tags": (),
            "note": "",
            "enabled": True,
            "created_at": 0,
            "updated_at": 0,
            **changes,
        }
        monitor = Monitor(id=name, **values)
        addresses = [actor.address for actor in self.chain.actors[actors]]
        pairs = [(address, None) for address in addresses]

        async def work(tx):
            await insert_monitor(tx, monitor)
            await insert_addresses(tx, name, pairs)

        await self.database.write(work)
        if live:
            self.index.put(monitor)
            self.index.add_addresses(name, pairs)
        return monitor

    def counted(self):
        """Return what /metrics tells of matches, by kind."""
        [family] = self.metrics.matches.collect()
        return {sample.labels["kind"]: sample.value for sample in family.samples}

    async def live(self):
        """Let the live path match everything up to the head, through a reorg if there was one."""
        numbers = range(self.chain.head.number + 1)
        position = await self.position()
        known = {header.hash for header in position.headers}
        ancestor = max((n for n in numbers if self.chain.by_number(n).hash in known), default=-1)
        for number in numbers[ancestor + 1 :]:
            block = await self._live.block(number)
            await self._match(block)

    async def _match(self, block):
        position = await self.position()
        sequence = position.sequence + 1
        placed = place(position, sequence, block.header)
        assert isinstance(placed, Extends)
        effect = BlockEffect(
            network=NETWORK,
            chain_id=CHAIN_ID,
            title=NetworkTitle("Dev"),
            sequence=sequence,
            header=block.header,
            ancestor_number=placed.ancestor.number if placed.ancestor else None,
            matches=[
                (match, match.monitor.confirmations or CONFIRMATIONS)
                for match in find_matches(block, NETWORK, CHAIN_ID, self.index)
            ],
            safe=None,
            finalized=None,
            oldest_kept=block.header.number - KEEP + 1,
            now=self.now,
        )
        await self.database.write(lambda tx: save_blocks(tx, [effect], position.sequence))

    async def position(self):
        return await self.database.read(lambda tx: position_of(tx, NETWORK, KEEP))

    async def job(self, first, last, monitor="mo_1"):
        """Start a backfill; returns its id."""
        self._jobs += 1
        name = f"jo_{self._jobs}"
        await self.database.write(
            lambda tx: insert_job(
                tx, name, PROJECT, monitor, NETWORK, range(first, last + 1), self.now
            )
        )
        return name

    async def read(self, job="jo_1"):
        return await self.database.read(lambda tx: get_job(tx, PROJECT, job))

    async def settle(self):
        """Step until no job can go on."""
        for _ in range(2000):
            if not await self.backfill.step():
                return
        raise AssertionError("the backfill never comes to rest")

    async def step_while(self, happens):
        """Do a step during which something happens between question and answer of the node."""
        self.node.posts.clear()
        self.node.hanging, self.node._released = True, asyncio.Event()
        step = asyncio.create_task(self.backfill.step())
        while not self.node.posts and not step.done():
            await asyncio.sleep(0)
        await happens()
        self.node.heal()
        return await step

    async def change(self, sql, **values):
        await self.database.write(lambda tx: tx.run(sql, **values))

    async def rows(self, sql, **values):
        return await self.database.read(lambda tx: tx.all(sql, **values))

    async def told(self, endpoint="ep_1"):
        """Every webhook for an endpoint, as a receiver would hear them."""
        rows = await self.rows(
            "select id, body, phase, follows from deliveries where endpoint_id = :endpoint",
            endpoint=endpoint,
        )
        before = {row["id"]: row["follows"] for row in rows}

        def depth(delivery):
            return 0 if before[delivery] is None else 1 + depth(before[delivery])

        rows.sort(key=lambda row: depth(row["id"]))
        return [Heard(row["id"], row["body"].encode(), json.loads(row["body"])) for row in rows]

    async def problems(self, first, last, **asked):
        """What is missing or wrong in what was told of these blocks, and how much was expected."""
        actors = asked.pop("actors", BUSY)
        parties = frozenset(actor.address for actor in self.chain.actors[actors])
        question = Question("mo_1", first, CONFIRMATIONS, parties, **asked)
        found = audit(self.chain, [question], await self.told(), last)
        return found.problems, found.expected

    def asked(self, method):
        """How often the backfill asked its node for something."""
        return sum(post.count(method) for post in self.node.posts)


ENDPOINT = """insert into endpoints (id, project_id, url, description, format, headers, ordered,
        enabled, state, secret, failures_in_row, created_at, updated_at)
    values (:id, 'pr_1', 'http://x', '', 'standard', '{}', 0, 1, 'healthy', '', 0, 0, 0)"""


@pytest.fixture(scope="session")
def mined():
    """A chain to be copied: signing its transactions takes ten times as long."""
    chain = SimulatedChain(11, chain_id=CHAIN_ID, transfers=(2, 6), actors=30, safe_depth=2, finalized_depth=4, withdrawals=(0, 3))  # fmt: skip
    chain.mine(80)
    return pickle.dumps(chain)


@pytest.fixture
def chain(mined):
    return pickle.loads(mined)


@asynccontextmanager
async def rig_of(database, chain):
    async with (
        SimulatorServer(chain) as server,
        FaultyNode(server.url) as faulty,
        Rig(database, chain, server, faulty) as rig,
    ):
        yield rig


async def live_through(url, chain):
    """Let a database have matched the chain before there was any monitor."""

    async def work(tx):
        await tx.run("insert into projects (id, name, created_at) values ('pr_1', 'one', 0)")
        for endpoint in ("ep_1", "ep_2"):
            await tx.run(ENDPOINT, id=endpoint)

    async with Database.open(url) as database, rig_of(database, chain) as rig:
        await database.write(work)
        await rig.live()


# What `migrated` names, and `database` copies, is a database that has matched the whole chain: a
# rig of its own for each test would need a second for that.


@pytest.fixture(scope="session")
def migrated_sqlite(migrated_sqlite, mined, tmp_path_factory):
    path = tmp_path_factory.mktemp("lived") / "crypitor.db"
    shutil.copy(migrated_sqlite, path)
    asyncio.run(live_through(f"sqlite:///{path}", pickle.loads(mined)))
    return path


@pytest.fixture(scope="session")
def migrated_postgresql(migrated_postgresql, mined):
    with asyncio.Runner() as runner:
        creation = postgres_database(migrated_postgresql)
        url = runner.run(creation.__aenter__())
        runner.run(live_through(url, pickle.loads(mined)))
        yield urlsplit(url).path.removeprefix("/")
        runner.run(creation.__aexit__(None, None, None))


@pytest.fixture
async def rig(database: Database, chain):
    async with rig_of(database, chain) as rig:
        yield rig
