"""The queue beside a real Apache Kafka."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from standardwebhooks import Webhook

from crypitor.config import load
from crypitor.database.engine import Database
from crypitor.database.migrate import migrate
from crypitor.errors import BrokerUnavailable
from crypitor.process.check.findings import findings
from crypitor.process.queues import kafka_of
from crypitor.queue.connection import Connection
from crypitor.queue.kafka import KafkaQueue
from crypitor.queue.topic import Wanted, look_at_topic
from crypitor.queue.topics import Topics
from crypitor.runtime.loop import clock
from crypitor.webhook.delivery import Endpoint
from crypitor.webhook.post import Poster
from tests.live.kafka.broker import PASSWORD, USER, Broker
from tests.patience import HANG_SECONDS
from tests.queue.messages import message, recorded_message

pytestmark = pytest.mark.live

PATIENCE_SECONDS = HANG_SECONDS
SECRET = "whsec_" + "QUJD" * 10


async def take(queue: KafkaQueue, count: int) -> list[int]:
    taken = []
    for _ in range(count):
        found = await queue.next(PATIENCE_SECONDS)
        assert found is not None, taken
        taken.append(found.sequence)
        await queue.done(found)
    return taken


async def test_makes_its_topic_as_configured(kafka: Broker, open_queue, prefix: str):
    """Partitions, replicas that there are brokers for, retention and message limit."""
    await open_queue().publish(message(1))

    found = await look_at_topic(Connection(kafka.servers), f"{prefix}.blocks")

    assert (found.brokers, found.partitions, found.replicas) == (1, 4, 1)
    assert found.settings["retention.ms"] == str(5 * 3_600_000)
    assert found.settings["max.message.bytes"] == str(1 << 20)


async def test_leaves_a_topic_that_is_there_as_it_is(kafka: Broker, open_queue, prefix: str):
    """Another configuration changes nothing of a topic, which is an operator's from then on."""
    await open_queue().publish(message(1))
    other = KafkaQueue(
        Connection(kafka.servers), Wanted(f"{prefix}.blocks", 2, 1, 1), group=f"{prefix}.other"
    )
    assert await take(other, 1) == [1]
    await other.close()

    found = await look_at_topic(Connection(kafka.servers), f"{prefix}.blocks")

    assert (found.partitions, found.settings["retention.ms"]) == (4, str(5 * 3_600_000))


async def test_carries_blocks_of_every_size(open_queue):
    """The block of 10,041 logs fits into one message; one of 3 MB goes in four."""
    from tests.queue.test_kafka import huge

    queue = open_queue()
    sent = [recorded_message(1, 15537394, 1), huge(2), message(3)]
    for each in sent:
        await queue.publish(each)

    assert [await queue.next(PATIENCE_SECONDS) for _ in sent] == sent


async def test_keeps_order_and_goes_on_after_a_restart(open_queue):
    """A consumer that comes after another one gets what that one did not finish, in order."""
    producer, first, second = open_queue(), open_queue(), open_queue()
    for sequence in range(1, 51):
        await producer.publish(message(sequence))
    begun = await take(first, 20)
    await first.next(PATIENCE_SECONDS)
    await first.close()

    rest = await take(second, 30)

    assert begun + rest == [*range(1, 51)]


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_shows_a_password(kafka: Broker, open_queue, mechanism: str):
    """Each mechanism that can be configured lets us in, over SASL_PLAINTEXT."""
    queue = open_queue(Connection(kafka.sasl_servers, "SASL_PLAINTEXT", mechanism, USER, PASSWORD))
    await queue.publish(message(1))

    assert await take(queue, 1) == [1]


async def test_speaks_tls(kafka: Broker, open_queue):
    """SASL_SSL with a certificate authority of one's own."""
    queue = open_queue(
        Connection(kafka.tls_servers, "SASL_SSL", "SCRAM-SHA-512", USER, PASSWORD, ca=str(kafka.ca))
    )
    await queue.publish(message(1))

    assert await take(queue, 1) == [1]


async def test_a_broker_with_a_strange_certificate_is_not_believed(kafka: Broker, open_queue):
    """Without the authority that vouches for the broker, no password is sent."""
    queue = open_queue(Connection(kafka.tls_servers, "SASL_SSL", "PLAIN", USER, PASSWORD))

    with pytest.raises(BrokerUnavailable):
        await queue.publish(message(1))


async def test_a_wrong_password_is_told_and_not_shown(kafka: Broker, open_queue):
    """The operator reads that it was refused; the password stands in no message."""
    queue = open_queue(Connection(kafka.sasl_servers, "SASL_PLAINTEXT", "PLAIN", USER, "wrong-one"))

    with pytest.raises(BrokerUnavailable) as told:
        await queue.publish(message(1))

    assert "uthentication" in str(told.value)
    assert "wrong-one" not in str(told.value)


async def test_check_tells_what_there_is(kafka: Broker, open_queue, prefix: str, tmp_path):
    """`crypitor check` names brokers, the topic's state, and topics that are missing."""
    environ = {
        "CRYPITOR__DATABASE__URL": f"sqlite:///{tmp_path}/crypitor.db",
        "CRYPITOR__QUEUE__KIND": "kafka",
        "CRYPITOR__QUEUE__BOOTSTRAP_SERVERS": json.dumps(kafka.servers),
        "CRYPITOR__QUEUE__TOPIC_PREFIX": prefix,
        "CRYPITOR__WEBHOOK__KAFKA_TOPICS": json.dumps([f"{prefix}-missing", f"{prefix}.m.*"]),
    }
    before = {found.subject: found async for found in findings(load(None, environ))}
    await open_queue().publish(message(1))
    after = {found.subject: found async for found in findings(load(None, environ))}

    assert "1 broker, topic" in before["queue"].sentence
    assert "is made at start" in before["queue"].sentence
    assert not before[f"topic {prefix}-missing"].works
    assert after["queue"].works
    assert "4 partitions, 1 replicas and keeps blocks for 5 hours" in after["queue"].sentence


async def test_publishes_a_match_for_other_programs(kafka: Broker, prefix: str):
    """A record holds the webhook's bytes, id and signature, and is keyed by its monitor."""
    topics = Topics(Connection(kafka.servers), [f"{prefix}.*"])
    endpoint = Endpoint("ep_1", "pr_1", f"kafka://{prefix}.matches", SECRET, headers={"X-A": "b"})
    body = b'{"type": "match.detected"}'
    async with Poster(topics=topics) as poster:
        outcome = await poster.post(endpoint, "de_1", body, clock(), "mo_1")
    await topics.close()
    consumer = AIOKafkaConsumer(
        f"{prefix}.matches", bootstrap_servers=kafka.servers, auto_offset_reset="earliest"
    )
    await consumer.start()
    record = await asyncio.wait_for(consumer.getone(), PATIENCE_SECONDS)
    await consumer.stop()
    headers = {name: value.decode() for name, value in record.headers}

    assert outcome.succeeded, outcome
    assert (record.key, record.value) == (b"mo_1", body)
    assert headers["webhook-id"] == "de_1"
    assert headers["x-a"] == "b"
    assert Webhook(SECRET).verify(body, headers) == {"type": "match.detected"}


async def test_a_topic_that_the_broker_does_not_take_fails_alone(kafka: Broker, prefix: str):
    """A record for another topic passes while one for a topic that cannot be is failing."""
    topics = Topics(Connection(kafka.servers), ["*"], seconds=3)
    impossible = asyncio.create_task(topics.publish("x" * 250, "mo_1", b"{}", {}))
    await topics.publish(f"{prefix}.matches", "mo_1", b"{}", {})

    with pytest.raises(BrokerUnavailable):
        await impossible
    where = await topics.publish(f"{prefix}.matches", "mo_1", b"{}", {})
    await topics.close()

    assert where == "partition 0, offset 1"


async def test_poison_stops_no_partition(kafka: Broker, open_queue):
    """What others wrote into the topic is told once and passed over."""
    buried = []

    async def bury(record) -> None:
        buried.append(record.value)

    queue = open_queue(bury=bury)
    await queue.publish(message(1))
    stranger = AIOKafkaProducer(bootstrap_servers=kafka.servers, enable_idempotence=True)
    await stranger.start()
    for poison in (b"{}", b"\x01nothing", None):
        await stranger.send_and_wait(queue.topic, poison, key=b"1")
    await stranger.stop()
    await queue.publish(message(2))

    assert await take(queue, 2) == [1, 2]
    assert buried == [b"{}", b"\x01nothing", b""]


async def test_a_dead_letter_is_shown_and_put_back(kafka: Broker, prefix: str, tmp_path):
    """What the service could not read is listed, shown, and read once it is put back."""
    settings = {
        "CRYPITOR__DATABASE__URL": f"sqlite:///{tmp_path}/crypitor.db",
        "CRYPITOR__QUEUE__KIND": "kafka",
        "CRYPITOR__QUEUE__BOOTSTRAP_SERVERS": json.dumps(kafka.servers),
        "CRYPITOR__QUEUE__TOPIC_PREFIX": prefix,
    }
    config = load(None, settings)
    await migrate(config.database.url.get_secret_value())
    async with Database.open(config.database.url.get_secret_value()) as database:
        queue = kafka_of(config, database)
        await queue.send_again(b"1", b"poison")
        assert await queue.next(1.0) is None

        async def crypitor(*words: str) -> str:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "crypitor", "queue", "dead", *words,
                cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(Path.cwd()), **settings},
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            out, err = await process.communicate()
            assert process.returncode == 0, err
            return out.decode()

        [line] = (await crypitor("list")).splitlines()
        letter_id = line.split()[0]
        shown = await crypitor("show", letter_id)
        raw = await crypitor("show", letter_id, "--raw")
        await crypitor("requeue", letter_id)
        after_requeue = await crypitor("list")
        assert await queue.next(1.0) is None
        again = await crypitor("list")
        await queue.close()

    assert f"{prefix}.blocks/" in line
    assert "unknown version 70" in shown
    assert raw == "poison"
    assert after_requeue == ""
    assert f"{prefix}.blocks/" in again
    assert letter_id not in again
