import asyncio
from collections.abc import Callable

import pytest
from aiokafka import AIOKafkaProducer

from crypitor.errors import BrokerUnavailable
from crypitor.queue.kafka import KafkaQueue
from tests.mock_kafka import MockKafka, patient_leaders
from tests.queue.messages import message

PATIENCE_SECONDS = 10.0

OpenKafka = Callable[..., KafkaQueue]


async def take(queue: KafkaQueue, count: int) -> list[int]:
    taken = []
    for _ in range(count):
        found = await queue.next(PATIENCE_SECONDS)
        taken.append(found.sequence)
        await queue.done(found)
    return taken


async def test_goes_on_after_a_restart_with_what_is_not_done(open_kafka: OpenKafka):
    """A consumer that comes after another one gets what that one did not finish."""
    producer, first, second = open_kafka(), open_kafka(), open_kafka()
    for sequence in range(1, 6):
        await producer.publish(message(sequence))
    await take(first, 2)
    await first.next(PATIENCE_SECONDS)

    await first.close()

    assert await take(second, 3) == [3, 4, 5]


async def test_does_not_pass_over_an_undone_message(open_kafka: OpenKafka):
    """What is done after something that is not done comes again too: nothing is skipped."""
    producer, first, second = open_kafka(), open_kafka(), open_kafka()
    for sequence in (1, 2, 3):
        await producer.publish(message(sequence))
    one = await first.next(PATIENCE_SECONDS)
    two = await first.next(PATIENCE_SECONDS)
    await first.done(two)

    await first.close()

    assert one.sequence == 1
    assert await take(second, 3) == [1, 2, 3]


async def test_passes_over_what_is_no_message(kafka: MockKafka, open_kafka: OpenKafka):
    """Bytes that do not decode are counted and passed over, and are not read again."""
    passed_over = []
    queue = open_kafka(unreadable=lambda: passed_over.append(1))
    await queue.publish(message(1))
    stranger = AIOKafkaProducer(bootstrap_servers=kafka.servers)
    await stranger.start()
    for poison in (b"", b"{}", b"\x01\x02", None):
        await stranger.send_and_wait(queue.topic, poison, key=b"1")
    await stranger.stop()
    await queue.publish(message(2))

    assert await take(queue, 2) == [1, 2]
    assert len(passed_over) == 4


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
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            tasks.create_task(consume(one))
            tasks.create_task(consume(two))

    assert {(name, at) for name in found for at in found[name]} == expected


async def test_an_absent_broker_is_an_outage(unused_tcp_port: int):
    """Both ends say that no broker is there, and closing takes no time."""
    queue = KafkaQueue([f"127.0.0.1:{unused_tcp_port}"], "test")

    with pytest.raises(BrokerUnavailable):
        await queue.publish(message(1))
    with pytest.raises(BrokerUnavailable):
        await queue.next(0.1)
    await asyncio.wait_for(queue.close(), 5)


async def test_a_broker_that_goes_is_an_outage(kafka: MockKafka):
    """An idempotent producer would wait for ever; ours says so, and can be closed."""
    queue = KafkaQueue(kafka.servers, "test", send_seconds=0.3)
    await queue.publish(message(1))
    kafka.down()

    with pytest.raises(BrokerUnavailable):
        await queue.publish(message(2))
    await asyncio.wait_for(queue.close(), 10)


async def test_goes_on_when_the_broker_is_back(kafka: MockKafka, open_kafka: OpenKafka):
    """After an outage the same ends publish and take on, and nothing is missing."""
    queue = open_kafka(send_seconds=0.3)
    await queue.publish(message(1))
    await take(queue, 1)
    kafka.down()
    with pytest.raises(BrokerUnavailable):
        await queue.publish(message(2))
    kafka.up()

    async with asyncio.timeout(20):
        while True:
            try:
                await queue.publish(message(3))
                break
            except BrokerUnavailable:
                continue

    taken = set()
    async with asyncio.timeout(20):
        while 3 not in taken:
            found = await queue.next(1)
            if found is not None:
                taken.add(found.sequence)
                await queue.done(found)
    assert taken - {2} == {3}


async def test_says_how_large_a_message_was_that_is_too_large(open_kafka: OpenKafka):
    """A block beyond the largest message is an outage that names the setting."""
    incompressible = "".join(f"{(at * 2654435761) % 2**32:08x}" for at in range(6_000_000))
    whole = message(1)
    huge = type(whole)(
        incompressible, *[getattr(whole, name) for name in whole.__struct_fields__[1:]]
    )

    with pytest.raises(BrokerUnavailable, match=r"max\.message\.bytes"):
        await open_kafka().publish(huge)
