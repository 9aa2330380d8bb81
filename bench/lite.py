"""What a careful developer writes without measuring: the same calls, a dictionary of addresses,
batched sends, one transaction for a block's matches, one shared session. Frozen: never improved.
"""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp
import databases
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.inputs import Served
from bench.reference import Spent, body_of, connected, events_of, key_of


async def run(
    blocks: Sequence[Served],
    addresses: Mapping[str, int],
    tables: Path,
    servers: Sequence[str],
    topic: str,
    url: str,
) -> Spent:
    """Take the blocks from 1 on to the last, one after the other."""
    spent = Spent(len(blocks) - 1)
    web3, transfer = connected(blocks)
    producer = AIOKafkaProducer(bootstrap_servers=list(servers), linger_ms=5)
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=list(servers), group_id=topic, auto_offset_reset="earliest"
    )
    await producer.start()
    await producer.send_and_wait(topic, b"null")
    await consumer.start()
    await consumer.getone()
    database = databases.Database(f"sqlite:///{tables}")
    async with database, aiohttp.ClientSession() as session:
        worked = time.process_time()
        for number in range(1, len(blocks)):
            events = await events_of(web3, transfer, number)
            sends = [await producer.send(topic, json.dumps(event).encode()) for event in events]
            await asyncio.gather(*sends)
            found = []
            for _ in events:
                event = json.loads((await consumer.getone()).value)
                for direction, party in (("out", "from"), ("in", "to")):
                    if event[party] in addresses:
                        found.append(json.dumps(body_of(event, direction, event[party])))
                        spent.matches.add(key_of(event, direction, event[party]))
            async with database.transaction():
                await database.execute_many(
                    "insert into matches (told, at) values (:told, :at)",
                    [{"told": told, "at": time.time()} for told in found],
                )
            await asyncio.gather(*(_posted(session, url, told) for told in found))
        spent.cpu_seconds = time.process_time() - worked
    await consumer.stop()
    await producer.stop()
    return spent


async def _posted(session: aiohttp.ClientSession, url: str, told: str) -> None:
    async with session.post(url, data=told) as answer:
        await answer.read()
