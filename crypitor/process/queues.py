"""What goes through Kafka as it is configured: the queue, its dead letters, and matches."""

from typing import TYPE_CHECKING

import structlog

from crypitor.config import Config
from crypitor.database.dead_letters import dead_letter, insert_dead_letter
from crypitor.database.engine import Database
from crypitor.queue import Queue
from crypitor.queue.memory import MemoryQueue
from crypitor.runtime.loop import clock

if TYPE_CHECKING:
    from crypitor.queue.kafka import KafkaQueue, Unreadable
    from crypitor.queue.topics import Topics

MARGIN = 0.8
"""Of an attempt's time: the broker's silence is told as such, before the attempt's end."""

log = structlog.get_logger(__name__)


def queue_of(config: Config, database: Database) -> Queue:
    """Return the queue between workers and monitors."""
    return MemoryQueue() if config.queue.kind == "memory" else kafka_of(config, database)


def topics_of(config: Config) -> "Topics | None":
    """Return what publishes matches to Kafka topics, None where no topic is allowed."""
    if not config.webhook.kafka_topics:
        return None
    from crypitor.queue.connection import connection_of  # noqa: PLC0415 - only where it is used
    from crypitor.queue.topics import Topics  # noqa: PLC0415

    return Topics(
        connection_of(config.queue),
        config.webhook.kafka_topics,
        seconds=config.webhook.timeout_seconds * MARGIN,
    )


def kafka_of(config: Config, database: Database) -> "KafkaQueue":
    """Return the queue through Kafka; what cannot be read becomes a dead letter."""
    from crypitor.queue.connection import connection_of  # noqa: PLC0415 - only where it is used
    from crypitor.queue.kafka import KafkaQueue  # noqa: PLC0415
    from crypitor.queue.topic import blocks_topic  # noqa: PLC0415

    async def bury(record: "Unreadable") -> None:
        letter = dead_letter(
            record.topic, record.partition, record.offset, record.key, record.value,
            record.reason, clock(),
        )  # fmt: skip
        await database.write(lambda tx: insert_dead_letter(tx, letter))
        log.warning(
            "unreadable message kept as a dead letter",
            topic=record.topic,
            id=letter.id,
            trouble=record.reason,
        )

    return KafkaQueue(
        connection_of(config.queue),
        blocks_topic(config.queue),
        group=f"{config.queue.topic_prefix}.monitor",
        bury=bury,
    )
