"""Matches as Kafka topics, for other programs: one record for each delivery.

What is published is what a webhook would carry: the same bytes and, as the record's headers, the
same id, time and signature. At least once, like any delivery.
"""

import asyncio
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from crypitor.errors import BrokerUnavailable
from crypitor.queue.connection import (
    ClientFailed,
    Connection,
    ended,
    producer_of,
    started,
    unavailable,
    within_client,
)


class Topics:
    """Publishes to the topics that endpoints name; it connects when it is first used.

    allowed: `webhook.kafka_topics`. seconds: for one record, until all replicas in sync have it.
    Its topics are the operator's: none is made here, though brokers may make them by themselves.
    """

    def __init__(
        self, connection: Connection, allowed: Sequence[str], *, seconds: float = 10.0
    ) -> None:
        self.allowed = tuple(allowed)
        self._connection = connection
        self._seconds = seconds
        self._starting = asyncio.Lock()
        self._producer: AIOKafkaProducer | None = None
        self._taken = 0

    async def publish(self, topic: str, key: str, body: bytes, headers: Mapping[str, str]) -> str:
        """Publish a record and return where it is. Raises BrokerUnavailable."""
        pairs = [(name.lower(), value.encode()) for name, value in headers.items()]
        producer, taken = None, self._taken
        try:
            async with asyncio.timeout(self._seconds):
                producer = await self._producing()
                with within_client():
                    record = await producer.send_and_wait(topic, body, key.encode(), headers=pairs)
        except UnknownTopicOrPartitionError as unknown:
            raise BrokerUnavailable(f"there is no topic {topic}") from unknown
        except TimeoutError as late:
            # Others may have been slow too; only a producer that nothing passes is of no use.
            if producer is not None and self._taken == taken:
                await self._drop(producer)
            raise BrokerUnavailable(f"no broker took it in {self._seconds:g} s") from late
        except KafkaError as error:
            if isinstance(error, ClientFailed) and producer is not None:
                await self._drop(producer)
            raise unavailable(error) from error
        self._taken += 1
        return f"partition {record.partition}, offset {record.offset}"

    async def close(self) -> None:
        """End the connection, within a few seconds."""
        if self._producer is not None:
            await self._drop(self._producer)

    async def _producing(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                self._producer = await started(producer_of(self._connection), self._connection)
            return self._producer

    async def _drop(self, producer: AIOKafkaProducer) -> None:
        if producer is self._producer:
            self._producer = None
            await ended(producer)
