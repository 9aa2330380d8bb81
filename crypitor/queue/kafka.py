"""The queue through Kafka: one topic, and a message for each block, or several for a large one.

Key is the chain id, so each chain keeps its order in one partition and chains spread over them.
What cannot be done in time is an outage: the client is ended and the next call makes another one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from zlib import crc32

import structlog
from aiokafka import (
    AIOKafkaConsumer,
    AIOKafkaProducer,
    ConsumerRebalanceListener,
    ConsumerRecord,
    TopicPartition,
)
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    MessageSizeTooLargeError,
)

from crypitor.errors import BrokerUnavailable
from crypitor.queue import Message
from crypitor.queue.connection import (
    REQUEST_SECONDS,
    STOP_SECONDS,
    Connection,
    ended,
    producer_of,
    started,
    unavailable,
    within_client,
)
from crypitor.queue.parts import Joining, cut, part_of
from crypitor.queue.taken import Taken
from crypitor.queue.topic import Wanted, make_topic
from crypitor.queue.wire import decode, encode

log = structlog.get_logger(__name__)

FETCH_BYTES = 16 << 20
COMMIT_SECONDS = 0.2
LATEST_COMMIT_SECONDS = 5.0
"""Less than a service may take to end: the matcher's step waits for it."""

JOIN_SECONDS = 0.1
"""For so long a look at what has come also waits for its group, which may never settle."""

PROBE_SECONDS = 15.0
"""After so long without a message the broker is asked whether there is one."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that carries no message of ours. reason: a sentence."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    reason: str


Bury = Callable[[Unreadable], Awaitable[None]]


async def only_warn(record: Unreadable) -> None:
    """Tell of a record that is passed over, and keep nothing of it."""
    log.warning("unreadable message passed over", topic=record.topic, trouble=record.reason)


class KafkaQueue:
    """Both ends of one topic; each end connects when it is first used.

    group: consumers of the same group share the chains among them.
    send_seconds: how long a message may take to be safe before that is called an outage.
    session_seconds: silence after which the chains of a consumer fall to the others.
    poll_seconds: how long a consumer may be busy with a message before they do.
    probe_seconds: silence after which the broker is asked what there is to read.
    bury: takes each record that is no message of ours, before it is passed over. The block that
    was in it is missed by the next one, whose parent is then unknown, and is published again.
    """

    read_ahead = 1  # the brokers' answer takes as long as reading

    def __init__(
        self,
        connection: Connection,
        topic: Wanted,
        *,
        group: str = "crypitor.monitor",
        send_seconds: float = REQUEST_SECONDS,
        session_seconds: float = 10.0,
        poll_seconds: float = 300.0,
        probe_seconds: float = PROBE_SECONDS,
        bury: Bury = only_warn,
    ) -> None:
        self.topic = topic.name
        self._connection = connection
        self._wanted = topic
        self._group = group
        self._send_seconds = send_seconds
        self._session_seconds = session_seconds
        self._poll_seconds = poll_seconds
        self._probe_seconds = probe_seconds
        self._bury = bury
        self._starting = asyncio.Lock()
        self._producer: AIOKafkaProducer | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._taken = Taken[TopicPartition]()
        self._joining = Joining[TopicPartition]()
        self._done_in: set[TopicPartition] = set()
        self._committed_at = 0.0
        self._heard_at = 0.0
        self._left: Mapping[TopicPartition, int] = {}

    async def publish(self, message: Message) -> None:
        """Return when all replicas in sync have the message.

        The producer never gives up a message by itself, so one that took too long may still
        arrive, besides its repetition.
        """
        records = cut(message.network, message.sequence, encode(message))
        producer = await self._producing()
        try:
            async with asyncio.timeout(self._send_seconds):
                await self._send(producer, str(message.chain_id).encode(), records)
        except MessageSizeTooLargeError as large:
            number, size = message.block.header.number, max(map(len, records))
            raise BrokerUnavailable(
                f"block {number} of {message.network} needs a message of {size} bytes: set"
                f" max.message.bytes of the topic {self.topic} above that"
            ) from large
        except (KafkaError, TimeoutError) as error:
            await self._drop(producer)
            if isinstance(error, TimeoutError):
                late = f"no broker took a block in {self._send_seconds:g} s"
                raise BrokerUnavailable(late) from error
            raise unavailable(error) from error

    async def next(self, timeout_seconds: float) -> Message | None:
        """Return the next message of the chains that fell to this consumer."""
        consumer = await self._consuming()
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_seconds
        try:
            while True:
                found = await _come(consumer, max(until - loop.time(), 0))
                for partition, [record] in found.items():
                    self._heard_at = loop.time()
                    message = await self._read(partition, record)
                    if message is not None:
                        return message
                    self._done_in.add(partition)
                if not found and loop.time() >= until:
                    break
            await self._commit()
            if loop.time() - self._heard_at > self._probe_seconds:
                with within_client():
                    async with asyncio.timeout(REQUEST_SECONDS):
                        await self._probe(consumer)
                self._heard_at = loop.time()
        except (KafkaError, TimeoutError) as error:
            await self._leave(consumer)
            raise unavailable(error) from error
        return None

    async def done(self, *messages: Message) -> None:
        """Move the group's offset past the messages, and past all before them that are done.

        While many come, they are committed together: after a crash the last of them come again,
        and are known by their sequence.
        """
        partitions = {self._taken.done(message) for message in messages}
        self._done_in.update(one for one in partitions if one is not None)
        if (
            self._done_in
            and asyncio.get_running_loop().time() - self._committed_at >= COMMIT_SECONDS
        ):
            await self._commit()

    async def again(self) -> None:
        """Go back to the first message of each partition that is not done."""
        firsts = self._forget()
        if self._consumer is not None:
            for partition, offset in firsts.items():
                if partition in self._consumer.assignment():
                    self._consumer.seek(partition, offset)

    async def close(self) -> None:
        """Leave the group and end all connections; each end has a few seconds for it."""
        with suppress(BrokerUnavailable, TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self._commit()
        async with asyncio.TaskGroup() as tasks:
            if self._consumer is not None:
                tasks.create_task(self._leave(self._consumer))
            if self._producer is not None:
                tasks.create_task(self._drop(self._producer))

    async def send_again(self, key: bytes, record: bytes) -> None:
        """Put a record that was buried back into the topic, as it was. Raises BrokerUnavailable."""
        producer = await self._producing()
        try:
            async with asyncio.timeout(self._send_seconds):
                await self._send(producer, key, cut(f"again {crc32(record)}", 0, record))
        except (KafkaError, TimeoutError) as error:
            await self._drop(producer)
            raise unavailable(error) from error

    async def _send(self, producer: AIOKafkaProducer, key: bytes, records: Iterable[bytes]) -> None:
        with within_client():
            sent = [await producer.send(self.topic, record, key=key) for record in records]
            await asyncio.gather(*sent)

    async def _read(self, partition: TopicPartition, record: ConsumerRecord) -> Message | None:
        """Return the message that is whole with this record, None if none is."""
        value, offsets = record.value or b"", [record.offset]
        self._taken.read(partition, record.offset)
        try:
            part = part_of(value)
            if part is not None:
                whole, given_up = self._joining.add(partition, record.offset, part)
                self._taken.dismissed(partition, given_up)
                if whole is None:
                    return None
                value, offsets = whole.encoded, whole.offsets
            message = decode(value)
        except ValueError as wrong:
            await self._pass_over(record, value, str(wrong))
            self._taken.dismissed(partition, offsets)
            return None
        given_up = self._joining.give_up(partition, message.network, message.sequence)
        self._taken.dismissed(partition, given_up)
        self._taken.returned(partition, offsets, message)
        return message

    async def _pass_over(self, record: ConsumerRecord, value: bytes, reason: str) -> None:
        unreadable = Unreadable(
            record.topic, record.partition, record.offset, record.key or b"", value, reason
        )
        try:
            await self._bury(unreadable)
        except BaseException:
            await self.again()
            raise

    async def _probe(self, consumer: AIOKafkaConsumer) -> None:
        """Raise TimeoutError where there is something to read, and nobody of the group reads it.

        Where two looks find the same left to read and nothing came, the client has lost its place.
        """
        left = await _left_to_read(consumer, self.topic)
        before, self._left = self._left, left
        if left and left == before:
            self._left = {}
            raise TimeoutError

    async def _commit(self) -> None:
        """Commit how far partitions are done; if some were taken from us, their owner goes on."""
        partitions, self._done_in = self._done_in, set()
        offsets = {
            partition: offset
            for partition in partitions
            if (offset := self._taken.settled(partition)) is not None
        }
        consumer = self._consumer
        if not offsets or consumer is None:
            return
        try:
            with within_client():
                async with asyncio.timeout(LATEST_COMMIT_SECONDS):
                    await consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError):
            log.info("partitions moved on", topic=self.topic)
        except (KafkaError, TimeoutError) as error:
            await self._leave(consumer)
            raise unavailable(error) from error
        self._committed_at = asyncio.get_running_loop().time()

    async def _producing(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                await make_topic(self._connection, self._wanted)
                self._producer = await started(producer_of(self._connection), self._connection)
            return self._producer

    async def _consuming(self) -> AIOKafkaConsumer:
        async with self._starting:
            if self._consumer is None:
                await make_topic(self._connection, self._wanted)
                consumer = AIOKafkaConsumer(
                    group_id=self._group,
                    enable_auto_commit=False,
                    auto_offset_reset="earliest",
                    max_partition_fetch_bytes=FETCH_BYTES,
                    session_timeout_ms=int(self._session_seconds * 1000),
                    heartbeat_interval_ms=int(self._session_seconds * 300),
                    max_poll_interval_ms=int(self._poll_seconds * 1000),
                    **self._connection.options,
                )
                # Subscribed only now, it joins its group while we wait for messages. That may take
                # until the session of somebody who died has ended: longer than a start may take.
                self._consumer = await started(consumer, self._connection)
                consumer.subscribe([self.topic], listener=_Forget(self._forget))
                self._heard_at = asyncio.get_running_loop().time()
                self._left = {}
            return self._consumer

    def _forget(
        self, partitions: Iterable[TopicPartition] | None = None
    ) -> dict[TopicPartition, int]:
        gone = None if partitions is None else [*partitions]
        self._joining.clear(gone)
        return self._taken.clear(gone)

    async def _drop(self, producer: AIOKafkaProducer) -> None:
        if producer is self._producer:
            self._producer = None
        await ended(producer)

    async def _leave(self, consumer: AIOKafkaConsumer) -> None:
        """End the consumer: what it had taken comes again, to the next one."""
        if consumer is self._consumer:
            self._consumer = None
            self._forget()
        await ended(consumer)


async def _come(
    consumer: AIOKafkaConsumer, seconds: float
) -> Mapping[TopicPartition, list[ConsumerRecord]]:
    """Return the next record, if one comes within the time.

    aiokafka waits without end while the group is formed, as it does after brokers went away.
    """
    found: Mapping[TopicPartition, list[ConsumerRecord]] = {}
    try:
        with suppress(TimeoutError), within_client():
            async with asyncio.timeout(seconds + JOIN_SECONDS):
                found = await consumer.getmany(timeout_ms=int(seconds * 1000), max_records=1)
    finally:
        _looked(consumer)
    return found


def _looked(consumer: AIOKafkaConsumer) -> None:
    """Count a look that was cut off as over: aiokafka would take it to go on for ever.

    Then max.poll.interval was never in force for this consumer, however long it is busy.
    """
    subscription = consumer._subscription  # noqa: SLF001 - there is no other way
    if subscription._fetch_count:  # noqa: SLF001
        subscription._fetch_count = 0  # noqa: SLF001
        subscription._last_fetch_ended = monotonic()  # noqa: SLF001


async def _left_to_read(consumer: AIOKafkaConsumer, topic: str) -> dict[TopicPartition, int]:
    """Return where reading stands in each partition in which it is not at the end.

    A consumer that no partition fell to looks at how far its group is. Raises TimeoutError where
    the topic is gone.
    """
    everything = [TopicPartition(topic, at) for at in consumer.partitions_for_topic(topic) or ()]
    if not everything:
        raise TimeoutError
    mine = consumer.assignment()
    ends = await consumer.end_offsets(list(mine) or everything)
    if mine:
        at = {partition: await consumer.position(partition) for partition in ends}
    else:
        begins = await consumer.beginning_offsets(everything)
        at = {
            partition: max(begins[partition], await consumer.committed(partition) or 0)
            for partition in ends
        }
    return {partition: at[partition] for partition, end in ends.items() if at[partition] != end}


class _Forget(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Forgets what was taken of partitions that fall to somebody else."""

    def __init__(self, forget: Callable[[Iterable[TopicPartition]], object]) -> None:
        self._forget = forget

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Forget them."""
        self._forget(revoked)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Do nothing: they begin where the group's offset is."""
