"""The broker's troubles: whatever happens to it, nothing is lost, invented or restarted by hand."""

import asyncio
import signal
import time
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from crypitor.errors import BrokerUnavailable
from tests.conftest import POSTGRES, postgres_database
from tests.live.kafka.broker import Broker
from tests.live.kafka.story import Story, story
from tests.patience import HANG_SECONDS
from tests.queue.messages import message

pytestmark = pytest.mark.live

PAUSED_SECONDS = 310.0

SLOW_BLOCK_SECONDS = 1.0
"""While one is paused for so long: it is only shown that the others go on."""

LONG_SECONDS = 35.0
"""Longer than any limit between a client and its broker, and than a role's longest pause."""


async def down(told: Story, seconds: float) -> None:
    """Stopped in good order, and away for a while."""
    await asyncio.to_thread(told.kafka.stop)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(told.kafka.start)


async def killed(told: Story, seconds: float) -> None:
    """As by a power cut, and back with its disk."""
    await asyncio.to_thread(told.kafka.kill)
    await asyncio.sleep(seconds / 10)
    await asyncio.to_thread(told.kafka.start)


async def emptied(told: Story, seconds: float) -> None:
    """Killed, and back with an empty disk: topic, blocks and offsets are gone."""
    await asyncio.to_thread(told.kafka.kill)
    told.kafka.wipe()
    await asyncio.sleep(seconds / 10)
    await asyncio.to_thread(told.kafka.start)


async def hung(told: Story, seconds: float) -> None:
    """Its connections are open and nothing answers."""
    told.kafka.send(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    told.kafka.send(signal.SIGCONT)


async def deleted(told: Story, seconds: float) -> None:
    """The topic is deleted, with what was in it."""
    await _by_admin(told, lambda admin: admin.delete_topics([told.topic]))
    await asyncio.sleep(seconds / 10)


async def grown(told: Story, seconds: float) -> None:
    """The topic gets more partitions, and the chain falls to another one."""
    wanted = {told.topic: NewPartitions(total_count=13)}
    await _by_admin(told, lambda admin: admin.create_partitions(wanted))
    await asyncio.sleep(seconds / 10)


async def paused(told: Story, seconds: float) -> None:
    """The service is stopped in mid-stream for longer than its session with the broker."""
    process = told.service.process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(max(seconds, 11))
    process.send_signal(signal.SIGCONT)


TROUBLES = (down, killed, emptied, hung, deleted, grown, paused)


async def _by_admin(told: Story, work) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=told.kafka.servers)
    await admin.start()
    try:
        await work(admin)
    finally:
        await admin.close()


async def test_one_trouble_after_another(kafka: Broker, prefix: str, tmp_path):
    """One life of the service lasts through all that can happen to its broker."""
    async with story(tmp_path, kafka, prefix) as told:
        await told.catch_up()
        for trouble in (down, killed, emptied, deleted, grown):
            await trouble(told, 5)
            took = await told.catch_up()
            print(f"{trouble.__name__}: caught up in {took:.1f} s")


async def test_down_at_start_and_at_the_end(kafka: Broker, prefix: str, tmp_path):
    """The service answers and waits while there is no broker; and it ends in time without one."""
    await _down_at_start_and_at_the_end(kafka, prefix, tmp_path, 1)


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_long_down_at_start(kafka: Broker, prefix: str, tmp_path):
    """The same, as there is no broker for longer than any limit of ours."""
    await _down_at_start_and_at_the_end(kafka, prefix, tmp_path, LONG_SECONDS)


async def _down_at_start_and_at_the_end(
    kafka: Broker, prefix: str, folder: Path, seconds: float
) -> None:
    await asyncio.to_thread(kafka.stop)
    async with story(folder, kafka, prefix, ready=503) as told:
        await asyncio.sleep(seconds)
        assert (await told.service.get("/healthz"))["status"] == "ok"
        await asyncio.to_thread(kafka.start)
        took = await told.catch_up()
        print(f"down at start for {seconds:g} s: caught up in {took:.1f} s")
    other = told.process()
    await other.start(ready=503)  # the chain's node has gone with the story
    await asyncio.to_thread(kafka.kill)
    began = time.monotonic()

    assert await other.stop() == 0
    assert time.monotonic() - began < 10


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_long_trouble(kafka: Broker, prefix: str, tmp_path, trouble):
    """Each trouble for longer than any limit that a client has."""
    async with story(tmp_path, kafka, prefix) as told:
        await told.catch_up()
        await trouble(told, LONG_SECONDS)
        took = await told.catch_up(120)
        print(f"{trouble.__name__}: caught up in {took:.1f} s")


async def churn(told: Story, seconds: float) -> None:
    """Two more matchers join and leave every few seconds, in good order and without."""
    until = time.monotonic() + seconds
    lives = 0

    async def come_and_go(rest_seconds: float) -> None:
        nonlocal lives
        while time.monotonic() < until:
            member = told.process("monitor")
            await member.start_without_api()
            await asyncio.sleep(rest_seconds)
            lives += 1
            await (member.kill() if lives % 2 else member.stop())

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(come_and_go(3.0))
        tasks.create_task(come_and_go(4.0))
    print(f"{lives} lives")


@pytest.mark.soak
@pytest.mark.timeout(1500)
async def test_a_matcher_paused_for_longer_than_it_may_be_busy(
    kafka: Broker, prefix: str, tmp_path
):
    """Its chain falls to another matcher; and it matches again, when it goes on and that one ends.

    With SIGSTOP, for more than the 300 s (max.poll.interval) that a consumer may take for a block.
    """
    assert POSTGRES, "several processes share a PostgreSQL"
    async with postgres_database() as url:
        more = {"CRYPITOR__DATABASE__URL": url}
        roles = ("worker", "webhook", "api")
        async with story(tmp_path, kafka, prefix, more=more, roles=roles) as told:
            first, second = told.process("monitor"), told.process("monitor")
            await first.start()
            await told.catch_up()
            first.process.send_signal(signal.SIGSTOP)
            told.block_seconds = SLOW_BLOCK_SECONDS
            began = time.monotonic()
            await second.start()
            taken_over = await told.catch_up()
            await asyncio.sleep(began + PAUSED_SECONDS - time.monotonic())
            first.process.send_signal(signal.SIGCONT)
            together = await told.catch_up()
            await second.kill()
            alone = await told.catch_up()
            print(f"caught up in {taken_over:.1f} s by the other, in {together:.1f} s together, "
                  f"in {alone:.1f} s alone again")  # fmt: skip


async def _churned(kafka: Broker, prefix: str, folder, seconds: float) -> None:
    assert POSTGRES, "several processes share a PostgreSQL"
    async with postgres_database() as url:
        more = {"CRYPITOR__DATABASE__URL": url}
        async with story(folder, kafka, prefix, more=more) as told:
            await told.catch_up()
            await churn(told, seconds)


async def test_members_that_come_and_go(kafka: Broker, prefix: str, tmp_path):
    """A group that is always about to settle loses nothing and does nothing twice."""
    await _churned(kafka, prefix, tmp_path, 8)


@pytest.mark.soak
@pytest.mark.timeout(1200)
async def test_members_that_come_and_go_for_long(kafka: Broker, prefix: str, tmp_path):
    """The same for a minute and a half."""
    await _churned(kafka, prefix, tmp_path, 90)


async def test_a_consumer_that_is_busy_for_too_long(open_queue):
    """Past max.poll.interval all its chains fall to another one; what it does then does no harm."""
    chains = range(1, 13)
    producer, slow = open_queue(), open_queue(poll_seconds=1.5)
    for chain in chains:
        await producer.publish(message(1, f"chain {chain}", chain))
    taken = await slow.next(10)
    other = open_queue(poll_seconds=1.5)

    before = await _networks(len(chains), other)
    await slow.done(taken)
    for chain in chains:
        await producer.publish(message(2, f"chain {chain}", chain))
    after = await _networks(len(chains), slow, other)

    assert before == after == {f"chain {chain}" for chain in chains}


async def test_nobody_waits_for_a_group_that_nobody_forms(kafka: Broker, open_queue):
    """A broker that goes away while a consumer joins keeps no step from ending, nor a service."""
    queue = open_queue()
    await queue.publish(message(1))
    assert await queue.next(0) is None
    await asyncio.to_thread(kafka.kill)

    async with asyncio.timeout(HANG_SECONDS):
        assert await queue.next(0.5) is None


async def _networks(count: int, *queues) -> set[str]:
    """The networks of what comes, until there are so many of them."""
    found = set()
    async with asyncio.timeout(HANG_SECONDS):
        while len(found) < count:
            for queue in queues:
                got = await queue.next(0.1)
                if got is not None:
                    found.add(got.network)
                    await queue.done(got)
    return found


async def _next_of(queue):
    async with asyncio.timeout(HANG_SECONDS):
        while (found := await queue.next(0.3)) is None:
            pass
    return found


async def test_a_client_without_progress_is_made_anew(kafka: Broker, open_queue):
    """Where messages wait and the client hands out none, it is ended, and the next one reads."""
    queue = open_queue(probe_seconds=0.2)
    await queue.publish(message(1))
    await queue.done(await queue.next(10))
    lost = queue._consumer
    lost.pause(*lost.assignment())
    await queue.publish(message(2))

    with pytest.raises(BrokerUnavailable):
        await _next_of(queue)
    found = await queue.next(10)

    assert found.sequence == 2
    assert queue._consumer is not lost
