"""kill -9 at random moments: nothing is lost, nothing is invented."""

import asyncio
import contextlib
import os
import random
import sqlite3
import time
from dataclasses import dataclass, replace

import msgspec
import pytest

from crypitor.development.listen import Receiver
from crypitor.development.simulator.audit import Question, audit, out_of_order
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.chaos import Chaos
from crypitor.development.simulator.faults import Fault
from crypitor.development.simulator.rpc import SimulatorServer
from tests.forked import ForkedService
from tests.patience import HANG_SECONDS
from tests.rig import heard, until_all_is_sent

CONFIRMATIONS = 4
LEASE_SECONDS = "2"
DEEPEST_REORG = 5


@dataclass(frozen=True, slots=True)
class Load:
    """What the service is given to do, and how it is killed at that.

    transfers, actors: of the chain.  monitors: of the same five actors.  blocks: in each life.
    deepest: of the reorgs that it sees in a life, and of those between two lives.
    pause_seconds: the longest from the first of a life's news to the kill.
    torn: so many kills at least have to leave a part of a block, and others follow until they did.
    """

    blocks: int = 5
    transfers: tuple[int, int] = (20, 60)
    actors: int = 100
    monitors: int = 1
    deepest: tuple[int, int] = (DEEPEST_REORG, DEEPEST_REORG)
    pause_seconds: float = 0.5
    torn: int = 0


IN_PARTS = Load(
    blocks=1,
    transfers=(70, 90),
    actors=5,
    monitors=4,
    deepest=(1, 3),
    pause_seconds=0.012,
    torn=2,
)
"""Blocks of some 540 matches, of which a transaction has 200; one takes some 10 ms."""


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.soak)])
async def test_killed_again_and_again(tmp_path, kills):
    """
    After kills in the middle of blocks and reorgs every webhook has arrived, and at the ordered
    endpoint in its place.
    """
    await killed(tmp_path, kills, seed_or(1), Load())


async def test_killed_between_the_parts_of_a_block(tmp_path):
    """
    The same where a kill leaves some of a block's matches without the block.

    With this seed one such block comes next again, one is left and gone back to, one is left.
    """
    torn = await killed(tmp_path, 3, seed_or(4), IN_PARTS)

    assert len(torn) >= IN_PARTS.torn


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_killed_between_parts_again_and_again(tmp_path):
    """
    The same with thirty kills, after which the same block comes again, or another one.
    """
    torn = await killed(tmp_path, 30, seed_or(5), replace(IN_PARTS, torn=15))

    assert len(torn) >= 15
    assert {*torn} == {True, False}


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_two_hundred_kills(tmp_path):
    """
    The same with two hundred kills, of a service whose node fails and lies.
    """
    rates = dict.fromkeys(Fault, 0.005)
    await killed(tmp_path, 200, seed_or(2), Load(blocks=4), rates)


def seed_or(usual):
    """Return what a test's chances come of."""
    return int(os.environ.get("CRYPITOR_TEST_SEED", usual))


async def killed(folder, kills, seed, load, rates=None):
    """
    Grow and fork a chain in each of the service's lives, kill it, and audit the outcome.

    Returns of each kill that left a part of a block whether the chain still had the block when the
    service came back.
    """
    chance = random.Random(seed)
    chain = SimulatedChain(seed, transfers=load.transfers, actors=load.actors)
    chaos = Chaos(seed, rates or {})
    secrets = []
    async with (
        SimulatorServer(chain, chaos=chaos) as node,
        Receiver(lambda: secrets) as receiver,
    ):
        service = service_of(folder, node)
        await service.start()
        ordered = await service.post(
            "/v1/endpoints", {"url": f"{receiver.url}/ordered", "ordered": True}
        )
        secrets.append(ordered["secret"])
        questions = [
            await ask(service, chain, receiver, secrets, endpoints=endpoints)
            for endpoints in ([ordered["id"]], *[[]] * (load.monitors - 1))
        ]
        torn = await lives(service, chain, chance, load, kills)
        chaos.switch({})
        highest = max(chain.heights_reached().values())
        chain.mine(highest + CONFIRMATIONS - chain.head.number)
        await service.until_tip("dev", chain.head.number)
        await until_all_is_sent(service, receiver)
        log = await service.events()
        counted = await counts_of(service)
        status = await service.stop()
        told = heard(receiver)
        paths = [received.path for received in receiver.received]

    heard_at = {
        name: [one for one, path in zip(told, paths, strict=True) if path == name]
        for name in ("/hook", "/ordered")
    }
    found, in_order = (
        audit(chain, asked, heard_at[name], chain.head.number, steady_node=not rates)
        for name, asked in (("/hook", questions), ("/ordered", questions[:1]))
    )
    print(f"{kills} kills, {len(torn)} within a block, {sum(torn)} of them came again, "
          f"{chain.head.number} blocks, {chain.reorg_count} reorgs, "
          f"{found.webhooks} webhooks, {found.repeated} repeated, in order {in_order.webhooks}, "
          f"{in_order.repeated} repeated, {found.reverted} of reverted matches, "
          f"{sum(chaos.fired.values())} faults")  # fmt: skip
    assert found.problems == in_order.problems == [], f"seed {seed}"
    by_hook = {
        one.id: one.body
        for one in receiver.received
        if one.path == "/hook" and one.body.startswith(b'{"type":"match.')
    }
    assert [event["position"] for event in log] == sorted({event["position"] for event in log})
    assert told_in(log) == sorted(by_hook.values())
    assert counted == {name: rows(folder, sql)[0][0] for name, sql in COUNTED.items()}
    assert out_of_order(queued(folder, ordered["id"]), heard_at["/ordered"]) == []
    assert in_order.expected * load.monitors == found.expected
    assert found.expected > kills * load.blocks
    assert found.reverted or kills < 20, "no reorg was seen"
    assert status == 0
    return torn


COUNTED = {
    "detected": "select count(*) from events where type = 'match.detected'",
    "confirmed": "select count(*) from events where type = 'match.confirmed'",
    "ended": "select count(*) from events where type = 'match.ended'",
    "reverted": "select count(*) from events where type = 'match.reverted'",
    "delivered": "select count(*) from deliveries where status = 'delivered'",
    "failed": "select count(*) from deliveries where status = 'failed'",
    "cancelled": "select count(*) from deliveries where status = 'cancelled'",
    "taken": "select count(*) from attempts where error is null",
    "refused": "select count(*) from attempts where error is not null and status_code is not null",
    "unanswered": "select count(*) from attempts where status_code is null",
}
"""What statistics count → how many rows there are of it."""


async def counts_of(service):
    """Return the sums of the last two hours, once all is counted."""
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))
    async with asyncio.timeout(HANG_SECONDS):
        while not (stats := await service.get(f"/v1/stats?step=hour&since={since}"))["complete"]:
            await asyncio.sleep(0.05)
    total = stats["total"]
    return {**total["matches"], **total["deliveries"], **total["attempts"]}


def told_in(log):
    """Return the events of matches as the bodies that webhooks have of them.

    Beside them it has those of endpoints, where a busy machine let one be late too often.
    """
    for event in log:
        del event["position"]
    of_matches = [event for event in log if event["type"].startswith("match.")]
    return sorted(msgspec.json.encode(event) for event in of_matches)


def service_of(folder, node):
    """Return a service that follows the chain closely and sends again soon."""
    return ForkedService(
        folder,
        {
            "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
            "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
            "CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": str(CONFIRMATIONS),
            "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.02",
            "CRYPITOR__NETWORKS__DEV__START": "0",
            "CRYPITOR__NETWORKS__DEV__TIMEOUT_SECONDS": "0.5",
            "CRYPITOR__WEBHOOK__SCHEDULE_SECONDS": "[0.05, 0.1, 0.5, 1, 2, 5]",
            "CRYPITOR__WEBHOOK__LEASE_SECONDS": LEASE_SECONDS,
            "CRYPITOR__WEBHOOK__TIMEOUT_SECONDS": "1",
        },
    )


async def lives(service, chain, chance, load, kills):
    """Let the service live and be killed so often, and return what `killed` returns.

    Most times it knows the whole chain before that moves on: only so it sees reorgs.
    """
    torn = []
    life = 0
    while life < kills or len(torn) < load.torn:
        assert life < 10 * kills, f"only {len(torn)} kills left a part of a block"
        life += 1
        if chance.random() < 0.8:
            await service.until_tip("dev", chain.head.number)
        fork(chain, chance, load.deepest[0])
        chain.mine(load.blocks)
        before = queued_count(service.folder)
        async with asyncio.timeout(HANG_SECONDS):
            while queued_count(service.folder) == before:
                await asyncio.sleep(0.001)
        await asyncio.sleep(chance.uniform(0, load.pause_seconds))
        await service.kill()
        left = part_of_a_block(service.folder)
        fork(chain, chance, load.deepest[1])
        if left:
            torn.append(chain.is_canonical(chain.by_hash(left)))
        await service.start()
    return torn


def rows(folder, sql, *values):
    """Ask the service's database, and leave it as it is: to recover is the service's part."""
    address = f"file:{folder}/crypitor.db?mode=ro"
    with contextlib.closing(sqlite3.connect(address, uri=True)) as database:
        return database.execute(sql, values).fetchall()


def queued(folder, endpoint_id):
    """Return what was queued for an endpoint, in its order."""
    sql = "select id from deliveries where endpoint_id = ? order by position"
    return [row[0] for row in rows(folder, sql, endpoint_id)]


def queued_count(folder):
    """Return how much was queued so far."""
    return rows(folder, "select coalesce(max(position), 0) from deliveries")[0][0]


def part_of_a_block(folder):
    """Return the hash of the block of which there are matches, but not the block; None if none."""
    found = rows(
        folder,
        """select distinct block_hash from matches where phase <> 'reverted'
            and block_number > (select max(number) from headers)""",
    )
    assert len(found) <= 1, "parts of several blocks"
    return found[0][0] if found else None


def fork(chain, chance, deepest=DEEPEST_REORG):
    """Reorganise every second time, to a longer or a shorter branch, or back to an earlier one."""
    deepest = min(deepest, chain.deepest_reorg)
    if deepest == 0 or chance.random() < 0.5:
        return
    near = chain.head.number - deepest
    heads = [
        head
        for head in chain.orphaned_heads()[-3:]
        if chain.branch_to(head.hash).blocks[0].number > near
    ]
    if heads and chance.random() < 0.5:
        chain.go_back(chance.choice(heads).hash)
        return
    depth = chance.randint(1, deepest)
    chain.reorg(depth, depth + chance.randint(-1, 2))


async def ask(service, chain, receiver, secrets, network="dev", endpoints=()):
    """Watch five busy actors with all rules."""
    addresses = [actor.address for actor in chain.actors[:5]]
    monitor = await service.post(
        "/v1/monitors",
        {
            "name": "Treasury",
            "networks": [network],
            "addresses": addresses,
            "endpoints": [*endpoints],
            "webhook": {"url": f"{receiver.url}/hook"},
        },
    )
    secrets.append(monitor["webhook"]["secret"])
    armed_from = monitor["armed_from"][network] or 0
    return Question(monitor["id"], armed_from, CONFIRMATIONS, addresses=frozenset(addresses))
