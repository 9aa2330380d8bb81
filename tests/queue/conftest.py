from collections.abc import AsyncIterator, Callable

import pytest

from crypitor.queue import Queue
from crypitor.queue.connection import Connection
from crypitor.queue.kafka import KafkaQueue
from crypitor.queue.memory import MemoryQueue
from crypitor.queue.topic import Wanted
from tests.mock_kafka import MockKafka, mock_kafka


@pytest.fixture
def kafka():
    with mock_kafka() as brokers:
        yield brokers


@pytest.fixture
async def open_kafka(kafka: MockKafka) -> AsyncIterator[Callable[..., KafkaQueue]]:
    """Opens ends of the same topic; all are closed afterwards."""
    queues: list[KafkaQueue] = []

    def opened(**options) -> KafkaQueue:
        queue = KafkaQueue(
            Connection(kafka.servers), Wanted("test.blocks"), session_seconds=2, **options
        )
        queues.append(queue)
        return queue

    yield opened
    for queue in queues:
        await queue.close()


@pytest.fixture(params=["memory", "kafka"])
async def queue(request: pytest.FixtureRequest) -> AsyncIterator[Queue]:
    if request.param == "memory":
        yield MemoryQueue(limit=100)
        return
    with mock_kafka() as brokers:
        queue = KafkaQueue(Connection(brokers.servers), Wanted("test.blocks"), session_seconds=2)
        yield queue
        await queue.close()
