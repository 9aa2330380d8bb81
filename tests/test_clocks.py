"""Clocks that were set, and those of other processes, around all that waits or is kept for a time."""

import pytest

from crypitor.database import networks, processes
from crypitor.database.idempotency import KEPT_MS, Repeatable, claim, is_known, keep_answer
from crypitor.database.instants import follow_clock
from crypitor.database.replays import Wanted, insert_replay, step_replay
from crypitor.database.retention import DAY_MS, Kept, known_time, note_time
from crypitor.database.tokens import find_tokens, store_token
from crypitor.evm.metadata import Token
from crypitor.evm.types import Header
from crypitor.process.retention import Retention
from crypitor.runtime.loop import Clock, clock
from crypitor.webhook.delivery import Status
from crypitor.worker.fork import PATIENCE_MS, Doubts
from crypitor.worker.pace import Pace
from tests.webhook.queued import OK, Store, delivery, endpoint

NOW = 1_790_000_000_000
HOUR_MS = 3_600_000
KEPT = Kept(attempts=DAY_MS, bodies=DAY_MS, deliveries=DAY_MS, matches=DAY_MS)


class Times:
    """A clock that may be set, and a timer that only grows."""

    def __init__(self) -> None:
        self.wall = NOW
        self.seconds = 1000.0

    def clock(self) -> int:
        return self.wall

    def timer(self) -> float:
        return self.seconds

    def pass_ms(self, passed: int) -> None:
        self.wall += passed
        self.seconds += passed / 1000


@pytest.fixture
async def store(database) -> Store:
    store = Store(database)
    await store.prepare(endpoint("ep_1"))
    return store


async def sent(store, name, then):
    await store.queue(delivery(name), now=then)
    claimed = await store.claim(now=then)
    await store.record(*((one, OK) for one in claimed), now=then)


async def removed(store, retention, name="de_1") -> bool:
    """Make all steps; whether a delivery is gone."""
    while await retention.step():
        pass
    return name not in await store.statuses()


def retention_of(store, times) -> Retention:
    return Retention(store.database, KEPT, clock=times.clock, timer=times.timer)


@pytest.mark.parametrize("step", [DAY_MS, 400 * DAY_MS])
async def test_a_clock_that_is_set_forward_removes_nothing_young(store, step):
    """Neither in the process that sees it nor in the next one; after its time all goes."""
    times = Times()
    await sent(store, "de_1", NOW - HOUR_MS)
    retention = retention_of(store, times)
    before = await removed(store, retention)
    times.wall += step
    same = await removed(store, retention)
    other = await removed(store, retention_of(store, times))
    retention = retention_of(store, times)
    for _ in range(24):
        await removed(store, retention)
        times.pass_ms(HOUR_MS)

    assert (before, same, other) == (False, False, False)
    assert await removed(store, retention)


async def test_a_clock_that_is_set_back_removes_nothing_young(store):
    """And it goes on removing."""
    times = Times()
    await sent(store, "de_1", NOW - HOUR_MS)
    retention = retention_of(store, times)
    await removed(store, retention)
    times.wall -= HOUR_MS
    back = await removed(store, retention)
    times.pass_ms(25 * HOUR_MS)

    assert not back
    assert await removed(store, retention)


async def test_blocks_show_how_much_time_has_passed_while_nothing_ran(store):
    """After a stop of a week their timestamps say so: what is old goes at once."""
    times = Times()
    await sent(store, "de_1", NOW - HOUR_MS)
    await removed(store, retention_of(store, times))
    times.wall += 7 * DAY_MS
    unknown = await removed(store, retention_of(store, times))
    await store.database.write(
        lambda tx: tx.run(
            "insert into headers (network, number, hash, parent_hash, timestamp)"
            " values ('dev', 1, '0xa', '0xb', :at)",
            at=(NOW + 7 * DAY_MS) // 1000,
        )
    )
    times.pass_ms(HOUR_MS)

    assert not unknown
    assert await removed(store, retention_of(store, times))


async def test_no_block_shows_more_than_the_clock(database):
    """A development chain may be years ahead."""

    async def unit(tx):
        await note_time(tx, NOW - DAY_MS)
        noted = await known_time(tx, NOW)
        await tx.run(
            "insert into headers (network, number, hash, parent_hash, timestamp)"
            " values ('dev', 1, '0xa', '0xb', 99000000000)"
        )
        return noted, await known_time(tx, NOW)

    assert await database.write(unit) == (NOW - DAY_MS, NOW)


async def test_an_idempotency_key_outlives_a_clock_that_is_set_forward(database):
    """The same request a minute later gets the same answer, and makes nothing twice."""
    request = Repeatable("pr_1", "key", "hash")

    async def first(tx):
        await note_time(tx, NOW)
        await claim(tx, request, NOW)
        await keep_answer(tx, request, 201, "made")

    await database.write(first)
    later = NOW + 2 * KEPT_MS

    assert await database.write(lambda tx: is_known(tx, "pr_1", "key", later))
    assert await database.write(lambda tx: claim(tx, request, later)) == "made"


async def test_a_replay_of_a_clock_that_is_ahead_is_stepped_at_once(store):
    """Whoever asked for it, five minutes or an hour ahead."""
    wanted = Wanted("pr_1", None, "ep_1", frozenset({Status.FAILED}), 0, NOW + DAY_MS)
    await store.database.write(lambda tx: insert_replay(tx, "jo_1", wanted, NOW + 300_000))
    stepped = await store.database.write(lambda tx: step_replay(tx, 50, NOW))

    assert stepped.done


async def test_a_token_that_was_asked_in_the_future_is_asked_again(database):
    """Its month does not become a year."""
    token = Token("USD Coin", "USDC", 6)

    async def unit(tx):
        await find_tokens(tx, "dev", {"0xa"}, NOW)
        await store_token(tx, "dev", "0xa", token, NOW)
        well = await find_tokens(tx, "dev", {"0xa"}, NOW + 1)
        back = await find_tokens(tx, "dev", {"0xa"}, NOW - HOUR_MS)
        return well["0xa"].good_until, back["0xa"].good_until

    well, back = await database.write(unit)
    assert well is not None
    assert back is None


async def test_a_lease_further_ahead_than_any_is_over(database):
    """The database's clock was set back and the leader is gone: nobody waits for an hour."""
    await database.write(lambda tx: networks.lead(tx, "dev", 1, leader="one", lease_ms=6000))

    async def other(tx):
        return await networks.lead(tx, "dev", 1, leader="two", lease_ms=6000, wait=True)

    held = await database.write(other)
    await database.write(
        lambda tx: tx.run("update networks set leased_until = leased_until + 3600000")
    )

    assert held is None
    assert await database.write(other) == 2


async def test_a_process_that_spoke_in_the_future_is_not_taken_to_live(database):
    """Before the clock was set back it may have been an hour ago."""

    async def unit(tx):
        await processes.tell_process(tx, "one", "{}")
        before = await processes.told(tx, 10_000)
        await tx.run("update processes set told_at = told_at + 3600000")
        return before, await processes.told(tx, 10_000)

    before, after = await database.write(unit)
    assert list(before.processes) == ["one"]
    assert list(after.processes) == []


async def test_a_server_is_followed_whatever_happens_to_the_clock_here(database):
    """Processes that share it have one time; a file has that of its machine."""
    times = Times()
    own = Clock(lambda: times.wall * 1_000_000, times.timer)
    alone = own()
    own.follow(NOW + 300_000)
    times.seconds += 60
    times.wall -= HOUR_MS
    followed = own()
    own.follow(NOW + 300_000 + 60_050)
    near = own()

    assert (alone, followed, near) == (NOW, NOW + 360_000, NOW + 360_000)
    await database.read(follow_clock)
    seen = await database.read(lambda tx: tx.value(f"select {tx.now} as now"))
    assert abs(clock() - seen) < 60_000


async def test_a_fork_is_doubted_for_a_minute_and_not_for_an_hour():
    """The minute begins anew where the clock was set back."""

    class Witnesses:
        async def witnesses(self, *_):
            return [tip]

        def accuse(self, *_):
            pass

    tip = Header(5, "0xa", "0x9", 0)
    doubts = Doubts(Witnesses())
    began = await doubts.is_foreign(tip, tip, "node", NOW)
    back = await doubts.is_foreign(tip, tip, "node", NOW - HOUR_MS)
    over = await doubts.is_foreign(tip, tip, "node", NOW - HOUR_MS + PATIENCE_MS)

    assert (began, back, over) == (True, True, False)


@pytest.mark.parametrize("step", [-HOUR_MS, DAY_MS])
def test_looks_at_the_head_are_as_often_as_before(step):
    """The wait is never longer than the one that is configured; the rate is not absurd."""
    pace = Pace(1.0)
    for number in range(10):
        pace.published(Header(number, f"0x{number}", f"0x{number - 1}", number * 12), NOW + number)
    pace.wait_seconds(NOW + step, expecting=False)
    pace.published(Header(10, "0x10", "0x9", 120), NOW + step)
    pace.published(Header(11, "0x11", "0x10", 132), NOW + step + 1000)

    assert 0 < pace.wait_seconds(NOW + step, expecting=False) <= 1.0
    assert pace.blocks_per_second(NOW + step + 1000) == 1.0
