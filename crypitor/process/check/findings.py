"""What works, what does not, and what to do. Looks only: nothing is made, changed or announced.

Whatever `run` would wait for or refuse is a trouble here: each neighbour is asked what a start asks
it, in the same way.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from crypitor.config import ROLES, Config, QueueConfig, check_roles
from crypitor.config.paths import admin_key_path
from crypitor.database.files import modes_of, too_open
from crypitor.database.hold import Holder
from crypitor.database.holds import holders_of
from crypitor.database.sqlite import path_of
from crypitor.errors import BrokerUnavailable, ConfigError, DatabaseUnavailable
from crypitor.process.check.database import look_at_database
from crypitor.process.check.finding import Finding, fine, trouble, warning
from crypitor.process.check.mixture import mixture_findings
from crypitor.process.check.nodes import Matched, node_finding
from crypitor.process.check.proxy import proxy_findings
from crypitor.process.check.running import service_finding
from crypitor.runtime.redaction import names_of

if TYPE_CHECKING:
    from crypitor.queue.topic import Found


async def findings(config: Config) -> AsyncIterator[Finding]:
    """Yield what is found of each part as soon as it is known."""
    yield _configuration(config)
    holders = await _holders(config)
    yield await service_finding(config, holders)
    for finding in await mixture_findings(config, holders):
        yield finding
    stored = await look_at_database(config, running=bool(holders))
    for finding in stored.findings:
        yield finding
    for finding in _modes(config):
        yield finding
    for finding in await _queue(config):
        yield finding
    for finding in await proxy_findings(config):
        yield finding
    async with asyncio.TaskGroup() as tasks:
        looks = [
            tasks.create_task(
                node_finding(name, network, url, node, stored.matched.get(name, Matched()))
            )
            for name, network in config.followed.items()
            for url, node in zip(network.rpc, names_of(network.rpc), strict=True)
        ]
    for look in looks:
        yield look.result()


def _configuration(config: Config) -> Finding:
    if not config.followed:
        return trouble(
            "configuration",
            "no network has a node; put your node's URL into networks.ethereum.rpc",
            'rpc = ["https://…"] under [networks.ethereum] in config.toml; without a node:'
            " `crypitor demo`",
        )
    try:
        check_roles(config, ROLES)
    except ConfigError as refused:
        return trouble("configuration", refused.mistakes[0], "correct config.toml there")
    return fine("configuration", f"networks: {', '.join(config.followed)}")


def _modes(config: Config) -> list[Finding]:
    """Warn of files that hold secrets and are not their owner's alone."""
    url, key = config.database.url.get_secret_value(), admin_key_path(config)
    commands = too_open(path_of(url), [key]) if url.startswith("sqlite") else modes_of([key])
    return [
        warning("files", "other users of this machine may read or change this", f"`{one}`")
        for one in commands
    ]


async def _holders(config: Config) -> Sequence[Holder] | None:
    """Return who holds the database; None where it cannot be looked at, which is told later."""
    try:
        return await holders_of(config)
    except (ConfigError, DatabaseUnavailable):
        return None


async def _queue(config: Config) -> list[Finding]:
    """Look at the brokers, where the queue or an endpoint may need them."""
    found = []
    if config.queue.kind == "memory":
        found.append(fine("queue", "in the process"))
        if not config.webhook.kafka_topics:
            return found
    from crypitor.queue.connection import connection_of  # noqa: PLC0415 - only where it is used
    from crypitor.queue.topic import blocks_topic, look_at_topic, refusal_to_make  # noqa: PLC0415

    connection, wanted = connection_of(config.queue), config.queue
    subject = "queue" if wanted.kind == "kafka" else "brokers"
    try:
        blocks = await look_at_topic(connection, wanted.blocks_topic)
        if wanted.kind == "kafka":
            refused = (
                None
                if blocks.partitions
                else await refusal_to_make(connection, blocks_topic(wanted))
            )
            found.append(_blocks_topic(wanted, blocks, refused))
        for name in config.webhook.kafka_topics:
            if not name.endswith("*"):
                topic = await look_at_topic(connection, name)
                found.append(_matches_topic(name, topic))
    except BrokerUnavailable as gone:
        cure = "start the brokers, or correct queue.bootstrap_servers and what lets us in there"
        found.append(trouble(subject, f"{gone}; it is waited for at start", cure))
    except ConfigError as mistake:
        found.append(trouble(subject, mistake.mistakes[0], "name files that this user can read"))
    return found


def _matches_topic(name: str, topic: "Found") -> Finding:
    if topic.partitions:
        return fine(f"topic {name}", "is there")
    return trouble(
        f"topic {name}",
        "is not there: make it, or let the brokers",
        f"`kafka-topics.sh --create --topic {name}`",
    )


def _blocks_topic(wanted: QueueConfig, topic: "Found", refused: str | None) -> Finding:
    brokers = f"Kafka is reachable with {topic.brokers} broker{'s' * (topic.brokers != 1)}"
    name = wanted.blocks_topic
    if refused:
        return trouble(
            "queue",
            f"{brokers}, topic {name} is not there, and making it is refused: {refused}",
            f"`kafka-topics.sh --create --topic {name} --partitions {wanted.partitions}`, or let"
            " our user make topics",
        )
    if not topic.partitions:
        return fine("queue", f"{brokers}, topic {name} is made at start")
    replicas = min(wanted.replicas, topic.brokers)
    hours = int(topic.settings.get("retention.ms", "-1")) / 3_600_000
    sentence = (
        f"{brokers}, topic {name} has {topic.partitions} partitions,"
        f" {topic.replicas} replicas and keeps blocks for {hours:g} hours"
    )
    if topic.replicas < replicas:
        return trouble(
            "queue",
            f"{sentence}; queue.replicas wants {replicas}",
            "add replicas by `kafka-reassign-partitions.sh`, or set queue.replicas ="
            f" {topic.replicas}",
        )
    if topic.partitions < wanted.partitions:
        sentence += f", and gets {wanted.partitions} partitions at start"
    return fine("queue", sentence)
