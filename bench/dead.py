"""Ten endpoints that answer beside a thousand dead ones with a long queue each.

Half of the dead ones refuse connections, half take them and never answer. Measured is what the live
ones feel: from the commit that queues a delivery to its first attempt, in wall-clock time; and the
memory of the process before and after.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Sequence

import uvloop

from bench.deliveries import queue_rows, receiver, store
from bench.measuring import memory_mb, spread
from crypitor.database.deliveries import NewDelivery, queue_deliveries
from crypitor.database.endpoints import insert_endpoint
from crypitor.database.engine import Database
from crypitor.monitor.models import Phase
from crypitor.runtime.loop import Health, clock
from crypitor.webhook.delivery import Endpoint, Result
from crypitor.webhook.egress import networks
from crypitor.webhook.post import Poster
from crypitor.webhook.sender import Sender
from crypitor.webhook.signature import NEW_BYTES, new_secret

DEAD, LIVE = 1_000, 10
EACH, QUICK_EACH = 1_000, 50
SECONDS, QUICK_SECONDS = 90, 30
EVERY_SECONDS = 0.1


class _Delays:
    """Keeps, of the live endpoints, what passed until each first attempt, and counts the others."""

    def __init__(self) -> None:
        self.live: list[float] = []
        self.dead = 0

    def attempts_recorded(self, results: Sequence[Result]) -> None:
        for result in results:
            if result.delivery.endpoint_id.startswith("ep_dead"):
                self.dead += 1
            elif not result.delivery.attempts:
                self.live.append(result.outcome.started_at - result.delivery.created_at)


def bench(*, quick: bool = False) -> dict:
    """Measure it."""
    each, seconds = (QUICK_EACH, QUICK_SECONDS) if quick else (EACH, SECONDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measured(each, seconds))


async def _measured(each: int, seconds: float) -> dict:
    silent = await asyncio.start_server(_never, "127.0.0.1", 0)
    with receiver() as url, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        dead = [one.getsockname()[1] for one in (silent.sockets[0], closed)]
        async with store() as database:
            await _queue_all(database, url, dead, each)
            await asyncio.to_thread(os.sync)  # else its gigabyte is written while we measure
            found = await _beside(database, seconds)
    silent.close()
    return {"dead_endpoints": DEAD, "queued": DEAD * each} | found


async def _beside(database: Database, seconds: float) -> dict:
    heard, stop = _Delays(), asyncio.Event()
    async with Poster(allow_private=networks(["127.0.0.0/8"])) as poster:
        sender = Sender(
            database, poster, clock=clock, jitter=lambda: 0.0, observer=heard, grace_seconds=0
        )
        before, most = memory_mb(), 0.0
        async with asyncio.TaskGroup() as group:
            group.create_task(sender.run(stop, Health()))
            for turn in range(round(seconds / EVERY_SECONDS)):
                await asyncio.sleep(EVERY_SECONDS)
                names = [f"ep_live{number}" for number in range(LIVE)]
                fresh = [_delivery(f"de_live{turn}_{name}", name) for name in names]
                await database.write(lambda tx, fresh=fresh: queue_deliveries(tx, fresh, clock()))
                sender.wake(names)
                most = max(most, memory_mb())
            stop.set()
    assert heard.dead, "the dead ones were never called"
    return {
        "match_to_first_attempt": spread([ms / 1000 for ms in heard.live]),
        "dead_attempts": heard.dead,
        "memory_before_mb": before,
        "memory_most_mb": most,
    }


async def _queue_all(database: Database, url: str, dead: list[int], each: int) -> None:
    async def made(tx):
        await tx.run("insert into projects (id, name, created_at) values ('pr_1', 'bench', 0)")
        secret = new_secret(b"d" * NEW_BYTES)
        for number in range(DEAD):
            port = dead[number % 2]
            at = f"http://127.0.0.1:{port}/{number}"
            await insert_endpoint(tx, Endpoint(f"ep_dead{number}", "pr_1", at, secret))
        for number in range(LIVE):
            await insert_endpoint(
                tx, Endpoint(f"ep_live{number}", "pr_1", f"{url}{number}", secret)
            )

    await database.write(made)
    body = '{"type":"match.detected","data":{"id":"of a dead one"}}'
    await queue_rows(database, "ep_dead", DEAD, DEAD * each, [body])


def _delivery(name: str, endpoint_id: str) -> NewDelivery:
    body = f'{{"type":"match.detected","data":{{"id":"{name}"}}}}'
    return NewDelivery(name, "pr_1", "mo_1", f"ma_{name}", endpoint_id, Phase.DETECTED, body, None)


async def _never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while await reader.read(65536):
            pass
    writer.close()
