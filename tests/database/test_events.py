"""The log of what was told: each phase of each match once, in commit order, as webhooks tell it."""

import asyncio
import json
import random

import pytest

from crypitor.database.blocks import confirm_as_of
from crypitor.database.events import EventFilter, NewEvent, log_events, newest_event, read_events
from crypitor.database.retention import AGAIN_MS, DAY_MS, Kept, plan, prune
from crypitor.database.statistics import count_more
from crypitor.errors import Gone
from tests.database.chain import PROJECT

ALL = EventFilter()


async def events(database, *, project="pr_1", chosen=ALL, limit=100, **where):
    return await database.read(lambda tx: read_events(tx, project, chosen, limit, **where))


async def told(database, **where):
    """(block, type) of each event, in its order."""
    page = await events(database, **where)
    return [(json.loads(event.body)["data"]["block"]["hash"], event.type) for event in page.events]


async def log(database, *news):
    await database.write(lambda tx: log_events(tx, news))


async def test_each_phase_is_an_event(chain):
    """
    Detected, confirmed and reverted follow each other in the order of their commits.
    """
    await chain.take("a1")
    await chain.take("a2", "a1", required=9)
    await chain.take("a3", "a2", matches=0)
    await chain.take("b3", "a1", matches=0)

    assert [
        ("a1", "match.detected"),
        ("a2", "match.detected"),
        ("a1", "match.confirmed"),
        ("a2", "match.reverted"),
    ] == await told(chain.database)


async def test_a_block_that_comes_back_is_detected_again(chain):
    """
    What was reverted and is mined again in the same block is told a second time.
    """
    await chain.take("a1", required=9)
    await chain.take("a2", "a1", required=9)
    await chain.take("b2", "a1", matches=0)
    await chain.take("a2", "a1", required=9)

    phases = [kind for block, kind in await told(chain.database) if block == "a2"]
    assert ["match.detected", "match.reverted", "match.detected"] == phases


async def test_bodies_are_those_of_the_webhooks(chain):
    """
    An event's body is, byte for byte, that of the delivery of the same phase.
    """
    await chain.take("a1", matches=2)
    await chain.take("a2", "a1", matches=0)
    await chain.take("a3", "a2", matches=0)

    page = await events(chain.database)
    rows = await chain.database.read(
        lambda tx: tx.all("select body from deliveries order by position")
    )
    assert [event.body for event in page.events] == [row["body"] for row in rows]
    assert len(rows) == 4


async def test_nobody_has_to_listen(chain):
    """
    A match of a monitor without an endpoint is in the log all the same.
    """
    await chain.change("delete from monitor_endpoints")
    await chain.take("a1")

    assert [("a1", "match.detected")] == await told(chain.database)


async def test_what_is_confirmed_later_is_an_event_then(chain):
    """
    A block's confirmations that were left for later are logged with that transaction.
    """
    await chain.take("a1", required=1, confirming=False)
    assert [("a1", "match.detected")] == await told(chain.database)

    effect = chain.effect("a1")
    tip = effect.tip.__class__(
        network="ethereum", title=effect.title, header=effect.header, now=5, sequence=1
    )
    await chain.database.write(lambda tx: confirm_as_of(tx, tip))

    assert ["match.detected", "match.confirmed"] == [t for _, t in await told(chain.database)]


async def test_nothing_is_logged_where_nothing_is_stored(chain):
    """
    A unit that fails after its matches leaves no event, and its positions are free again.
    """

    async def fail():
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await chain.take("a1", before_commit=fail)

    assert [] == await told(chain.database)
    assert await chain.database.read(newest_event) == 0


async def test_pages_skip_and_repeat_nothing(chain):
    """
    Whatever the size of a page, walking by cursor gives each event once, in both orders.
    """
    for number in range(1, 8):
        await chain.take(f"a{number}", f"a{number - 1}" if number > 1 else None)
    whole = [event.position for event in (await events(chain.database)).events]

    for order in ("asc", "desc"):
        seen, cursor = [], None
        while True:
            page = await events(chain.database, limit=2, cursor=cursor, order=order)
            seen += [event.position for event in page.events]
            if not page.more:
                break
            cursor = page.last
        assert seen == (whole if order == "asc" else whole[::-1])
    assert len(whole) == 12


@pytest.mark.parametrize(
    "chosen",
    [
        EventFilter(type="match.confirmed"),
        EventFilter(network="nowhere"),
        EventFilter(monitor="mo_nobody"),
        EventFilter(kind="erc20"),
        EventFilter(address="0x00"),
    ],
    ids=str,
)
async def test_filters_leave_what_fits(chain, chosen):
    """
    What a filter names is left; the page says how far it has looked.
    """
    for number in range(1, 4):
        await chain.take(f"a{number}", f"a{number - 1}" if number > 1 else None)

    page = await events(chain.database, chosen=chosen)

    wanted = ["match.confirmed"] if chosen.type else []
    assert [event.type for event in page.events] == wanted
    assert page.last == 4


async def test_events_of_another_project_are_not_seen(chain):
    """
    A project reads its own events alone, and news without a match is among them.
    """
    await log(chain.database, NewEvent("pr_1", "endpoint.failing", 7, body='{"type":"x"}'))
    await chain.take("a1")

    assert [] == list((await events(chain.database, project="pr_2")).events)
    first, _ = (await events(chain.database)).events
    assert (first.type, first.body, first.monitor) == ("endpoint.failing", '{"type":"x"}', None)


async def test_positions_become_visible_in_their_order(database):
    """
    Whoever sees an event sees all before it, however many write at the same time.
    """
    await database.write(lambda tx: tx.run(PROJECT))
    ended, holes = asyncio.Event(), []

    async def watch():
        while not ended.is_set():
            page = await events(database, limit=1000)
            positions = [event.position for event in page.events]
            if positions != list(range(1, len(positions) + 1)):
                holes.append(positions)

    async def write(number):
        await log(database, *(NewEvent("pr_1", "x", number, body="{}") for _ in range(number % 3)))

    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        async with asyncio.TaskGroup() as writers:
            for number in range(60):
                writers.create_task(write(number))
        ended.set()

    assert holes == []
    assert len((await events(database, limit=1000)).events) == 60


async def pruned(database, now, days=30):
    kept = Kept(matches=days * DAY_MS)
    await database.write(lambda tx: plan(tx, now))
    await database.write(lambda tx: count_more(tx, now, 1000))  # nothing goes before it is counted
    while await database.write(lambda tx: prune(tx, kept, now, 100)):
        pass


async def test_a_reader_that_is_too_late_is_told(chain):
    """
    Once events beyond its cursor were removed, a reader is told so; without a cursor it begins with
    what is kept.
    """
    await chain.take("a1")
    await log(chain.database, NewEvent("pr_1", "x", 40 * DAY_MS, body="{}"))

    await pruned(chain.database, 40 * DAY_MS)

    with pytest.raises(Gone):
        await events(chain.database, cursor=0)
    assert ["x"] == [event.type for event in (await events(chain.database)).events]
    assert ["x"] == [event.type for event in (await events(chain.database, cursor=1)).events]


async def test_a_match_stays_as_long_as_its_last_event(chain):
    """
    A match that was confirmed late is kept until that event may go, so that it can be read.
    """
    await chain.take("a1")
    await chain.change("update deliveries set status = 'delivered', finished_at = 1")
    await chain.change("update matches set phase = 'confirmed', told_at = :at", at=20 * DAY_MS)
    await chain.change("update headers set number = 100")
    await log(
        chain.database, NewEvent("pr_1", "match.confirmed", 20 * DAY_MS, match_id=None, body="{}")
    )

    await pruned(chain.database, 40 * DAY_MS)
    assert await chain.database.read(lambda tx: tx.value("select count(*) from matches")) == 1

    # A walk looks again at what it left once a day.
    await pruned(chain.database, 52 * DAY_MS)
    await pruned(chain.database, 52 * DAY_MS + AGAIN_MS)
    assert await chain.database.read(lambda tx: tx.value("select count(*) from matches")) == 0


async def test_a_match_that_is_gone_is_no_hole(chain):
    """
    Where a match was removed before its event, the reader is told; the event is not passed over.
    """
    await chain.take("a1")
    await chain.change("delete from matches")

    with pytest.raises(Gone):
        await events(chain.database)


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("seed", range(6))
async def test_pages_of_large_events_have_everything_once(database, monkeypatch, order, seed):
    """
    Each ends with so many bytes, or has one event; what passes no filter is passed over.
    """
    monkeypatch.setattr("crypitor.database.events.MOST_PAGE_BYTES", 500)
    monkeypatch.setattr("crypitor.database.events.FIRST_ROWS", 3)
    monkeypatch.setattr("crypitor.database.events.LOOKED_AT", 12)
    chance = random.Random(seed)
    news = [
        NewEvent(
            "pr_1", f"news.{chance.choice('ab')}", n, body="x" * chance.choice([1, 90, 400, 900])
        )
        for n in range(60)
    ]
    await log(database, *news)
    kept, cursor = [], None
    while True:
        page = await events(
            database, chosen=EventFilter(type="news.a"), limit=7, cursor=cursor, order=order
        )
        sizes = [len(event.body) for event in page.events]
        assert len(sizes) <= 7
        assert len(sizes) <= 1 or sum(sizes) <= 500
        kept += page.events
        cursor = page.last
        if not page.more:
            break

    expected = [one.body for one in news if one.type == "news.a"]
    assert [event.body for event in kept] == (expected if order == "asc" else expected[::-1])
