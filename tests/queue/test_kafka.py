import asyncio
import random
from collections.abc import Callable

import msgspec
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import ProducerClosed

from crypitor.errors import BrokerUnavailable, DatabaseUnavailable
from crypitor.evm.types import Block, Log, Receipt
from crypitor.queue import Message
from crypitor.queue.connection import Connection, _cut_off_producer, producer_of
from crypitor.queue.kafka import KafkaQueue, Unreadable
from crypitor.queue.parts import cut
from crypitor.queue.topic import Wanted
from crypitor.queue.wire import encode
from tests.mock_kafka import MockKafka, patient_leaders
from tests.patience import HANG_SECONDS
from tests.queue.messages import message

TURNS = 100
"""Of the loop, without any wait."""

OpenKafka = Callable[..., KafkaQueue]


def huge(sequence: int) -> Message:
    """A message of 2 MB that does not compress; the mock keeps 5 MB."""
    rng = random.Random(sequence)
    whole = message(sequence)
    log = Log("0x" + "a" * 40, (), "0x" + rng.randbytes(1_900_000).hex(), "0x0", "0x1", "0x2")
    receipt = Receipt("0x2", "0x0", "0x1", (log,))
    return msgspec.structs.replace(whole, block=Block(whole.block.header, (), (receipt,)))


async def take(queue: KafkaQueue, count: int) -> list[int]:
    taken = []
    for _ in range(count):
        found = await queue.next(HANG_SECONDS)
        taken.append(found.sequence)
        await queue.done(found)
    return taken


async def test_goes_on_after_a_restart_with_what_is_not_done(open_kafka: OpenKafka):
    """A consumer that comes after another one gets what that one did not finish."""
    producer, first, second = open_kafka(), open_kafka(), open_kafka()
    for sequence in range(1, 6):
        await producer.publish(message(sequence))
    await take(first, 2)
    await first.next(HANG_SECONDS)

    await first.close()

    assert await take(second, 3) == [3, 4, 5]


async def test_does_not_pass_over_an_undone_message(open_kafka: OpenKafka):
    """What is done after something that is not done comes again too: nothing is skipped."""
    producer, first, second = open_kafka(), open_kafka(), open_kafka()
    for sequence in (1, 2, 3):
        await producer.publish(message(sequence))
    one = await first.next(HANG_SECONDS)
    two = await first.next(HANG_SECONDS)
    await first.done(two)

    await first.close()

    assert one.sequence == 1
    assert await take(second, 3) == [1, 2, 3]


async def test_passes_over_what_is_no_message(kafka: MockKafka, open_kafka: OpenKafka):
    """Bytes that do not decode are counted and passed over, and are not read again."""
    passed_over: list[Unreadable] = []

    async def bury(record: Unreadable) -> None:
        passed_over.append(record)

    queue = open_kafka(bury=bury)
    await queue.publish(message(1))
    stranger = AIOKafkaProducer(bootstrap_servers=kafka.servers)
    await stranger.start()
    for poison in (b"", b"{}", b"\x01\x02", b"\x02\x02", None):
        await stranger.send_and_wait(queue.topic, poison, key=b"1")
    await stranger.stop()
    await queue.publish(message(2))

    assert await take(queue, 2) == [1, 2]
    assert [record.value for record in passed_over] == [b"", b"{}", b"\x01\x02", b"\x02\x02", b""]
    assert {(record.topic, record.key) for record in passed_over} == {(queue.topic, b"1")}


async def test_two_consumers_share_the_chains(open_kafka: OpenKafka):
    """Every message of many chains comes to one of two consumers, none gets lost."""
    chains = range(1, 17)
    producer, one, two = open_kafka(), open_kafka(), open_kafka()
    expected = set()
    found: dict[str, list[int]] = {}

    async def consume(queue: KafkaQueue) -> None:
        while len(set().union(*({(name, at) for at in found[name]} for name in found))) < 48:
            taken = await queue.next(0.2)
            if taken is not None:
                found.setdefault(taken.network, []).append(taken.sequence)
                await queue.done(taken)

    for sequence in (1, 2, 3):
        for chain in chains:
            await producer.publish(message(sequence, f"chain {chain}", chain))
            expected.add((f"chain {chain}", sequence))
    with patient_leaders():
        async with asyncio.timeout(HANG_SECONDS), asyncio.TaskGroup() as tasks:
            tasks.create_task(consume(one))
            tasks.create_task(consume(two))

    assert {(name, at) for name in found for at in found[name]} == expected


async def test_an_absent_broker_is_an_outage(unused_tcp_port: int):
    """Both ends say that no broker is there, and closing has nothing to wait for."""
    queue = KafkaQueue(Connection([f"127.0.0.1:{unused_tcp_port}"]), Wanted("test.blocks"))

    with pytest.raises(BrokerUnavailable):
        await queue.publish(message(1))
    with pytest.raises(BrokerUnavailable):
        await queue.next(0.1)
    closing = asyncio.create_task(queue.close())
    for _ in range(TURNS):
        await asyncio.sleep(0)

    assert closing.done()


async def test_a_broker_that_goes_is_an_outage(kafka: MockKafka):
    """An idempotent producer would wait for ever; ours says so, and can be closed."""
    queue = KafkaQueue(Connection(kafka.servers), Wanted("test.blocks"), send_seconds=0.3)
    await queue.publish(message(1))
    kafka.down()

    with pytest.raises(BrokerUnavailable):
        await queue.publish(message(2))
    await asyncio.wait_for(queue.close(), HANG_SECONDS)


async def test_goes_on_when_the_broker_is_back(kafka: MockKafka, open_kafka: OpenKafka):
    """After an outage the same ends publish and take on, and nothing is missing."""
    queue = open_kafka(send_seconds=0.3)
    await queue.publish(message(1))
    await take(queue, 1)
    kafka.down()
    with pytest.raises(BrokerUnavailable):
        await queue.publish(message(2))
    kafka.up()

    async with asyncio.timeout(HANG_SECONDS):
        while True:
            try:
                await queue.publish(message(3))
                break
            except BrokerUnavailable:
                continue

    taken = set()
    async with asyncio.timeout(HANG_SECONDS):
        while 3 not in taken:
            found = await queue.next(HANG_SECONDS)
            if found is not None:
                taken.add(found.sequence)
                await queue.done(found)
    assert taken - {2} == {3}


async def test_carries_a_block_that_is_larger_than_a_message(open_kafka: OpenKafka):
    """A block of several MiB goes in parts and comes out as it was; so do those around it."""
    queue = open_kafka()
    large = [huge(sequence) for sequence in (2, 3)]
    for sent in (message(1), *large, message(4)):
        await queue.publish(sent)

    taken = [await queue.next(HANG_SECONDS) for _ in range(4)]

    assert taken == [message(1), *large, message(4)]


@pytest.mark.parametrize("first", [True, False])
async def test_a_producer_is_cut_off_while_it_repeats_a_batch(unused_tcp_port, first):
    """
    What failed may be put back to be repeated right before or after it is given up: neither is an
    error that nobody can do anything about.
    """
    wrong, loop = [], asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: wrong.append(context))
    producer = producer_of(Connection(servers=[f"127.0.0.1:{unused_tcp_port}"]))
    producer._txn_manager.set_pid_and_epoch(1, 0)
    producer._closed = True  # as it is once it was told to stop
    accumulator, partition = producer._message_accumulator, TopicPartition("blocks", 0)
    sent = await accumulator.add_message(partition, None, b"block", timeout=HANG_SECONDS)
    [batch] = accumulator._batches[partition]

    def put_back(_):
        accumulator.reenqueue(batch)

    if first:
        batch.future.add_done_callback(put_back)
    accumulator._pop_batch(partition)
    if not first:
        batch.future.add_done_callback(put_back)
    await _cut_off_producer(producer)

    assert wrong == []
    with pytest.raises(ProducerClosed):
        await sent


MISTAKES = (KeyError((1, 0)), AssertionError(), RuntimeError("the handler is closed"),
            asyncio.InvalidStateError(), asyncio.CancelledError())  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: type(one).__name__)
async def test_makes_a_client_anew_that_failed_by_its_own_mistake(open_kafka: OpenKafka, mistake):
    """What a consumer or producer gets wrong within is an outage, and the next one goes on."""
    queue = open_kafka()
    await queue.publish(message(1))
    await queue.publish(message(2))
    await take(queue, 1)

    async def fails(*_, **__):
        raise mistake

    queue._consumer.getmany = queue._producer.send = fails
    with pytest.raises(BrokerUnavailable, match=type(mistake).__name__):
        await queue.next(0)
    with pytest.raises(BrokerUnavailable, match=type(mistake).__name__):
        await queue.publish(message(3))
    await queue.publish(message(3))

    assert await take(queue, 2) == [2, 3]


async def test_a_client_may_fail_as_it_commits_and_as_it_ends(open_kafka: OpenKafka):
    """Neither is more than an outage: what was done comes again."""
    queue = open_kafka()
    await queue.publish(message(1))
    found = await queue.next(HANG_SECONDS)
    stop = queue._consumer.stop

    async def fails(*_):
        raise KeyError((1, 0))

    async def fails_at_last():
        await stop()
        raise AssertionError

    queue._consumer.commit, queue._consumer.stop = fails, fails_at_last
    with pytest.raises(BrokerUnavailable, match="KeyError"):
        await queue.done(found)

    assert await take(queue, 1) == [1]


async def test_a_cancellation_that_is_meant_is_none_of_the_clients_mistakes(open_kafka: OpenKafka):
    """Whoever waits for a message can be told to end."""
    waiting = asyncio.create_task(open_kafka().next(HANG_SECONDS))
    await asyncio.sleep(0)
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_look_that_was_cut_off_is_over(open_kafka: OpenKafka):
    """Else a consumer whose first look was while its group was formed might be busy for ever."""
    queue = open_kafka()
    await queue.next(0)
    subscription = queue._consumer._subscription
    looking = asyncio.create_task(queue.next(HANG_SECONDS))
    while subscription.fetcher_idle_time > 0:
        await asyncio.sleep(0)

    looking.cancel()
    await asyncio.wait([looking])

    assert subscription.fetcher_idle_time > 0


async def test_gives_again_what_is_not_done(open_kafka: OpenKafka):
    """After `again`, the messages that were returned and are not done come again, in order."""
    queue = open_kafka()
    for sequence in range(1, 6):
        await queue.publish(message(sequence))
    await take(queue, 2)
    assert [(await queue.next(HANG_SECONDS)).sequence for _ in range(2)] == [3, 4]

    await queue.again()

    assert await take(queue, 3) == [3, 4, 5]


async def test_does_not_give_again_what_is_done(open_kafka: OpenKafka):
    """After `again`, nothing that is done comes again."""
    queue = open_kafka()
    for sequence in (1, 2):
        await queue.publish(message(sequence))
    await take(queue, 2)

    await queue.again()

    assert await queue.next(0.2) is None


async def test_takes_done_for_a_message_that_was_given_back(open_kafka: OpenKafka):
    """`done` after `again` is no error; the message comes again, as at-least-once allows."""
    queue = open_kafka()
    await queue.publish(message(1))
    found = await queue.next(HANG_SECONDS)
    await queue.again()

    await queue.done(found)

    assert await take(queue, 1) == [1]


async def test_gives_a_large_block_again_from_its_first_part(open_kafka: OpenKafka):
    """A block in parts that was not done comes again whole, to the same consumer and the next."""
    first, second = open_kafka(), open_kafka()
    await first.publish(huge(1))
    await first.publish(message(2))
    await first.next(HANG_SECONDS)
    await first.again()
    again = await first.next(HANG_SECONDS)
    await first.close()

    taken = await take(second, 2)

    assert again.sequence == 1
    assert taken == [1, 2]


async def test_passes_over_a_block_whose_worker_died_within(
    kafka: MockKafka, open_kafka: OpenKafka
):
    """Parts whose last one never came hold nothing up once the network goes on."""
    first, second = open_kafka(), open_kafka()
    parts = cut("ethereum", 1, encode(huge(1)))
    stranger = AIOKafkaProducer(bootstrap_servers=kafka.servers)
    await stranger.start()
    for part in parts[:-1]:
        await stranger.send_and_wait(first.topic, part, key=b"1")
    await stranger.stop()
    await first.publish(huge(2))
    await first.publish(message(3))
    assert await take(first, 2) == [2, 3]
    await first.close()

    assert await second.next(1.0) is None
    assert len(parts) > 2


async def test_a_record_that_cannot_be_buried_comes_again(kafka: MockKafka, open_kafka: OpenKafka):
    """While the database is down no unreadable record is passed over."""
    buried: list[Unreadable] = []
    down = [True, True, False]

    async def bury(record: Unreadable) -> None:
        if down.pop(0):
            raise DatabaseUnavailable("down")
        buried.append(record)

    queue = open_kafka(bury=bury)
    await queue.publish(message(1))
    stranger = AIOKafkaProducer(bootstrap_servers=kafka.servers)
    await stranger.start()
    await stranger.send_and_wait(queue.topic, b"poison", key=b"1")
    await stranger.stop()
    await queue.publish(message(2))
    await take(queue, 1)
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable):
            await queue.next(HANG_SECONDS)

    assert await take(queue, 1) == [2]
    assert [record.value for record in buried] == [b"poison"]


async def test_sends_again_what_was_buried(open_kafka: OpenKafka):
    """A record that is put back is read like any other, whatever its size."""
    queue = open_kafka()
    sent = [message(1), huge(2)]
    for each in sent:
        await queue.send_again(b"1", encode(each))

    assert [await queue.next(HANG_SECONDS) for _ in range(2)] == sent
