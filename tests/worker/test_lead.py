import asyncio
import shutil
import sqlite3
from contextlib import closing

import pytest

from crypitor.database.engine import Database
from crypitor.database.networks import ask_rewind, rewind_asked
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.queue.memory import MemoryQueue
from crypitor.worker.lead import Lead
from tests.webhook.world import until
from tests.worker.following import CHAIN_ID, KEPT, NETWORK, Rig


@pytest.fixture
async def chain():
    chain = SimulatedChain(5)
    chain.mine(10)
    return chain


@pytest.fixture
async def workers(database, chain):
    """Two workers of one network, with leases, in front of one queue."""
    queue = MemoryQueue(limit=10_000)

    def lead(leader):
        return Lead(NETWORK, CHAIN_ID, database, leader=leader, lease_seconds=60)

    async with (
        SimulatorServer(chain) as node,
        Rig(database, node.url, queue=queue, lead=lead("one")) as one,
        Rig(database, node.url, queue=queue, lead=lead("two")) as two,
    ):
        yield one, two


async def end_lease(database):
    """What is so when a leader has been silent for too long."""
    await database.write(lambda tx: tx.run("update networks set leased_until = 0"))


async def test_one_worker_leads(workers):
    """The second one stands by, and publishes nothing, as long as the lease lasts."""
    one, two = workers
    await one.settle()
    before = list(one.consumer.told)
    await two.settle()

    assert one.follower.status.state == "following"
    assert two.follower.status.state == "standby"
    assert two.follower.term is None
    assert two.consumer.told == []
    assert before == [*range(11)]


async def test_the_lead_passes_on(workers, chain, database):
    """After the lease the other one goes on from what was matched; each block takes effect once."""
    one, two = workers
    await one.settle()
    await two.settle()
    await end_lease(database)
    chain.mine(3)
    await two.settle()

    told = [message.block.header.number for message in two.consumer.taken]
    assert told == [11, 12, 13]
    assert two.follower.term == 2


async def test_a_paused_leader_does_no_harm(workers, chain, database):
    """What it publishes before it notices takes no effect, and it leaves a rewind to the new one."""
    one, two = workers
    await one.settle()
    await end_lease(database)
    await two.settle()
    chain.reorg(2, 4)
    await two.settle()
    one.clock.now += 10_000
    await database.write(lambda tx: ask_rewind(tx, NETWORK))
    while await one.follower.step():
        pass
    asked = await database.read(lambda tx: rewind_asked(tx, NETWORK))
    taken = len(two.consumer.taken)
    await two.consumer.take()

    assert two.consumer.told[-1] <= chain.head.number
    assert len(two.consumer.taken) == taken
    assert await two.consumer.hashes() == chain.canonical()[-KEPT:]
    assert asked


async def test_a_leader_notices_that_it_lost_the_lead(workers, database):
    """At its next beat it stands by; the other's next beat keeps the lead."""
    one, two = workers
    await one.settle()
    await end_lease(database)
    await two.settle()
    await one.follower._lead.beat()
    await two.follower._lead.beat()

    assert not await one.follower.step()
    assert one.follower.status.state == "standby"
    assert two.follower.status.state == "following"


async def test_leaving_hands_the_lead_over_at_once(workers):
    """A worker that is stopped is not waited for."""
    one, two = workers
    await one.settle()
    await one.follower._lead.leave()
    await two.settle()

    assert two.follower.term == 2


@pytest.fixture
async def sqlite(tmp_path, migrated_sqlite):
    """A database of which another program can hold the lock: then no unit writes."""
    shutil.copy(migrated_sqlite, tmp_path / "locked.db")
    async with Database.open(f"sqlite:///{tmp_path}/locked.db") as database:
        with closing(sqlite3.connect(tmp_path / "locked.db", isolation_level=None)) as other:
            yield database, other


async def test_a_leader_that_cannot_keep_its_lease_stands_by(sqlite, chain):
    """Once its lease has ended somebody else may lead: it says so, and takes the lead anew later."""
    database, other = sqlite
    lead = Lead(NETWORK, CHAIN_ID, database, "one", 0.2)
    stop = asyncio.Event()
    async with (
        SimulatorServer(chain) as node,
        Rig(database, node.url, queue=MemoryQueue(limit=10_000), lead=lead) as rig,
    ):
        await rig.settle()
        before = rig.follower.status
        keeping = asyncio.create_task(lead.keep(stop))
        other.execute("begin immediate")
        await until(lambda: lead.term is None, 30)
        meanwhile = rig.follower.status
        other.execute("rollback")
        await rig.settle()
        after = rig.follower.status
        stop.set()
        await keeping

    assert (before.state, before.trouble) == ("following", None)
    assert meanwhile.state == "waiting"
    assert "the lead could not be kept" in meanwhile.trouble
    assert (after.state, after.trouble) == ("following", None)
    assert lead.term == 2


async def test_a_beat_that_is_late_but_kept_loses_nothing(sqlite):
    """What nobody took in the meantime is led on, in the same term."""
    database, _ = sqlite
    lead = Lead(NETWORK, CHAIN_ID, database, "one", 0.01)
    stop = asyncio.Event()
    await lead.take(lambda tx: tx.value("select 1"))
    await end_lease(database)
    keeping = asyncio.create_task(lead.keep(stop))
    leased = "select leased_until from networks"
    async with asyncio.timeout(30):
        while not await database.read(lambda tx: tx.value(leased)):
            await asyncio.sleep(0.01)
    stop.set()
    await keeping

    assert (lead.term, lead.doubt) == (1, None)
