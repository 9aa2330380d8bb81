"""What both queues promise."""

from tests.patience import HANG_SECONDS
from tests.queue.messages import message, recorded_message


async def sequences(queue, count):
    """The sequences of the next messages, each done before the next is taken."""
    taken = []
    for _ in range(count):
        found = await queue.next(HANG_SECONDS)
        taken.append(found.sequence)
        await queue.done(found)
    return taken


async def test_keeps_the_order_of_a_network(queue):
    """Messages of one network come in the order in which they were published."""
    for sequence in range(1, 21):
        await queue.publish(message(sequence))

    assert await sequences(queue, 20) == [*range(1, 21)]


async def test_returns_none_when_nothing_comes(queue):
    """An empty queue returns None when the time is over."""
    await queue.publish(message(1))
    await sequences(queue, 1)

    assert await queue.next(0.05) is None


async def test_gives_a_message_whole(queue):
    """A message comes out as it was put in, every field of it."""
    sent = recorded_message(1, 17034870)

    await queue.publish(sent)

    assert await queue.next(HANG_SECONDS) == sent


async def test_carries_the_block_of_ten_thousand_logs(queue):
    """Ethereum's block 15537394 with 10,041 logs passes."""
    await queue.publish(recorded_message(1, 15537394))

    found = await queue.next(HANG_SECONDS)

    assert sum(len(receipt.logs) for receipt in found.block.receipts) == 10_041


async def test_carries_several_networks(queue):
    """Each network's messages come in their order, whatever lies between them."""
    for sequence in (1, 2, 3):
        await queue.publish(message(sequence, "ethereum", 1))
        await queue.publish(message(sequence, "base", 8453))

    found = {"ethereum": [], "base": []}
    for _ in range(6):
        taken = await queue.next(HANG_SECONDS)
        found[taken.network].append(taken.sequence)
        await queue.done(taken)

    assert found == {"ethereum": [1, 2, 3], "base": [1, 2, 3]}
