"""Several processes of each role beside one Kafka and one PostgreSQL: what they take, and how fast.

Real processes of the product; chains, receiver, broker and database are on the same machine and
have their part of its cores. So the clock tells of this machine, and the processor's time of each
role tells what it would be elsewhere. Needs what the live tests need: Java and PostgreSQL.
"""

import asyncio
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import asyncpg
from aiokafka.partitioner import murmur2

from bench import inputs, path
from bench.chains import chains
from bench.deliveries import BODY_BYTES, receiver
from bench.measuring import children, memory_mb, processor_seconds
from crypitor.database.addresses import CHUNK, insert_addresses
from crypitor.database.deliveries import COLUMNS
from crypitor.database.endpoints import insert_endpoint
from crypitor.database.engine import Database
from crypitor.runtime.loop import clock
from crypitor.webhook.delivery import Endpoint
from tests.live.kafka.broker import Broker, broker
from tests.live.postgres import Cluster, cluster
from tests.rig import Service

PROCESSES = (1, 2, 4)
ADDRESSES, QUICK_ADDRESSES = 1_000_000, 10_000
BLOCKS, QUICK_BLOCKS = 100, 40
DELIVERIES, QUICK_DELIVERIES = 15_000, 4_000
ENDPOINTS = 20

PARTITIONS = 16


LOOK_SECONDS = 0.1
LATEST_SECONDS = 300.0


def _quarter(chain_id: int) -> int:
    """Return in which quarter of the partitions a chain is: that of a fourth monitor."""
    hashed = murmur2(str(chain_id).encode()) & 0x7FFFFFFF
    return hashed % PARTITIONS * 4 // PARTITIONS


CHAIN_IDS = [
    next(chain_id for chain_id in count(1337) if _quarter(chain_id) == quarter)
    for quarter in range(4)
]
"""Chains that spread evenly over two and over four monitors."""

FILL = f"""insert into deliveries ({COLUMNS})
    select 'de_' || lpad(n::text, 22, '0'), '{path.PROJECT}', 'mo_1', 'ma_' || n,
        'to_' || n % {ENDPOINTS}, 'detected', 'pending', 0, $3, 0, null, $2, null, $3, null, 0, n,
        null
    from generate_series(1, $1::int) n"""

MATCHED = """select coalesce(sum(number), 0)
    from (select max(number) as number from headers group by network) tips"""
SENT = "select count(*) from deliveries where status = 'delivered'"


@dataclass
class Stage:
    """The neighbours, which all fleets share, and the database that each begins with a copy of."""

    folder: Path
    kafka: Broker
    postgres: Cluster
    admin: asyncpg.Connection
    node: str

    def neighbours(self) -> dict[str, list[int]]:
        """Return the processes beside ours."""
        postmaster = int((self.postgres.folder / "data" / "postmaster.pid").read_text().split()[0])
        return {
            "Kafka": [self.kafka.pid],
            "PostgreSQL": [postmaster, *children(postmaster)],
        }


def bench(*, quick: bool = False) -> dict:
    """Measure fleets of one, two and four processes of each role."""
    return asyncio.run(_measured(quick=quick))


async def _measured(*, quick: bool) -> dict:
    blocks = QUICK_BLOCKS if quick else BLOCKS
    found: dict = {"chains": len(CHAIN_IDS), "blocks of each": blocks}
    async with _stage(blocks, QUICK_ADDRESSES if quick else ADDRESSES) as stage:
        for each in PROCESSES:
            print(f"{each} of each role …", file=sys.stderr, flush=True)
            found[f"{each} of each role"] = {
                "catching up": await _catching_up(stage, each, blocks),
                "sending": await _sending(stage, each, QUICK_DELIVERIES if quick else DELIVERIES),
            }
    return found


@asynccontextmanager
async def _stage(blocks: int, addresses: int) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = stack.enter_context(cluster())
        kafka = stack.enter_context(broker())
        node = await stack.enter_async_context(chains(blocks, CHAIN_IDS))
        admin = await asyncpg.connect(postgres.url)
        stack.push_async_callback(admin.close)
        stage = Stage(folder, kafka, postgres, admin, node)
        await admin.execute("create database prepared template template0")
        await _prepare(_url(stage, "prepared"), addresses)
        yield stage


async def _prepare(url: str, addresses: int) -> None:
    """Make the schema, a monitor with its endpoint, and so many addresses."""
    await path.prepared(Path(), replace(path.MONITOR, networks=_networks()), url)
    watched = inputs.watched_addresses(addresses)
    async with Database.open(url) as database:
        for at in range(0, len(watched), CHUNK):
            chunk = [(address, None) for address in watched[at : at + CHUNK]]
            await database.write(lambda tx, chunk=chunk: insert_addresses(tx, "mo_1", chunk))


def _networks() -> tuple[str, ...]:
    return tuple(f"chain{chain_id}" for chain_id in CHAIN_IDS)


def _url(stage: Stage, name: str) -> str:
    return urlsplit(stage.postgres.url)._replace(path=f"/{name}").geturl()


class Fleet:
    """Processes by role, all of one service.

    Each worker has its share of the chains in its configuration, so that all have as much to do.
    """

    def __init__(self, stage: Stage, name: str, roles: Sequence[str], each: int) -> None:
        self.url = _url(stage, name)
        self.members: dict[str, list[Service]] = {}
        for role in roles:
            self.members[role] = []
            for number in range(each):
                folder = stage.folder / name / f"{role}-{number}"
                folder.mkdir(parents=True)
                chain_ids = CHAIN_IDS[number::each] if role == "worker" else CHAIN_IDS
                settings = _settings(stage, name, chain_ids)
                self.members[role].append(Service(folder, settings, roles=[role]))

    async def start(self) -> None:
        for services in self.members.values():
            for service in services:
                await service.start()

    async def kill(self) -> None:
        for services in self.members.values():
            for service in services:
                if service.process is not None and service.process.returncode is None:
                    await service.kill()

    def processes(self) -> dict[str, list[int]]:
        return {
            role: [service.process.pid for service in services]
            for role, services in self.members.items()
        }


def _settings(stage: Stage, name: str, chain_ids: Sequence[int]) -> dict[str, str]:
    settings = {
        "CRYPITOR__DATABASE__URL": _url(stage, name),
        "CRYPITOR__QUEUE__KIND": "kafka",
        "CRYPITOR__QUEUE__BOOTSTRAP_SERVERS": ",".join(stage.kafka.servers),
        "CRYPITOR__QUEUE__TOPIC_PREFIX": name,
        "CRYPITOR__QUEUE__PARTITIONS": str(PARTITIONS),
    }
    for chain_id in chain_ids:
        network = f"CRYPITOR__NETWORKS__CHAIN{chain_id}"
        settings |= {
            f"{network}__CHAIN_ID": str(chain_id),
            f"{network}__RPC": f'["{stage.node}/{chain_id}"]',
            f"{network}__START": "0",
            f"{network}__POLL_SECONDS": "0.2",
        }
    return settings


@asynccontextmanager
async def _fleet(
    stage: Stage, roles: Sequence[str], each: int
) -> AsyncIterator[tuple[Fleet, asyncpg.Connection]]:
    name = f"bench_{uuid.uuid4().hex}"
    await stage.admin.execute(f"create database {name} template prepared")
    fleet = Fleet(stage, name, roles, each)
    asking = await asyncpg.connect(fleet.url)
    try:
        await fleet.start()
        yield fleet, asking
    finally:
        await fleet.kill()
        await asking.close()


@dataclass
class _Taken:
    """What processes took of the processor since this was made, by what they are."""

    processes: Callable[[], dict[str, list[int]]]

    def __post_init__(self) -> None:
        self._before = self._seconds()

    def ms(self) -> dict[str, float]:
        """Return milliseconds."""
        now = self._seconds()
        return {name: 1000 * (now[name] - before) for name, before in self._before.items()}

    def _seconds(self) -> dict[str, float]:
        return {name: sum(map(processor_seconds, pids)) for name, pids in self.processes().items()}


async def _catching_up(stage: Stage, each: int, blocks: int) -> dict:
    """Let workers and monitors catch up with chains that have grown all at once."""
    async with _fleet(stage, ("worker", "monitor"), each) as (fleet, asking):
        async with aiohttp.ClientSession() as http:
            await _until(asking, MATCHED, len(CHAIN_IDS))
            taken = _Taken(lambda: fleet.processes() | stage.neighbours())
            await http.get(f"{stage.node}/open")
            seconds = await _until(asking, MATCHED, len(CHAIN_IDS) * blocks)
            ms = taken.ms()
            await http.get(f"{stage.node}/close")
        total = len(CHAIN_IDS) * (blocks - 1)
        matches = await asking.fetchval("select count(*) from matches")
        return {
            "blocks/s": round(total / seconds, 1),
            "matches/s": round(matches / seconds, 1),
            "ms of the processor a block": {name: round(of / total, 2) for name, of in ms.items()},
            "memory MB": {
                role: [memory_mb(pid) for pid in pids] for role, pids in fleet.processes().items()
            },
        }


async def _sending(stage: Stage, each: int, deliveries: int) -> dict:
    """Let senders share what waits at some endpoints."""
    body = f'{{"id":"{"7" * BODY_BYTES}"}}'
    with receiver() as url:
        async with _fleet(stage, ("webhook",), each) as (fleet, asking):
            async with Database.open(fleet.url) as database:
                for number in range(ENDPOINTS):
                    endpoint = Endpoint(f"to_{number}", path.PROJECT, f"{url}{number}", path.SECRET)
                    await database.write(
                        lambda tx, endpoint=endpoint: insert_endpoint(tx, endpoint)
                    )
            taken = _Taken(lambda: fleet.processes() | stage.neighbours())
            await asking.execute(FILL, deliveries, body, clock())
            filling = taken.ms()["PostgreSQL"]
            seconds = await _until(asking, SENT, deliveries)
            ms = taken.ms()
            ms["PostgreSQL"] -= filling
            return {
                "deliveries/s": round(deliveries / seconds, 1),
                "ms of the processor a delivery": {
                    name: round(of / deliveries, 3) for name, of in ms.items() if name != "Kafka"
                },
                "memory MB": [memory_mb(pid) for pid in fleet.processes()["webhook"]],
            }


async def _until(asking: asyncpg.Connection, count: str, wanted: int) -> float:
    """Wait until a count is reached; return the seconds that took."""
    began = time.monotonic()
    async with asyncio.timeout(LATEST_SECONDS):
        while await asking.fetchval(count) < wanted:  # noqa: ASYNC110 - another process counts
            await asyncio.sleep(LOOK_SECONDS)
    return time.monotonic() - began
