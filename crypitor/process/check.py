"""What works, what does not, and what to do. Looks only: nothing is made, changed or announced."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crypitor.config import Config, NetworkConfig, QueueConfig
from crypitor.database.engine import Database
from crypitor.database.files import modes_of, too_open
from crypitor.database.migrate import pending
from crypitor.database.reseal import missing_keys, mistake_of
from crypitor.database.seal import Seal
from crypitor.database.sqlite import path_of
from crypitor.errors import (
    BrokerUnavailable,
    ConfigError,
    DatabaseUnavailable,
    NodeUnavailable,
    Unproven,
)
from crypitor.evm.types import Header
from crypitor.process.first_start import admin_key_path, refuse_blank
from crypitor.runtime.redaction import names_of
from crypitor.worker.node import Node

if TYPE_CHECKING:
    from crypitor.queue.topic import Found

STALE_SECONDS = 300
"""A head that is older makes one look whether the node still follows its chain."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One part, whether it works, and a sentence."""

    subject: str
    works: bool
    sentence: str
    warns: bool = False
    """Of what works and is not as it should be; the exit status stays 0."""

    def __str__(self) -> str:
        word = "WARNING" if self.warns else "ok     " if self.works else "TROUBLE"
        return f"{word}  {self.subject}: {self.sentence}"


async def findings(config: Config) -> AsyncIterator[Finding]:
    """Yield what is found of each part as soon as it is known."""
    yield _configuration(config)
    yield await _database(config)
    for finding in _modes(config):
        yield finding
    yield await _secrets(config)
    for finding in await _queue(config):
        yield finding
    async with asyncio.TaskGroup() as tasks:
        looks = [
            tasks.create_task(_node(name, network, url, node))
            for name, network in config.followed.items()
            for url, node in zip(network.rpc, names_of(network.rpc), strict=True)
        ]
    for look in looks:
        yield look.result()


def _configuration(config: Config) -> Finding:
    if not config.followed:
        return Finding(
            "configuration",
            False,
            "no network has a node; put your node's URL into networks.ethereum.rpc",
        )
    return Finding("configuration", True, f"networks: {', '.join(config.followed)}")


async def _database(config: Config) -> Finding:
    try:
        await refuse_blank(config)
        missing = await pending(config.database.url.get_secret_value())
    except DatabaseUnavailable as trouble:
        return Finding("database", False, f"{trouble}; it is waited for at start")
    except ConfigError as mistake:
        return Finding("database", False, mistake.mistakes[0])
    if not missing:
        return Finding("database", True, "reachable, the schema is the newest")
    if config.database.migrate:
        return Finding("database", True, "the schema is brought up to date at start")
    return Finding("database", False, "the schema is not the newest: run `crypitor migrate`")


def _modes(config: Config) -> list[Finding]:
    """Warn of files that hold secrets and are not their owner's alone."""
    url, key = config.database.url.get_secret_value(), admin_key_path(config)
    commands = too_open(path_of(url), [key]) if url.startswith("sqlite") else modes_of([key])
    return [
        Finding("files", True, f"other users of this machine may read or change this: {one}", True)
        for one in commands
    ]


async def _secrets(config: Config) -> Finding:
    keys, url = config.webhook.seal_keys, config.database.url.get_secret_value()
    stored = "sealed" if keys else "as they are; webhook.secrets_key would seal them"
    try:
        if await pending(url):
            return Finding("secrets", True, f"will be stored {stored}")
        async with Database.open(url, connections=1, seal=Seal(keys)) as database:
            missing = await database.read(missing_keys)
    except (DatabaseUnavailable, ConfigError):
        return Finding("secrets", True, "not looked at: the database cannot be read")
    if missing:
        return Finding("secrets", False, mistake_of(missing, has_key=bool(keys)))
    return Finding("secrets", True, f"stored {stored}")


async def _queue(config: Config) -> list[Finding]:
    """Look at the brokers, where the queue or an endpoint may need them."""
    found = []
    if config.queue.kind == "memory":
        found.append(Finding("queue", True, "in the process"))
        if not config.webhook.kafka_topics:
            return found
    from crypitor.queue.connection import connection_of  # noqa: PLC0415 - only where it is used
    from crypitor.queue.topic import look_at_topic  # noqa: PLC0415

    connection, wanted = connection_of(config.queue), config.queue
    subject = "queue" if wanted.kind == "kafka" else "brokers"
    try:
        blocks = await look_at_topic(connection, wanted.blocks_topic)
        if wanted.kind == "kafka":
            found.append(_blocks_topic(wanted, blocks))
        for name in config.webhook.kafka_topics:
            if name.endswith("*"):
                continue
            topic = await look_at_topic(connection, name)
            there = "is there" if topic.partitions else "is not there: make it, or let the brokers"
            found.append(Finding(f"topic {name}", topic.partitions > 0, there))
    except BrokerUnavailable as trouble:
        found.append(Finding(subject, False, f"{trouble}; it is waited for at start"))
    except ConfigError as mistake:
        found.append(Finding(subject, False, mistake.mistakes[0]))
    return found


def _blocks_topic(wanted: QueueConfig, topic: "Found") -> Finding:
    brokers = f"Kafka is reachable with {topic.brokers} broker{'s' * (topic.brokers != 1)}"
    if not topic.partitions:
        return Finding("queue", True, f"{brokers}, topic {wanted.blocks_topic} is made at start")
    replicas = min(wanted.replicas, topic.brokers)
    hours = int(topic.settings.get("retention.ms", "-1")) / 3_600_000
    sentence = (
        f"{brokers}, topic {wanted.blocks_topic} has {topic.partitions} partitions,"
        f" {topic.replicas} replicas and keeps blocks for {hours:g} hours"
    )
    if topic.replicas < replicas:
        return Finding("queue", False, f"{sentence}; queue.replicas wants {replicas}")
    if topic.partitions < wanted.partitions:
        sentence += f", and gets {wanted.partitions} partitions at start"
    return Finding("queue", True, sentence)


async def _node(network: str, wanted: NetworkConfig, url: str, name: str) -> Finding:
    subject = f"node {name} of {network}"
    try:
        async with Node(
            url,
            name,
            chain_id=wanted.chain_id,
            timeout_seconds=wanted.timeout_seconds,
            verify=wanted.verify,
            traces=wanted.traces,
        ) as node:
            return await _look(subject, wanted, node)
    except Unproven as lie:
        if lie.check == "traces":
            return Finding(subject, False, f"{lie}")
        return Finding(
            subject,
            False,
            f"{lie}. Either the node leaves something out, or this chain needs a weaker"
            f' networks.{network}.verify ("logs" or "off")',
        )
    except NodeUnavailable as trouble:
        return Finding(subject, False, f"{trouble}")


async def _look(subject: str, wanted: NetworkConfig, node: Node) -> Finding:
    head = await node.header_at("latest")
    if head is None:
        return Finding(subject, False, "has no latest block")
    # The parent: at the head itself receipts may still be missing for a moment.
    number = max(head.number - 1, 0)
    if await node.block(number) is None:
        return Finding(subject, False, f"does not have all of block {number}")
    tag = wanted.confirmations
    if isinstance(tag, str) and await node.header_at(tag) is None:
        return Finding(subject, False, f'does not know the tag "{tag}" of confirmations')
    return _age(subject, wanted, head)


def _age(subject: str, wanted: NetworkConfig, head: Header) -> Finding:
    seconds = round(time.time() - head.timestamp)
    sentence = (
        f"chain {wanted.chain_id}, head {head.number}, {max(seconds, 0)} s old,"
        f" blocks prove themselves ({wanted.verify})"
    )
    if seconds > STALE_SECONDS:
        return Finding(subject, False, f"{sentence}: has it stopped following the chain?")
    return Finding(subject, True, sentence)
