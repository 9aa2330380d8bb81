import asyncio

from crypitor.queue.memory import MemoryQueue
from tests.patience import HANG_SECONDS
from tests.queue.messages import message


async def waits(publishing: asyncio.Task) -> bool:
    """Whether it does, when all else has had its turns."""
    await asyncio.wait([publishing], timeout=0.05)
    return not publishing.done()


async def test_makes_the_publisher_wait_until_more_is_asked_for():
    """Whoever waits for the next message has done with the one before: its block is free by then."""
    queue = MemoryQueue()
    publishing = asyncio.create_task(queue.publish(message(1)))

    assert (await queue.next(HANG_SECONDS)).sequence == 1
    assert await waits(publishing)

    assert await queue.next(0) is None
    assert await waits(publishing)

    assert await queue.next(0.01) is None
    await asyncio.wait_for(publishing, HANG_SECONDS)


async def test_takes_as_many_as_its_limit():
    """What was returned last counts until the next is asked for."""
    queue = MemoryQueue(limit=2)
    await queue.publish(message(1))
    await queue.publish(message(2))
    publishing = asyncio.create_task(queue.publish(message(3)))
    await queue.next(HANG_SECONDS)
    assert await waits(publishing)

    await queue.next(HANG_SECONDS)

    await asyncio.wait_for(publishing, HANG_SECONDS)


async def test_a_publisher_that_gives_up_leaves_its_message():
    """It is published again then, and matched once: the matcher knows its sequence."""
    queue = MemoryQueue()
    publishing = asyncio.create_task(queue.publish(message(1)))
    await asyncio.wait([publishing], timeout=0.01)
    publishing.cancel()
    await asyncio.wait([publishing])

    assert (await queue.next(HANG_SECONDS)).sequence == 1


async def test_a_full_network_does_not_keep_out_another():
    """Room is counted for each network."""
    queue = MemoryQueue(limit=1)
    await queue.publish(message(1, "ethereum"))

    await asyncio.wait_for(queue.publish(message(1, "base")), HANG_SECONDS)

    assert {(await queue.next(HANG_SECONDS)).network for _ in range(2)} == {"ethereum", "base"}


async def test_serves_networks_in_turn():
    """A network that is far behind does not hold up the one that has a single block."""
    queue = MemoryQueue(limit=10)
    for sequence in range(1, 6):
        await queue.publish(message(sequence, "ethereum"))
    await queue.publish(message(1, "base"))

    order = [(await queue.next(HANG_SECONDS)).network for _ in range(6)]

    assert order.index("base") <= 1


async def test_wakes_who_waits():
    """`next` returns as soon as something is published, not at the end of its time."""
    queue = MemoryQueue(limit=1)
    waiting = asyncio.create_task(queue.next(2 * HANG_SECONDS))
    await asyncio.wait([waiting], timeout=0.01)

    await queue.publish(message(1))

    assert (await asyncio.wait_for(waiting, HANG_SECONDS)).sequence == 1


async def test_a_cancelled_wait_takes_nothing():
    """A `next` that is cancelled leaves the message for the following one."""
    queue = MemoryQueue(limit=1)
    waiting = asyncio.create_task(queue.next(2 * HANG_SECONDS))
    await asyncio.wait([waiting], timeout=0.01)
    waiting.cancel()
    await asyncio.wait([waiting])

    await queue.publish(message(1))

    assert (await queue.next(HANG_SECONDS)).sequence == 1
