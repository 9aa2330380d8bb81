"""How the original works: web3.py with its formatters, a queue message and a database look-up for
each event, an insert for each match, a session for each POST. Frozen: never improved.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import databases
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.inputs import Served
from bench.reference import Spent, body_of, connected, events_of, key_of


async def run(
    blocks: Sequence[Served], tables: Path, servers: Sequence[str], topic: str, url: str
) -> Spent:
    """Take the blocks from 1 on to the last, one after the other."""
    spent = Spent(len(blocks) - 1)
    web3, transfer = connected(blocks)
    database = databases.Database(f"sqlite:///{tables}")
    await database.connect()
    producer = AIOKafkaProducer(bootstrap_servers=list(servers))
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=list(servers), group_id=topic, auto_offset_reset="earliest"
    )
    await producer.start()
    await producer.send_and_wait(topic, b"null")
    await consumer.start()
    await consumer.getone()
    worked = time.process_time()
    for number in range(1, len(blocks)):
        events = await events_of(web3, transfer, number)
        consuming = asyncio.create_task(_consumed(consumer, len(events), database, url, spent))
        for event in events:
            await producer.send_and_wait(topic, json.dumps(event).encode())
        await consuming
    spent.cpu_seconds = time.process_time() - worked
    await consumer.stop()
    await producer.stop()
    await database.disconnect()
    return spent


async def _consumed(consumer, count: int, database, url: str, spent: Spent) -> None:
    for _ in range(count):
        event = json.loads((await consumer.getone()).value)
        for direction, party in (("out", "from"), ("in", "to")):
            address = event[party]
            row = await database.fetch_one(
                "select monitor from addresses where address = :address", {"address": address}
            )
            if row is None:
                continue
            told = json.dumps(body_of(event, direction, address))
            await database.execute(
                "insert into matches (told, at) values (:told, :at)",
                {"told": told, "at": time.time()},
            )
            spent.matches.add(key_of(event, direction, address))
            async with aiohttp.ClientSession() as session, session.post(url, data=told) as answer:
                await answer.read()
