"""The limit on calls to one node."""

import asyncio
from contextlib import AsyncExitStack

from crypitor.worker import Unobserved
from crypitor.worker.limit import RESERVE_SECONDS, Limit, Limits, Rank
from crypitor.worker.nodes import Nodes
from tests.ahead import pass_by_waiting
from tests.patience import HANG_SECONDS
from tests.worker.conftest import CHAIN_ID


class Time:
    """A clock, and a sleep that lets it pass."""

    now = 100.0

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds


async def test_lets_no_more_through_than_allowed():
    """Over a long time calls come at the given rate, after a first burst of one second's."""
    time = Time()
    limit = Limit(10, time, time.sleep)

    for _ in range(100):
        await limit.turn(3)

    assert 28 <= time.now - 100 <= 30


async def test_a_large_batch_makes_the_next_one_wait():
    """What exceeds a second's calls is sent, and paid for afterwards."""
    time = Time()
    limit = Limit(10, time, time.sleep)

    await limit.turn(50)
    sent = time.now
    await limit.turn(1)

    assert (sent, time.now) == (100.0, 104.0)


async def test_a_pause_saves_up_one_second():
    """However long nothing was asked, only one second's calls go at once."""
    time = Time()
    limit = Limit(10, time, time.sleep)
    await limit.turn(1)
    time.now += 3600

    started = time.now
    for _ in range(20):
        await limit.turn(1)

    assert 0.8 <= time.now - started <= 1.0


async def test_without_a_limit_nothing_waits():
    """None means that the node sets no limit."""
    time = Time()
    limit = Limit(None, time, time.sleep)

    for _ in range(1000):
        await limit.turn(50)

    assert time.now == 100.0


async def test_others_save_up_what_they_send():
    """A batch beside the live path is sent when it is paid for, and the live path goes at once."""
    time = Time()
    limit = Limit(10, time, time.sleep)

    await limit.turn(50, Rank.PAST)
    sent = time.now
    await limit.turn(5)

    assert round(sent - 100, 3) == 4 + RESERVE_SECONDS
    assert time.now == sent


async def test_the_live_path_goes_first():
    """Whoever waits already is passed by the live path, and by those of a better rank."""
    limit, done = Limit(100), []

    async def ask(rank):
        await limit.turn(60, rank)
        done.append(rank)

    await limit.turn(150)
    async with asyncio.TaskGroup() as tasks:
        for rank in (Rank.PAST, Rank.ASIDE, Rank.LIVE):
            tasks.create_task(ask(rank))

    assert done == [Rank.LIVE, Rank.ASIDE, Rank.PAST]


async def test_who_gives_up_pays_nothing():
    """A request that is cancelled while it waits is neither counted nor waited for."""
    time = Time()
    limit = Limit(10, time)
    waiting = asyncio.create_task(limit.turn(500, Rank.PAST))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])

    await asyncio.wait_for(limit.turn(10), HANG_SECONDS)

    assert waiting.cancelled()


async def test_all_who_ask_a_node_share_its_limit(faulty):
    """
    What a server counts stays below the limit while everybody asks as much as can be; all of it is
    used, and the live path does not notice.
    """
    pass_by_waiting()
    clock = asyncio.get_running_loop().time
    rate, seconds, batch, limits = 150, 4, 20, Limits(clock)
    latencies = []
    async with AsyncExitStack() as stack:
        live, aside, past = [
            await stack.enter_async_context(
                Nodes.of_urls(
                    "dev",
                    [faulty.url],
                    chain_id=CHAIN_ID,
                    timeout_seconds=HANG_SECONDS,
                    verify="off",
                    calls_per_second=rate,
                    limits=limits,
                    rank=rank,
                    observer=Unobserved(),
                )
            )
            for rank in (Rank.LIVE, Rank.ASIDE, Rank.PAST)
        ]
        await live.next(1)
        faulty.posts.clear()
        started = clock()

        async def read(ask):
            while True:
                await ask()

        async def follow():
            asked = clock()
            await live.next(1)
            latencies.append(clock() - asked)
            await asyncio.sleep(0.1)

        tasks = [
            asyncio.create_task(read(ask))
            for ask in (
                follow,
                lambda: aside.header_at("latest"),
                *[lambda: past.headers(1, batch)] * 4,
            )
        ]
        await asyncio.wait(tasks, timeout=seconds)
        took, counted = clock() - started, sum(map(len, faulty.posts))
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)

    assert all(isinstance(end, asyncio.CancelledError) for end in ends)
    assert rate * took * 0.8 < counted <= rate * (took + 1) + batch
    assert len(latencies) > 8
    assert max(latencies) < 0.25
