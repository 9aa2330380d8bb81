import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from crypitor.queue.connection import Connection
from crypitor.queue.kafka import KafkaQueue
from crypitor.queue.topic import Wanted
from tests.live.kafka.broker import Broker, broker
from tests.patience import HANG_SECONDS


@pytest.fixture(scope="session")
def one_kafka() -> Iterator[Broker]:
    with broker() as node:
        yield node


@pytest.fixture
async def kafka(one_kafka: Broker) -> Broker:
    """The broker that all tests share; whoever was before may have left it down."""
    if not one_kafka.is_up:
        await asyncio.to_thread(one_kafka.start)
    return one_kafka


@pytest.fixture
def prefix() -> str:
    """Of the topics of one test."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
async def open_queue(kafka: Broker, prefix: str) -> AsyncIterator[Callable[..., KafkaQueue]]:
    """Opens ends of the same topic; all are closed afterwards."""
    queues: list[KafkaQueue] = []

    def opened(connection: Connection | None = None, **options) -> KafkaQueue:
        queue = KafkaQueue(
            connection or Connection(kafka.servers),
            Wanted(f"{prefix}.blocks", partitions=4, retention_hours=5),
            group=f"{prefix}.monitor",
            session_seconds=2,
            **options,
        )
        queues.append(queue)
        return queue

    yield opened
    for queue in queues:
        await asyncio.wait_for(queue.close(), HANG_SECONDS)
