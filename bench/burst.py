"""What one project feels of another's burst: from the commit that queues a delivery to its first
attempt, in wall-clock time, in turn without and beside a few thousand deliveries of the other.

The quiet one's are claimed with the block that queues them, as the matcher does at the head. Both
have the same receiver, in a process of its own, and one sender.
"""

import asyncio

import uvloop

from bench.deliveries import queue_rows, receiver, store
from bench.measuring import spread
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

LOUD, QUIET = 50, 5
BURST = 4_000
ROUNDS, QUICK_ROUNDS = 20, 4
CALM_TURNS = 30
EVERY_SECONDS = 0.05


class _Delays:
    """Keeps what passed until each first attempt of the quiet one, and counts the loud one's."""

    def __init__(self) -> None:
        self.calm: list[float] = []
        self.beside: list[float] = []
        self.loud = 0

    def attempts_recorded(self, results: list[Result]) -> None:
        for result in results:
            name = result.delivery.id
            if result.delivery.project_id == "pr_1":
                self.loud += 1
            else:
                kept = self.calm if "calm" in name else self.beside
                kept.append(result.outcome.started_at - result.delivery.created_at)


def bench(*, quick: bool = False) -> dict:
    """Measure it."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measured(QUICK_ROUNDS if quick else ROUNDS))


async def _measured(rounds: int) -> dict:
    heard, stop = _Delays(), asyncio.Event()
    with receiver() as url:
        async with store() as database, Poster(allow_private=networks(["127.0.0.0/8"])) as poster:
            await _endpoints(database, url)
            sender = Sender(
                database, poster, clock=clock, jitter=lambda: 0.0, observer=heard, grace_seconds=0
            )
            async with asyncio.TaskGroup() as group:
                group.create_task(sender.run(stop, Health()))
                for number in range(rounds):
                    for turn in range(CALM_TURNS):
                        await _quiet(database, sender, f"calm{number}_{turn}")
                    await _burst(database, sender, heard, number)
                stop.set()
    calm, beside = (spread([ms / 1000 for ms in one]) for one in (heard.calm, heard.beside))
    return {"burst": BURST, "without": calm, "beside_a_burst": beside}


async def _burst(database: Database, sender: Sender, heard: _Delays, number: int) -> None:
    body = '{"type":"match.detected","data":{"id":"of the loud one"}}'
    await database.write(lambda tx: tx.run("delete from deliveries where project_id = 'pr_1'"))
    before, turn = heard.loud, 0
    await queue_rows(database, "ep_loud", LOUD, BURST, [body])
    sender.wake([f"ep_loud{at}" for at in range(LOUD)])
    while heard.loud < before + BURST * 9 // 10:
        await _quiet(database, sender, f"beside{number}_{turn}")
        turn += 1
    while heard.loud < before + BURST:  # noqa: ASYNC110 - a bench waits as its users do
        await asyncio.sleep(EVERY_SECONDS)


async def _quiet(database: Database, sender: Sender, name: str) -> None:
    await asyncio.sleep(EVERY_SECONDS)
    fresh = [_delivery(f"de_{name}_{at}", f"ep_quiet{at}") for at in range(QUIET)]

    with sender.claiming({one.endpoint_id for one in fresh}) as claim:

        async def unit(tx):
            await queue_deliveries(tx, fresh, clock())
            await claim(tx)

        await database.write(unit, at_once=True)


async def _endpoints(database: Database, url: str) -> None:
    secret = new_secret(b"d" * NEW_BYTES)

    async def made(tx):
        for project in ("pr_1", "pr_2"):
            await tx.run(
                "insert into projects (id, name, created_at) values (:id, 'bench', 0)", id=project
            )
        for word, project, count in (("loud", "pr_1", LOUD), ("quiet", "pr_2", QUIET)):
            for at in range(count):
                name = f"ep_{word}{at}"
                await insert_endpoint(tx, Endpoint(name, project, f"{url}{at}", secret))

    await database.write(made)


def _delivery(name: str, endpoint_id: str) -> NewDelivery:
    body = f'{{"type":"match.detected","data":{{"id":"{name}"}}}}'
    return NewDelivery(name, "pr_2", "mo_2", f"ma_{name}", endpoint_id, Phase.DETECTED, body, None)
