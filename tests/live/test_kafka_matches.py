"""Matches as a topic, from the chain to a consumer: the whole service, with the in-process queue."""

import asyncio
import json

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer
from standardwebhooks import Webhook

from crypitor.development.simulator.audit import Heard, Question, audit
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.live.kafka.broker import Broker
from tests.patience import HANG_SECONDS
from tests.rig import Service
from tests.test_crash import CONFIRMATIONS

pytestmark = pytest.mark.live


async def test_every_match_is_in_the_topic(kafka: Broker, prefix: str, tmp_path):
    """Although the brokers are away in between: nothing is missing, and every record is signed."""
    topic = f"{prefix}.matches"
    chain = SimulatedChain(prefix)
    async with SimulatorServer(chain) as node:
        service = Service(
            tmp_path,
            {
                "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
                "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
                "CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": str(CONFIRMATIONS),
                "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.05",
                "CRYPITOR__NETWORKS__DEV__START": "0",
                "CRYPITOR__QUEUE__BOOTSTRAP_SERVERS": json.dumps(kafka.servers),
                "CRYPITOR__WEBHOOK__SCHEDULE_SECONDS": "[0.5, 1, 1, 2, 2, 5, 5]",
                "CRYPITOR__WEBHOOK__TIMEOUT_SECONDS": "3",
                "CRYPITOR__WEBHOOK__KAFKA_TOPICS": f'["{prefix}.*"]',
            },
        )
        await service.start()
        endpoint = await service.post("/v1/endpoints", {"url": f"kafka://{topic}"})
        addresses = [actor.address for actor in chain.actors[:3]]
        monitor = await service.post(
            "/v1/monitors",
            {"name": "Treasury", "networks": ["dev"], "addresses": addresses,
             "endpoints": [endpoint["id"]]},
        )  # fmt: skip
        chain.mine(8)
        await service.until_tip("dev", chain.head.number)
        await asyncio.to_thread(kafka.kill)
        chain.reorg(2, 3)
        chain.mine(3)
        await service.until_tip("dev", chain.head.number)
        await asyncio.sleep(1)
        await asyncio.to_thread(kafka.start)
        chain.mine(CONFIRMATIONS)
        await service.until_tip("dev", chain.head.number)
        await service.until_nothing_is_due()
        status = await service.stop()
    records = await _all_of(kafka, topic)
    question = Question(
        monitor["id"], monitor["armed_from"]["dev"] or 0, CONFIRMATIONS,
        addresses=frozenset(addresses),
    )  # fmt: skip
    heard = []
    for record in records:
        headers = {name: value.decode() for name, value in record.headers}
        Webhook(endpoint["secret"]).verify(record.value, headers)
        heard.append(Heard(headers["webhook-id"], record.value, msgspec.json.decode(record.value)))
    found = audit(chain, [question], heard, chain.head.number, steady_node=True)

    assert status == 0
    assert found.problems == []
    assert found.expected > chain.head.number
    assert found.reverted > 0
    assert {record.key.decode() for record in records} == {monitor["id"]}


async def _all_of(kafka: Broker, topic: str) -> list:
    """Every record of a topic, whose partitions may still be coming back."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=kafka.servers, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        records = []
        async with asyncio.timeout(HANG_SECONDS):
            [(partition, end)] = (await consumer.end_offsets(consumer.assignment())).items()
            while await consumer.position(partition) < end:
                for found in (await consumer.getmany(timeout_ms=500)).values():
                    records += found
        return records
    finally:
        await consumer.stop()
