"""Whatever strangers and tenants send: blocks are matched, and every webhook is delivered once."""

import asyncio
import contextlib
import os
import sqlite3
import sys
import time
from collections import Counter
from dataclasses import dataclass

import pytest

from crypitor.development.listen import Receiver
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.costly import COSTLY
from tests.cramped import PROBE, Cramped, Encrypted, Timed
from tests.hostile import ATTACKS, HANDSHAKES, fill, sent_for

ALL = ATTACKS | COSTLY
CHOSEN = os.environ.get("CRYPITOR_TEST_KINDS", "").split()
"""Kinds of the soak; none: all."""

MOST_KEPT = 1.15
"""Of the memory before an attack, a minute and a half after it."""

MOST_LAG_BLOCKS = 10

MOST_DRAIN_SECONDS = 900.0
"""In the end, for what a hundred receivers were to be told while a machine had too much to do."""

MOST_HELD_SECONDS = 0.1
"""By one callback, of the processor's time."""


@dataclass
class Seen:
    """What an attack did. Seconds, blocks and MB.

    waited: the longest for /healthz. worked: the longest that the loop's thread had the processor
    meanwhile, which does not grow with what else the machine does. held: the longest callback, where
    they are timed. unanswered: probes. delivered: by a first attempt; late: by
    another one, or not at all.
    """

    waited: float = 0.0
    worked: float = 0.0
    held: float = 0.0
    unanswered: int = 0
    lag: int = 0
    before: float = 0.0
    worst: float = 0.0
    after: float = 0.0
    delivered: int = 0
    late: int = 0


HEAD = (
    "| kind | longest wait for `/healthz` | loop at work in it | longest callback | unanswered |"
    " lag, blocks | delivered | late | memory, MB |\n|---|---|---|---|---|---|---|---|---|"
)
"""Of the table in docs/reliability.md."""

HELD: dict[str, float] = {}
"""What `test_nothing_holds_the_loop` saw, which comes before the minutes."""


def row(kind: str, seen: Seen) -> str:
    """Return the row of a kind."""
    held = f"{HELD[kind] * 1000:.0f} ms" if kind in HELD else ""
    return (
        f"| `{kind}` | {seen.waited * 1000:,.0f} ms | {seen.worked * 1000:.0f} ms | {held} |"
        f" {seen.unanswered} | {seen.lag} | {seen.delivered:,} | {seen.late} |"
        f" {seen.before:.0f} → {seen.worst:.0f} → {seen.after:.0f} |"
    )


async def mined(chain):
    """Make a block a second."""
    while True:
        chain.mine()
        await asyncio.sleep(1)


@contextlib.asynccontextmanager
async def probed(service, seen):
    """Ask for the health all the time, and note the longest wait."""
    probe = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROBE, str(service.port), str(service.process.pid),
        service.scheme, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip

    async def read():
        async for line in probe.stdout:
            if not line.endswith(b"\n"):  # cut off by its end
                break
            waited, worked, status = line.split()
            seen.waited = max(seen.waited, float(waited))
            seen.worked = max(seen.worked, float(worked))
            seen.unanswered += status != b"200"

    reading = asyncio.create_task(read())
    try:
        yield
    finally:
        probe.kill()
        await probe.wait()
        await reading


async def watched(service, chain, seen, number_at):
    """Note the worst memory and lag, once in a while."""
    while True:
        seen.worst = max(seen.worst, service.resident())
        seen.lag = max(seen.lag, chain.head.number - number_at())
        await asyncio.sleep(0.25)


def tip_of(folder):
    """Return the newest matched block, by the database: the API has enough to do."""
    with contextlib.closing(sqlite3.connect(f"file:{folder}/crypitor.db?mode=ro", uri=True)) as db:
        return db.execute("select max(number) from headers").fetchone()[0] or 0


USED = (
    "/v1/monitors?limit=1000",
    "/v1/events?limit=1000",
    "/v1/matches?limit=1000",
    "/v1/deliveries?limit=1000",
    "/v1/audit/export",
    "/openapi.json",
)


async def used(service):
    """Read what people read, several at once."""

    async def read(api, path):
        async with api.get(path) as answer:
            await answer.read()

    async with service.api() as api:
        await asyncio.gather(*(read(api, path) for path in USED for _ in range(3)))


async def warmed_up(service, most_seconds):
    """Let a service work, and be used, until its caches are full.

    Its memory stands still for a quarter minute then.
    """
    until, before = time.monotonic() + most_seconds, 0.0
    while time.monotonic() < until and service.resident() > 1.02 * before:
        before = service.resident()
        await used(service)
        await asyncio.sleep(15)


async def attacked(service, chain, kind, seconds, monitor, *, settle_seconds=0.0):
    """Send a kind, and return what was seen meanwhile and after."""
    seen = Seen(before=service.resident())
    earlier = len(service.held())
    watching = asyncio.create_task(watched(service, chain, seen, lambda: tip_of(service.folder)))
    async with probed(service, seen):
        await sent_for(seconds, (ALL | HANDSHAKES)[kind], service.port, monitor)
    watching.cancel()
    seen.held = max((seconds for seconds, _ in service.held()[earlier:]), default=0.0)
    until = time.monotonic() + settle_seconds
    seen.after = service.resident()
    while seen.after > MOST_KEPT * seen.before and time.monotonic() < until:
        await asyncio.sleep(1)
        seen.after = service.resident()
    return seen


def deliveries(folder):
    """Return how many deliveries there are, by status and number of attempts."""
    with contextlib.closing(sqlite3.connect(f"{folder}/crypitor.db")) as database:
        return Counter(database.execute("select status, attempts from deliveries").fetchall())


async def run(
    folder, kinds, *, seconds, receivers, filled, settle_seconds=0.0, warm_seconds=0.0,
    of=Cramped, told_of=lambda kind, seen: None,
):  # fmt: skip
    """Attack a service in its work with each kind, and return what was seen of each.

    told_of: is told of each as soon as it is over. In the end all that was queued is delivered.
    """
    chain, found = SimulatedChain(7, transfers=(3, 6), actors=20), {}
    async with SimulatorServer(chain) as node, Receiver(list) as receiver:
        service = of(
            folder,
            {
                "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
                "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
                "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.2",
                "CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": "4",
            },
        )
        await service.start()
        actors = [actor.address for actor in chain.actors]
        for first in range(0, receivers, 16):
            urls = [f"{receiver.url}/{n}" for n in range(first, min(first + 16, receivers))]
            made = [await service.post("/v1/endpoints", {"url": url}) for url in urls]
            question = {
                "networks": ["dev"],
                "addresses": actors[:2],
                "endpoints": [endpoint["id"] for endpoint in made],
            }
            await service.post("/v1/monitors", question)
        async with service.api() as api:
            await fill(api, filled)
            other = await service.post("/v1/monitors", {"networks": ["dev"], "enabled": False})
        mining = asyncio.create_task(mined(chain))
        await warmed_up(service, warm_seconds)
        for kind in kinds:
            before = deliveries(service.folder)
            found[kind] = await attacked(
                service, chain, kind, seconds, f"/v1/monitors/{other['id']}",
                settle_seconds=settle_seconds,
            )  # fmt: skip
            await service.until_tip("dev", chain.head.number)  # it goes on, and answers
            ended = deliveries(service.folder) - before
            found[kind].delivered = ended["delivered", 1]
            found[kind].late = sum(
                count
                for (status, attempts), count in ended.items()
                if attempts != (status == "delivered") or status in ("failed", "cancelled")
            )
            told_of(kind, found[kind])
        mining.cancel()
        await service.until_tip("dev", chain.head.number)
        await service.until_nothing_is_due(MOST_DRAIN_SECONDS)
        told = Counter(received.id for received in receiver.received)
        assert await service.stop() == 0
    ended = deliveries(folder)
    assert set(ended) == {("delivered", 1)}, ended
    assert ended.total() == len(told) == told.total() > receivers
    log = service.log.read_text()
    assert "Traceback" not in log, log[log.index("Traceback") - 300 :][:5000]
    assert len(log.splitlines()) < 20 + 10 * len(kinds) + seconds * len(kinds), log[-5000:]
    return found


@pytest.mark.timeout(180)
async def test_a_little_of_each_kind(tmp_path):
    """Each is delivered once by its first attempt, the log stays short, and it ends as it should."""
    found = await run(tmp_path, list(ALL), seconds=0.7, receivers=4, filled=20)

    assert set(found) == set(ALL)
    if os.environ.get("CRYPITOR_TEST_SHOWN"):
        print(*found.items(), sep="\n")
    for kind, seen in found.items():
        assert seen.unanswered <= 2, (kind, seen)


@pytest.mark.timeout(180)
async def test_a_little_of_handshakes_that_come_to_nothing(tmp_path):
    """A service with TLS of its own answers those who mean it, and delivers."""
    found = await run(
        tmp_path, list(HANDSHAKES), seconds=1.0, receivers=4, filled=0, of=Encrypted
    )  # fmt: skip

    for kind, seen in found.items():
        assert seen.unanswered <= 2, (kind, seen)


def chosen(kinds):
    """Return those of the kinds that are asked for."""
    return [kind for kind in kinds if not CHOSEN or kind in CHOSEN]


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_nothing_holds_the_loop(tmp_path, capsys):
    """No single callback has the processor for longer than a tenth of a second."""
    found = await run(
        tmp_path, chosen(ALL), seconds=3.0, receivers=4, filled=100, of=Timed
    )  # fmt: skip
    HELD.update((kind, seen.held) for kind, seen in found.items())
    with capsys.disabled():
        print(*(f"\n{kind}: held {seen.held * 1000:.0f} ms" for kind, seen in found.items()))

    assert {kind: held for kind, held in HELD.items() if held > MOST_HELD_SECONDS} == {}


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("of", [Cramped, Encrypted])
async def test_a_minute_of_each_kind(tmp_path, of, capsys):
    """One after the other at one service, beside a hundred receivers.

    After each, memory comes back to within 15 % of what it was before it.
    """
    kinds = chosen(ALL if of is Cramped else HANDSHAKES)
    if not kinds:
        pytest.skip("none of these kinds is chosen")
    seconds = float(os.environ.get("CRYPITOR_TEST_SECONDS", "60"))

    def show(text):
        with capsys.disabled():
            print(text, flush=True)

    show(f"\n{HEAD}")
    found = await run(
        tmp_path, kinds, seconds=seconds, receivers=100, filled=300, of=of,
        settle_seconds=90, warm_seconds=180, told_of=lambda kind, seen: show(row(kind, seen)),
    )  # fmt: skip

    assert {kind: seen.late for kind, seen in found.items() if seen.late} == {}
    kept = {kind: seen for kind, seen in found.items() if seen.after > MOST_KEPT * seen.before}
    assert kept == {}
    assert {kind: seen for kind, seen in found.items() if seen.lag > MOST_LAG_BLOCKS} == {}
