"""What stands still is told, whatever of it has stopped, and although nobody in it says a word."""

import asyncio
from contextlib import suppress
from functools import partial

import pytest
from structlog.testing import capture_logs

from crypitor.config import Config
from crypitor.database.attempts import Recorded
from crypitor.database.engine import Database
from crypitor.development.listen import Receiver
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.errors import DatabaseUnavailable, NodeUnavailable
from crypitor.evm.types import Header
from crypitor.monitor.index import Index
from crypitor.process.status import Standing
from crypitor.process.watch import STEP_SECONDS, Watch, newest_head
from crypitor.runtime.loop import Health
from crypitor.runtime.metrics import Metrics
from crypitor.runtime.still import STILL_SECONDS
from crypitor.worker import Unobserved
from crypitor.worker.node import Node
from crypitor.worker.nodes import Nodes
from tests.stepped import NETWORK, SECRET, Asked, Stepped

TOLD_SECONDS = 90

CONFIG = Config.model_validate(
    {"networks": {NETWORK: {"chain_id": 1337, "rpc": ["http://127.0.0.1:1"]}}}
)


class Timer:
    """Seconds that pass only when the test says so."""

    now = 5_000.0

    def __call__(self) -> float:
        return self.now


class Claimless:
    """A database whose units write nothing that a sender asked for."""

    def __init__(self, database: Database) -> None:
        self.read = database.read

    async def write(self, *_, **__):
        return Recorded(), {}


class Watched:
    """A service with a watch over it, and the seconds between two looks."""

    def __init__(self, service: Stepped, node: Nodes) -> None:
        self.service = service
        self.health = Health()
        self.timer = Timer()
        self.watch = Watch(
            service.database,
            networks={NETWORK: None},
            heads={NETWORK: partial(newest_head, [node])},
            deliveries=True,
            health=self.health,
            clock=service.clock.unix_ms,
            timer=self.timer,
        )

    async def look(self) -> None:
        """Let time pass until the next look, and take it."""
        self.timer.now += STEP_SECONDS
        await self.watch.step()

    async def until_told(self, live) -> float:
        """Go on with what still lives until something is told; return after how many seconds."""
        began = self.timer.now
        while not self.health.troubles:
            assert self.timer.now - began <= TOLD_SECONDS, "nobody told"
            await live()
            await self.look()
        return self.timer.now - began


@pytest.fixture
async def watched(tmp_path, migrated_sqlite):
    """A service whose chain has three blocks, all told, with its watch."""
    chain = SimulatedChain(7, transfers=(2, 4))
    addresses = tuple(actor.address for actor in chain.actors)
    async with (
        SimulatorServer(chain) as server,
        Receiver(lambda: [SECRET]) as receiver,
        Stepped(
            tmp_path, migrated_sqlite, chain, [server.url], receiver, [Asked(addresses, 1)]
        ) as service,
        Nodes(
            NETWORK,
            [Node(server.url, "own", chain_id=1337, timeout_seconds=5.0, verify="off")],
            observer=Unobserved(),
        ) as node,
    ):
        chain.mine(3)
        await service.settle()
        yield Watched(service, node)


async def nothing() -> None:
    """All has stopped."""


def faults(service):
    """Return what stops → what goes on without it."""

    async def without_worker():
        service.chain.mine()
        await service.match(5)
        await service.send()

    async def without_monitor():
        service.chain.mine()
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await service.follow(1)
        await service.send()

    async def without_queue():
        service.chain.mine()
        await service.follow(1)
        while service.queue.waiting:
            await service.queue.next(0)
        await service.match(1)

    async def without_sender():
        service.chain.mine()
        await service.follow(1)
        await service.match(5)

    async def without_claims():
        await without_sender()
        service.sender._database = Claimless(service.database)
        service.sender._sweep_at = 0
        await service.sender.step()

    return {
        "worker": (without_worker, f"network {NETWORK}"),
        "monitor": (without_monitor, f"network {NETWORK}"),
        "queue": (without_queue, f"network {NETWORK}"),
        "webhook": (without_sender, "deliveries"),
        "claim": (without_claims, "deliveries"),
    }


@pytest.mark.parametrize("stopped", ["worker", "monitor", "queue", "webhook", "claim"])
async def test_whatever_stops_is_told_within_90_seconds(watched, stopped):
    """One line at its beginning, and one at its end with how long it lasted."""
    live, name = faults(watched.service)[stopped]
    with capture_logs() as lines:
        seconds = await watched.until_told(live)
        troubles = watched.health.troubles
        watched.service.sender._database = watched.service.database
        watched.service.chain.mine()
        await watched.service.settle()
        await watched.look()
        await watched.look()
    told = [line for line in lines if line["event"] in ("stands still", "moves again")]

    assert STILL_SECONDS <= seconds <= TOLD_SECONDS
    assert list(troubles) == [name]
    assert watched.health.troubles == {}
    assert [line["event"] for line in told] == ["stands still", "moves again"]
    assert told[0]["trouble"] == troubles[name]
    assert told[1]["seconds"] > 0


async def test_a_sender_that_claims_and_then_hangs_is_told(watched):
    """What was never tried is due, although its claim has put that off."""
    watched.service.chain.mine()
    await watched.service.follow(1)
    await watched.service.match(5)
    await watched.service.database.write(
        lambda tx: tx.run("update deliveries set due_at = due_at + 60000 where status = 'pending'")
    )

    assert await watched.until_told(nothing) <= TOLD_SECONDS
    assert list(watched.health.troubles) == ["deliveries"]


async def test_a_service_that_works_is_never_told(watched):
    """Neither while blocks come nor in an hour without any."""
    for minute in range(60):
        if minute < 10:
            watched.service.chain.mine()
            await watched.service.settle()
        for _ in range(12):
            await watched.look()
            assert watched.health.troubles == {}


async def test_what_waits_for_its_endpoint_is_not_told(watched):
    """An endpoint that is switched off, or whose circuit is open, and a retry that is not due."""
    service = watched.service
    service.chain.mine()
    await service.follow(1)
    await service.match(5)
    later = service.clock.unix_ms() + 10**9

    async def put(what):
        await service.database.write(lambda tx: tx.run(what, later=later))

    for waiting, over in (
        ("update endpoints set enabled = 0", "update endpoints set enabled = 1"),
        (
            "update endpoints set circuit_until = :later",
            "update endpoints set circuit_until = null",
        ),
        (
            "update deliveries set attempts = 1, due_at = :later where status = 'pending'",
            "update deliveries set attempts = 0, due_at = 0 where status = 'pending'",
        ),
    ):
        await put(waiting)
        for _ in range(60):
            await watched.look()
        assert watched.health.troubles == {}
        await put(over)
    assert await watched.until_told(nothing)


async def test_what_the_worker_says_itself_is_not_said_twice(watched):
    """Its own sentence is better; once it is over, the watch speaks if nothing moves."""
    watched.health.begin(f"worker {NETWORK}", "no node answers")
    watched.service.chain.mine(30)
    for _ in range(30):
        await watched.look()
    told = watched.health.troubles
    watched.health.end(f"worker {NETWORK}")
    await watched.look()

    assert told == {f"worker {NETWORK}": "no node answers"}
    assert list(watched.health.troubles) == [f"network {NETWORK}"]


async def test_it_shows_in_the_networks_and_in_the_metrics(watched):
    """State `waiting` with the reason, and crypitor_network_trouble is 1, until it moves again."""
    metrics = Metrics()
    standing = Standing(
        CONFIG, ("api",), watched.health, metrics, watched.service.database, Index(),
        watched.service.matcher, [watched.service.follower], None, watched.watch,
    )  # fmt: skip
    before = standing.status()[NETWORK], (await standing.render()).decode()
    live, _ = faults(watched.service)["queue"]
    await watched.until_told(live)
    told = standing.status()[NETWORK], (await standing.render()).decode()
    watched.service.chain.mine()
    await watched.service.settle()
    await watched.look()
    after = standing.status()[NETWORK], (await standing.render()).decode()

    assert told[0]["state"] == "waiting"
    assert told[0]["trouble"].startswith("the tip 3 has not moved for 60 s")
    assert f'crypitor_network_trouble{{network="{NETWORK}"}} 1.0' in told[1]
    for shown, text in (before, after):
        assert (shown["state"], shown["trouble"]) == ("following", None)
        assert f'crypitor_network_trouble{{network="{NETWORK}"}} 0.0' in text


async def test_a_database_that_does_not_answer_is_told(watched):
    """A look that hangs is not joined by others; when it ends, the next one finds all well."""
    answer, asked = asyncio.Event(), []

    class Silent:
        async def read(self, work):
            asked.append(work)
            await answer.wait()
            return await watched.service.database.read(work)

    watched.watch = Watch(
        Silent(),
        networks={},
        heads={},
        deliveries=True,
        health=watched.health,
        clock=watched.service.clock.unix_ms,
        timer=watched.timer,
        answer_seconds=0.01,
    )
    for _ in range(8):
        await watched.look()
    told = watched.health.troubles
    answer.set()
    async with asyncio.timeout(10):
        while watched.health.troubles:
            await watched.look()

    assert told == {"database": "the database has not answered for 40 s"}
    assert len(asked) <= 2


async def test_the_highest_head_of_the_nodes_counts():
    """One that is behind or fails is no reason to see less; all failing is told with all reasons."""

    class One:
        def __init__(self, shown):
            self.shown = shown

        async def header_at(self, _):
            if isinstance(self.shown, Exception):
                raise self.shown
            return self.shown

    header = Header(7, "0xa", "0xb", 0)
    gone = NodeUnavailable("node 1: cannot connect")

    assert await newest_head([One(gone), One(None), One(header)]) == 7
    with pytest.raises(NodeUnavailable, match="node 1: cannot connect; has no latest block"):
        await newest_head([One(gone), One(None)])
    with pytest.raises(DatabaseUnavailable):
        await newest_head([One(DatabaseUnavailable("never"))])
