"""The queue through Kafka: one topic, one message a block. The only module that imports aiokafka.

Key is the chain id, so each chain keeps its order in one partition and chains spread over them.
The broker must take messages of the size of a compressed block: the usual limit of 1 MiB
(`message.max.bytes`) is ten times an ordinary mainnet block; a topic that is made here takes
16 MiB. A block that is too large is not passed over: it is waited for until the limit is raised.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    MessageSizeTooLargeError,
    NoError,
    ProducerClosed,
    TopicAlreadyExistsError,
)

from crypitor.errors import BrokerUnavailable
from crypitor.queue import Message
from crypitor.queue.taken import Taken
from crypitor.queue.wire import decode, encode

log = structlog.get_logger(__name__)

_Client = TypeVar("_Client", AIOKafkaProducer, AIOKafkaConsumer)

MAX_MESSAGE_BYTES = 16 << 20
PARTITIONS = 16
REPLICAS = 3

REQUEST_SECONDS = 10.0
START_SECONDS = 30.0
STOP_SECONDS = 3.0
PROBE_SECONDS = 15.0
"""After so long without a message the broker is asked whether it is still there."""

# During an outage aiokafka logs every attempt; what it means is said once, as BrokerUnavailable.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


class KafkaQueue:
    """Both ends of the topic `<prefix>.blocks`; each end connects when it is first used.

    bootstrap_servers: `host:port` of some brokers.
    group: consumers of the same group share the chains among them.
    send_seconds: how long a message may take to be safe before that is called an outage.
    session_seconds: silence after which the chains of a consumer fall to the others.
    unreadable: told of each message that is no message of ours and was passed over. The block
    in it is missed by the next one, whose parent is then unknown, and so it is published again.
    """

    def __init__(
        self,
        bootstrap_servers: Sequence[str],
        topic_prefix: str,
        *,
        group: str = "monitor",
        send_seconds: float = REQUEST_SECONDS,
        session_seconds: float = 10.0,
        unreadable: Callable[[], None] = lambda: None,
    ) -> None:
        self.topic = f"{topic_prefix}.blocks"
        self._servers = list(bootstrap_servers)
        self._group = f"{topic_prefix}.{group}"
        self._send_seconds = send_seconds
        self._session_seconds = session_seconds
        self._unreadable = unreadable
        self._starting = asyncio.Lock()
        self._topic_ready = False
        self._producer: AIOKafkaProducer | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._taken = Taken[TopicPartition]()
        self._heard_at = 0.0

    async def publish(self, message: Message) -> None:
        """Return when all replicas in sync have the message.

        The producer never gives up a message by itself, so one that took too long may still
        arrive, besides its repetition.
        """
        value = encode(message)
        producer = await self._producing()
        try:
            async with asyncio.timeout(self._send_seconds):
                await producer.send_and_wait(self.topic, value, key=str(message.chain_id).encode())
        except TimeoutError as late:
            raise BrokerUnavailable(f"no broker took a block in {self._send_seconds:g} s") from late
        except MessageSizeTooLargeError as large:
            number = message.block.header.number
            raise BrokerUnavailable(
                f"block {number} of {message.network} is a message of {len(value)} bytes: set"
                f" max.message.bytes of the topic {self.topic} above that"
            ) from large
        except KafkaError as error:
            if self._producer is producer:
                self._producer = None
            await _end(producer)
            raise _unavailable(error) from error

    async def next(self, timeout_seconds: float) -> Message | None:
        """Return the next message of the chains that fell to this consumer."""
        consumer = await self._consuming()
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_seconds
        try:
            while True:
                wait_ms = max(int((until - loop.time()) * 1000), 0)
                records = await consumer.getmany(timeout_ms=wait_ms, max_records=1)
                for partition, [record] in records.items():
                    self._heard_at = loop.time()
                    message = self._readable(record.value)
                    self._taken.add(partition, record.offset, message)
                    if message is not None:
                        return message
                    await self._commit(partition)
                if not records and loop.time() >= until:
                    break
            if loop.time() - self._heard_at > PROBE_SECONDS:
                async with asyncio.timeout(REQUEST_SECONDS):
                    await consumer.topics()
                self._heard_at = loop.time()
        except (KafkaError, TimeoutError) as error:
            await self._leave(consumer)
            raise _unavailable(error) from error
        return None

    async def done(self, message: Message) -> None:
        """Move the group's offset past the message, and past all before it that are done."""
        partition = self._taken.done(message)
        if partition is not None:
            await self._commit(partition)

    async def again(self) -> None:
        """Go back to the first message of each partition that is not done."""
        firsts = self._taken.clear()
        if self._consumer is not None:
            for partition, offset in firsts.items():
                if partition in self._consumer.assignment():
                    self._consumer.seek(partition, offset)

    async def close(self) -> None:
        """Leave the group and end all connections; each end has a few seconds for it."""
        producer, self._producer = self._producer, None
        if self._consumer is not None:
            await self._leave(self._consumer)
        if producer is not None:
            await _end(producer)

    def _readable(self, value: bytes | None) -> Message | None:
        try:
            return decode(value or b"")
        except ValueError as wrong:
            log.warning("unreadable message passed over", topic=self.topic, trouble=str(wrong))
            self._unreadable()
            return None

    async def _commit(self, partition: TopicPartition) -> None:
        """Commit how far a partition is done; if it was taken from us, its new owner goes on."""
        offset = self._taken.settled(partition)
        consumer = self._consumer
        if offset is None or consumer is None:
            return
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                await consumer.commit({partition: offset})
        except (CommitFailedError, IllegalStateError):
            log.info("partition moved on", topic=self.topic, partition=partition.partition)
        except (KafkaError, TimeoutError) as error:
            await self._leave(consumer)
            raise _unavailable(error) from error

    async def _producing(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                await self._make_topic()
                self._producer = await self._started(
                    AIOKafkaProducer(
                        bootstrap_servers=self._servers,
                        client_id="crypitor",
                        acks="all",
                        enable_idempotence=True,
                        max_request_size=MAX_MESSAGE_BYTES,
                        request_timeout_ms=int(REQUEST_SECONDS * 1000),
                    )
                )
            return self._producer

    async def _consuming(self) -> AIOKafkaConsumer:
        async with self._starting:
            if self._consumer is None:
                await self._make_topic()
                consumer = AIOKafkaConsumer(
                    bootstrap_servers=self._servers,
                    client_id="crypitor",
                    group_id=self._group,
                    enable_auto_commit=False,
                    auto_offset_reset="earliest",
                    max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
                    session_timeout_ms=int(self._session_seconds * 1000),
                    heartbeat_interval_ms=int(self._session_seconds * 300),
                )
                consumer.subscribe([self.topic], listener=_Forget(self._taken))
                self._consumer = await self._started(consumer)
                self._heard_at = asyncio.get_running_loop().time()
            return self._consumer

    async def _started(self, client: _Client) -> _Client:
        try:
            async with asyncio.timeout(START_SECONDS):
                await client.start()
        except (KafkaError, TimeoutError) as error:
            await _end(client)
            raise _unavailable(error) from error
        except BaseException:
            await _end(client)
            raise
        return client

    async def _leave(self, consumer: AIOKafkaConsumer) -> None:
        """End the consumer: what it had taken comes again, to the next one."""
        if consumer is self._consumer:
            self._consumer = None
            self._taken.clear()
        await _end(consumer)

    async def _make_topic(self) -> None:
        """Make the topic with our limits, where the cluster lets us; else it makes it by itself."""
        if self._topic_ready:
            return
        admin = AIOKafkaAdminClient(
            bootstrap_servers=self._servers, request_timeout_ms=int(REQUEST_SECONDS * 1000)
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                await admin.start()
                trouble = await self._made_by(admin)
        except (KafkaError, TimeoutError) as error:
            raise _unavailable(error) from error
        finally:
            await _close(admin)
        if trouble:
            log.info("topic not made", topic=self.topic, trouble=trouble)
        self._topic_ready = True

    async def _made_by(self, admin: AIOKafkaAdminClient) -> str | None:
        """Make the topic if it is not there; return what kept it from being made."""
        if self.topic in await admin.list_topics():
            return None
        cluster = await admin.describe_cluster()
        brokers = {broker["node_id"] for broker in cluster["brokers"]}
        if cluster["controller_id"] not in brokers:
            return "the cluster names no controller"
        topic = NewTopic(
            self.topic,
            PARTITIONS,
            min(REPLICAS, len(brokers)),
            topic_configs={"max.message.bytes": str(MAX_MESSAGE_BYTES)},
        )
        answer = await admin.create_topics([topic])
        [(_, code, *_)] = answer.topic_errors
        return None if code in (NoError.errno, TopicAlreadyExistsError.errno) else f"error {code}"


async def topics(bootstrap_servers: Sequence[str]) -> set[str]:
    """Return the names of all topics; makes none. Raises BrokerUnavailable."""
    admin = AIOKafkaAdminClient(
        bootstrap_servers=list(bootstrap_servers), request_timeout_ms=int(REQUEST_SECONDS * 1000)
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            await admin.start()
            return set(await admin.list_topics())
    except (KafkaError, TimeoutError) as error:
        raise _unavailable(error) from error
    finally:
        await _close(admin)


class _Forget(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Forgets what was taken of partitions that fall to somebody else."""

    def __init__(self, taken: Taken[TopicPartition]) -> None:
        self._taken = taken

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Forget them."""
        self._taken.clear(revoked)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Do nothing: they begin where the group's offset is."""


async def _end(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Stop a client, within some seconds.

    Without a broker, an idempotent producer waits in `stop` for ever for what it still has to
    send: then its sender is told twice to end, as its first answer is to wait on, and what it has
    is given up.
    """
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            await client.stop()
            return
    if isinstance(client, AIOKafkaProducer):
        client._message_accumulator.fail_all(ProducerClosed())  # noqa: SLF001 - there is no other way
        sender = client._sender.sender_task  # noqa: SLF001
        for _ in range(10):
            if sender is not None and not sender.done():
                sender.cancel()
                await asyncio.sleep(0)
        await _close(client.client)


async def _close(client: AIOKafkaAdminClient | AIOKafkaClient) -> None:
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            await client.close()


def _unavailable(error: Exception) -> BrokerUnavailable:
    if isinstance(error, TimeoutError):
        return BrokerUnavailable("no broker answered in time")
    return BrokerUnavailable(str(error) or type(error).__name__)
