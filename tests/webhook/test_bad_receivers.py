"""More than forty kinds of bad receivers: each costs one attempt, and no other receiver anything."""

import asyncio
import json
import shutil
import statistics
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from crypitor.database.engine import Database
from crypitor.loop import Health, clock
from crypitor.webhook.post import Poster
from crypitor.webhook.sender import Sender
from tests.webhook.bad_receivers import EXPECTED, FAILS, HANGS, TAKES, serve_all
from tests.webhook.posting import LOOPBACK, post
from tests.webhook.queued import Store, delivery, endpoint
from tests.webhook.receivers import Receiver

DEADLINE_SECONDS = 1.5
HEALTHY = 10
QUEUED = 20
WARM_UP = 100
MOST_RATIO = 1.3


def verdict(outcome) -> str:
    if outcome.succeeded:
        return TAKES
    return HANGS if outcome.error.startswith("timed out") else FAILS


async def test_every_kind_of_bad_receiver_costs_one_attempt(tmp_path):
    """All at once through one poster: each ends by the deadline, as an outcome with a sentence."""
    async with (
        AsyncExitStack() as stack,
        Receiver() as healthy,
        Poster(allow_private=LOOPBACK, deadline_seconds=DEADLINE_SECONDS) as poster,
    ):
        urls = await serve_all(stack, tmp_path)
        for name in ("a certificate that has expired", "a certificate of another host"):
            poster._connections._ssl.load_verify_locations(tmp_path / f"{name}.pem")
        began = time.monotonic()
        outcomes = await asyncio.gather(*(post(poster, url) for url in urls.values()))
        seconds = time.monotonic() - began
        after = await post(poster, healthy.url)

    named = dict(zip(urls, outcomes, strict=True))
    verdicts = {name: verdict(outcome) for name, outcome in named.items()}
    assert {name: is_ for name, is_ in verdicts.items() if is_ not in EXPECTED[name]} == {}
    assert len(named) >= 40
    assert seconds < DEADLINE_SECONDS + 1
    assert all(outcome.error or outcome.succeeded for outcome in outcomes)
    assert "certificate has expired" in named["a certificate that has expired"].error
    assert "IP address mismatch" in named["a certificate of another host"].error
    assert after.succeeded


@asynccontextmanager
async def elsewhere():
    """Serve the bad receivers in a process of their own: their work is not to be measured."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.webhook.bad_receivers",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2], limit=2**20,
    )  # fmt: skip
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


class _Uncounted:
    def __getattr__(self, _):
        return lambda *_: None


async def delays(database, prefix: str, bad: dict[str, str], seconds: float) -> list[float]:
    """Return the milliseconds from commit to arrival, for a steady flow to healthy endpoints."""
    store, arrived, delays = Store(database), {}, []
    async with Receiver([200]) as healthy, AsyncExitStack() as stack:
        names = [f"ep_{prefix}_{n}" for n in range(HEALTHY)]
        bad_names = [f"ep_{prefix}_bad_{n}" for n in range(len(bad))]
        await store.prepare(
            *(endpoint(name, healthy.url) for name in names),
            *(endpoint(n, url) for n, url in zip(bad_names, bad.values(), strict=True)),
        )
        poster = Poster(allow_private=LOOPBACK, deadline_seconds=DEADLINE_SECONDS)
        await stack.enter_async_context(poster)
        sender = Sender(
            database, poster, clock=clock, jitter=lambda: 0, observer=_Uncounted(),
            grace_seconds=0.1, lease_seconds=10,
        )  # fmt: skip
        for name in bad_names:
            await store.queue(*(delivery(f"{name}_{n}", name) for n in range(QUEUED)), now=clock())
        stop, health = asyncio.Event(), Health()
        async with asyncio.TaskGroup() as group:
            group.create_task(sender.run(stop, health))
            ends = time.monotonic() + seconds
            number = 0
            while time.monotonic() < ends:
                number += 1
                name = names[number % HEALTHY]
                one = f"de_{prefix}_{number}"
                others = bad_names[number % len(bad) :][:1] if bad else []
                new = [delivery(one, name), *(delivery(f"{one}_bad", other) for other in others)]
                await store.queue(*new, now=clock())
                arrived[one] = time.monotonic()
                sender.wake([name, *others])
                await asyncio.sleep(0.01)
                while len(delays) < len(healthy.received):
                    got = healthy.received[len(delays)]
                    delays.append((got.at - arrived[got.id]) * 1000)
            stop.set()
    return delays[WARM_UP:]


@pytest.mark.soak
async def test_bad_receivers_do_not_delay_healthy_ones(migrated_sqlite, tmp_path, capsys):
    """In turns with and without forty of them beside: the 99th percentile stays where it was."""
    alone, beside = [], []
    async with elsewhere() as bad:
        for turn in range(3):
            for found, others in ((alone, {}), (beside, bad)):
                path = tmp_path / f"{turn}{len(others)}.db"
                shutil.copy(migrated_sqlite, path)
                async with Database.open(f"sqlite:///{path}") as database:
                    found.extend(await delays(database, "x", others, 6))
    p50s, p99s = (
        [statistics.quantiles(one, n=100)[at] for one in (alone, beside)] for at in (49, 98)
    )
    with capsys.disabled():
        print(
            f"\n{len(bad)} bad receivers; ms from commit to arrival, alone / beside them: "
            f"p50 {p50s[0]:.2f} / {p50s[1]:.2f}, p99 {p99s[0]:.2f} / {p99s[1]:.2f}"
        )

    assert p99s[1] < MOST_RATIO * p99s[0]
