"""The topic of the blocks: made with the limits that are configured, and looked at."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    BrokerResponseError,
    IncompatibleBrokerVersion,
    KafkaError,
    NoError,
    TopicAlreadyExistsError,
    for_code,
)

from crypitor.config import QueueConfig
from crypitor.queue.connection import (
    REQUEST_SECONDS,
    START_SECONDS,
    Connection,
    ended,
    started,
    unavailable,
    within_client,
)

log = structlog.get_logger(__name__)

MESSAGE_BYTES = 1 << 20
"""Larger than any record that is sent."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a topic is made. replicas: at most the number of brokers is taken."""

    name: str
    partitions: int = 16
    replicas: int = 3
    retention_hours: float = 72


@dataclass(frozen=True, slots=True)
class Found:
    """How a topic is. partitions: 0 where it is not there. settings: of the topic, as text."""

    brokers: int
    partitions: int
    replicas: int
    settings: dict[str, str]


def blocks_topic(queue: QueueConfig) -> Wanted:
    """Return the topic of the blocks as it is configured."""
    return Wanted(queue.blocks_topic, queue.partitions, queue.replicas, queue.retention_hours)


async def make_topic(connection: Connection, wanted: Wanted) -> None:
    """Make a topic that is not there; add partitions that one lacks. Raises BrokerUnavailable.

    Nothing else of a topic that is there is changed. Where we may not make topics, the cluster does
    so by itself or an operator has to.
    """
    async with _admin(connection) as admin:
        known = await _described(admin, wanted.name)
        if known is not None and len(known["partitions"]) >= wanted.partitions:
            return
        cluster = await admin.describe_cluster()
        brokers = {broker["node_id"] for broker in cluster["brokers"]}
        if cluster["controller_id"] not in brokers:
            trouble: str | None = "the cluster names no controller"
        elif known is not None:
            trouble = await _grown(admin, wanted)
        else:
            trouble = await _made(admin, wanted, min(wanted.replicas, len(brokers)))
    if trouble:
        log.warning("topic is not as configured", topic=wanted.name, trouble=trouble)


async def look_at_topic(connection: Connection, name: str) -> Found:
    """Return how things are; changes nothing. Raises BrokerUnavailable."""
    async with _admin(connection) as admin:
        cluster = await admin.describe_cluster()
        brokers = len(cluster["brokers"])
        known = await _described(admin, name)
        if known is None:
            return Found(brokers, 0, 0, {})
        resource = ConfigResource(ConfigResourceType.TOPIC, name)
        [answer] = await admin.describe_configs([resource])
        [(_, _, _, _, entries)] = answer.resources
        replicas = min(len(partition["replicas"]) for partition in known["partitions"])
        settings = {entry[0]: entry[1] for entry in entries}
        return Found(brokers, len(known["partitions"]), replicas, settings)


async def refusal_to_make(connection: Connection, wanted: Wanted) -> str | None:
    """Return what would keep a topic from being made; makes none. Raises BrokerUnavailable."""
    async with _admin(connection) as admin:
        brokers = len((await admin.describe_cluster())["brokers"])
        return await _made(admin, wanted, min(wanted.replicas, brokers), only_asks=True)


@asynccontextmanager
async def _admin(connection: Connection) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**connection.options)
    try:
        with within_client():
            async with asyncio.timeout(START_SECONDS + REQUEST_SECONDS):
                yield await started(admin, connection)
    except (KafkaError, OSError, TimeoutError) as error:
        raise unavailable(error) from error
    finally:
        await ended(admin)


async def _described(admin: AIOKafkaAdminClient, name: str) -> dict[str, Any] | None:
    """Return what the cluster says of a topic, None if it is not there; asking makes none."""
    if name not in await admin.list_topics():
        return None
    [known] = await admin.describe_topics([name])
    return known if known["error_code"] == NoError.errno else None


async def _grown(admin: AIOKafkaAdminClient, wanted: Wanted) -> str | None:
    """Add the partitions that are missing; return what kept us from it.

    A chain that falls to another partition is put in order by its blocks' parents.
    """
    try:
        await admin.create_partitions({wanted.name: NewPartitions(total_count=wanted.partitions)})
    except (BrokerResponseError, IncompatibleBrokerVersion) as refused:
        return f"{refused}"
    return None


async def _made(
    admin: AIOKafkaAdminClient, wanted: Wanted, replicas: int, *, only_asks: bool = False
) -> str | None:
    """Make a topic, or only ask whether one may; return what kept it from being made."""
    settings = {
        "retention.ms": str(round(wanted.retention_hours * 3_600_000)),
        "max.message.bytes": str(MESSAGE_BYTES),
        "cleanup.policy": "delete",
    }
    if replicas > 2:
        settings["min.insync.replicas"] = "2"
    topic = NewTopic(wanted.name, wanted.partitions, replicas, topic_configs=settings)
    answer = await admin.create_topics([topic], validate_only=only_asks)
    [(_, code, *_)] = answer.topic_errors
    if code in (NoError.errno, TopicAlreadyExistsError.errno):
        return None
    return str(for_code(code).__name__)
