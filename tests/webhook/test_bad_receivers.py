"""More than forty kinds of bad receivers: each costs one attempt, and no other receiver anything."""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

from crypitor.loop import Health, clock
from crypitor.webhook.connections import MOST_HEADS, _Bounded
from crypitor.webhook.post import Poster
from crypitor.webhook.sender import Sender
from tests.webhook.bad_receivers import EXPECTED, FAILS, HANGS, TAKES, serve_all
from tests.webhook.posting import LOOPBACK, post
from tests.webhook.queued import Store, delivery, endpoint
from tests.webhook.receivers import Receiver
from tests.webhook.world import until

DEADLINE_SECONDS = 1.5
HEALTHY = 10
GAP_SECONDS = 0.01
PAIRS = 11
PHASE_SECONDS = 3.0
WARM_UP_SECONDS = 2.0
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


class _Line(asyncio.Transport):
    """A connection without another side."""

    closing = False

    def abort(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing


async def test_heads_that_come_by_the_thousand_are_not_all_parsed():
    """All that arrives at once is parsed in pieces, until there are too many."""
    line, protocol = _Line(), _Bounded(loop=asyncio.get_running_loop())
    protocol.connection_made(line)
    protocol.set_response_params(read_until_eof=True, auto_decompress=False)
    protocol.data_received(b"HTTP/1.1 103 Early\r\n\r\n" * 3000)

    assert line.closing
    assert MOST_HEADS < protocol.heads < 100


@asynccontextmanager
async def elsewhere(module):
    """Serve receivers in a process of their own: their work is not to be measured."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"tests.webhook.{module}",
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


class Flow:
    """A steady flow through one sender to healthy endpoints, and as much to others beside them.

    The others of each phase are new, and none gets ten in it: each is tried every time, no bad one
    rests behind an open circuit.
    """

    def __init__(self, store: Store, sender: Sender, session: ClientSession) -> None:
        self.store = store
        self.sender = sender
        self.session = session
        self.names = [f"ep_{n}" for n in range(HEALTHY)]
        self.queued: dict[str, float] = {}
        self.phase = self.number = 0

    async def delays(self, beside: Sequence[str], seconds: float) -> list[float]:
        """Return milliseconds from commit to arrival at the healthy ones. beside: URLs."""
        self.phase += 1
        names = [f"ep_beside_{self.phase}_{n}" for n in range(len(beside))]
        await self.store.prepare(*map(endpoint, names, beside))
        ends = time.monotonic() + seconds
        due = time.monotonic()
        while time.monotonic() < ends:
            await self._next(names)
            due = max(due + GAP_SECONDS, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
        await self._end(names)
        async with self.session.get("/") as answer:
            came = dict(await answer.json())
        found = [1000 * (came[one] - at) for one, at in self.queued.items()]
        self.queued.clear()
        return found

    async def _next(self, others: Sequence[str]) -> None:
        self.number += 1
        number = self.number
        to, other = (
            self.names[number % HEALTHY],
            others[number % len(others) :][:1] if others else [],
        )
        new = [
            delivery(f"de_{number}", to),
            *(delivery(f"de_{number}_beside", one) for one in other),
        ]
        await self.store.queue(*new, now=clock())
        self.queued[f"de_{number}"] = time.monotonic()
        self.sender.wake([to, *other])

    async def _end(self, others: Sequence[str]) -> None:
        """Leave nothing of a phase to the next one."""
        await self.store.database.write(
            lambda tx: tx.many(
                "update endpoints set enabled = 0 where id = :id", [(n,) for n in others]
            )
        )
        await until(lambda: not self.sender.in_flight, DEADLINE_SECONDS + 1)


def p99(delays: Sequence[float]) -> float:
    return statistics.quantiles(delays, n=100)[98]


@pytest.mark.soak
async def test_bad_receivers_do_not_delay_healthy_ones(database, capsys):
    """In turns beside as many good ones and beside them: the 99th percentile stays where it was."""
    beside_good, beside_bad = [], []
    async with (
        elsewhere("bad_receivers") as bad,
        elsewhere("timed") as healthy,
        ClientSession(healthy) as session,
        Poster(allow_private=LOOPBACK, deadline_seconds=DEADLINE_SECONDS) as poster,
        asyncio.TaskGroup() as group,
    ):
        sender = Sender(
            database, poster, clock=clock, jitter=lambda: 0, observer=_Uncounted(),
            grace_seconds=0.1, lease_seconds=10,
        )  # fmt: skip
        flow = Flow(Store(database), sender, session)
        await flow.store.prepare(*(endpoint(name, healthy) for name in flow.names))
        stop = asyncio.Event()
        group.create_task(sender.run(stop, Health()))
        await flow.delays([], WARM_UP_SECONDS)
        for _ in range(PAIRS):
            beside_good.append(await flow.delays([healthy] * len(bad), PHASE_SECONDS))
            beside_bad.append(await flow.delays([*bad.values()], PHASE_SECONDS))
        stop.set()
    whole = [[delay for phase in phases for delay in phase] for phases in (beside_good, beside_bad)]
    ratio = p99(whole[1]) / p99(whole[0])
    ratios = sorted(p99(two) / p99(one) for one, two in zip(beside_good, beside_bad, strict=True))
    with capsys.disabled():
        print(
            f"\n{len(bad)} bad receivers, {PAIRS} pairs, {len(whole[0])} and {len(whole[1])} "
            "webhooks; ms from commit to arrival, beside as many good ones / beside them: "
            f"p50 {statistics.median(whole[0]):.2f} / {statistics.median(whole[1]):.2f}, "
            f"p99 {p99(whole[0]):.2f} / {p99(whole[1]):.2f}; ratio {ratio:.2f}, "
            f"by pairs {', '.join(f'{one:.2f}' for one in ratios)}"
        )

    assert ratio < MOST_RATIO
