import asyncio
from dataclasses import replace as replace_monitor

import pytest
from msgspec.structs import replace

from crypitor.database.monitors import insert_monitor
from crypitor.database.networks import lead, rewind_asked
from crypitor.errors import DatabaseUnavailable
from crypitor.evm.types import Block, Header, Receipt, Transaction
from crypitor.monitor.index import Index
from crypitor.monitor.matcher import MOST_BLOCKS, Chain, Matcher
from crypitor.monitor.models import Kind, Rule
from crypitor.monitor.saving import MOST_MATCHES
from crypitor.queue import Message
from crypitor.queue.memory import MemoryQueue
from crypitor.webhook.message import NetworkTitle
from tests.monitor.test_match import MONITOR, A, B
from tests.patience import HANG_SECONDS

CHAINS = {"ethereum": Chain(NetworkTitle("Ethereum"), confirmations=3, kept_headers=9)}


class Heard:
    def __init__(self):
        self.blocks = []

    def block_matched(self, message, matches, tally, saved, seconds):
        self.blocks.append((message.block.header.hash, saved.new_matches))


class DownOnce:
    """A database that cannot be reached for the next few writes, after some that succeed."""

    def __init__(self, database):
        self.database = database
        self.successes = 0
        self.failures = 0

    async def read(self, work, **how):
        return await self.database.read(work, **how)

    async def write(self, work, **how):
        self.successes -= 1
        if self.failures and self.successes < 0:
            self.failures -= 1
            raise DatabaseUnavailable("no answer")
        return await self.database.write(work, **how)


def message(sequence, name, parent, number, times=1, behind=0):
    """A block in which A sends something to B, once or more often."""
    transactions = tuple(
        Transaction(f"0x{name}{index or ''}", hex(index), name, A, "0x5", B)
        for index in range(times)
    )
    receipts = tuple(Receipt(one.hash, one.index, name, (), status="0x1") for one in transactions)
    block = Block(Header(number, name, parent, 0), transactions, receipts)
    return Message("ethereum", 1, sequence, block, None, None, 0, behind)


class World:
    """A matcher, or several, on one queue and database."""

    def __init__(self, database):
        self.database = database
        self.queue = MemoryQueue(limit=64)
        self.heard = Heard()
        self.index = Index()
        self.index.put(MONITOR)
        self.index.add_addresses("mo_1", [(B, None)])

    def matcher(self, database=None, **options):
        async def nothing():
            pass

        return Matcher(
            self.queue, database or self.database, self.index, CHAINS, wake=lambda _: None,
            clock=lambda: 0, observer=self.heard, refresh=nothing,
            **options,
        )  # fmt: skip

    async def take(self, matcher, *messages):
        for each in messages:
            await self.queue.publish(each)
            await matcher.step()


@pytest.fixture
async def world(database):
    async def prepare(tx):
        await tx.run("insert into projects (id, name, created_at) values ('pr_1', 'default', 0)")
        await insert_monitor(tx, MONITOR)
        await lead(tx, "ethereum", 1)

    await database.write(prepare)
    return World(database)


async def test_blocks_take_effect_once(world):
    """
    What comes again, before or after a restart of the matcher, takes no effect.
    """
    matcher = world.matcher()
    await world.take(matcher, message(1, "a1", "g", 1), message(2, "a2", "a1", 2))
    await world.take(matcher, message(2, "a2", "a1", 2))
    await world.take(world.matcher(), message(1, "a1", "g", 1), message(3, "a2", "a1", 2))

    assert world.heard.blocks == [("a1", 1), ("a2", 1)]


async def test_it_tells_when_a_block_is_stored(world):
    """
    Then whoever let it go first goes on.
    """
    told = []
    matcher = world.matcher(told=lambda name: told.append((name, len(world.heard.blocks))))
    await world.take(matcher, message(1, "a1", "g", 1), message(2, "a2", "a1", 2))

    assert told == [("ethereum", 0), ("ethereum", 1)]


async def test_a_missing_block_is_asked_for(world):
    """
    A block whose parent is unknown takes no effect, and the worker is asked to go back.
    """
    await world.take(world.matcher(), message(1, "a1", "g", 1), message(2, "a3", "a2", 3))

    assert world.heard.blocks == [("a1", 1)]
    assert await world.database.read(lambda tx: rewind_asked(tx, "ethereum"))


def without_receipts(message, *known):
    """A block of which these receipts were asked for."""
    return replace(message, block=replace(message.block, known=known))


async def test_a_block_that_lacks_receipts_is_asked_for_again(world):
    """
    What holds too little for what is asked now takes no effect, whatever waits behind it; the
    worker is asked to go back.
    """
    for each in (
        message(1, "a1", "g", 1),
        without_receipts(message(2, "a2", "a1", 2)),
        message(3, "a3", "a2", 3),
    ):
        await world.queue.publish(each)
    matcher = world.matcher()
    while await matcher.step():
        pass

    assert world.heard.blocks == [("a1", 1)]
    assert matcher.armed_from("ethereum") == 2
    assert await world.database.read(lambda tx: rewind_asked(tx, "ethereum"))


async def test_a_block_with_the_receipts_that_are_needed_takes_effect(world):
    """It was read for what is asked now."""
    world.index.put(replace_monitor(MONITOR, rules=(Rule(Kind.NATIVE),)))
    await world.take(
        world.matcher(),
        without_receipts(message(1, "a1", "g", 1), "0xa1"),
        without_receipts(message(2, "a2", "a1", 2), "0xanother"),
    )

    assert world.heard.blocks == [("a1", 1)]
    assert await world.database.read(lambda tx: rewind_asked(tx, "ethereum"))


async def test_two_matchers_on_one_chain(world):
    """
    A matcher whose knowledge is old notices it, and a block that both have takes effect once.
    """
    one, other = world.matcher(), world.matcher()
    await one.load()
    await other.load()
    await world.take(one, message(1, "a1", "g", 1))
    await world.take(other, message(1, "a1", "g", 1), message(2, "a2", "a1", 2))
    await other.step()
    await world.take(one, message(3, "a3", "a2", 3))
    await one.step()

    assert world.heard.blocks == [("a1", 1), ("a2", 1), ("a3", 1)]


async def test_armed_from_is_the_next_block_to_be_matched(world):
    """
    A change counts from the block after the last one whose matches have been looked for.
    """
    database = DownOnce(world.database)
    matcher = world.matcher(database)
    before = matcher.armed_from("ethereum")
    await world.take(matcher, message(1, "a1", "g", 1))
    after = matcher.armed_from("ethereum")
    database.failures = 1
    with pytest.raises(DatabaseUnavailable):
        await world.take(matcher, message(2, "a2", "a1", 2))

    assert (before, after, matcher.armed_from("ethereum")) == (None, 2, 3)


async def test_an_outage_loses_nothing_and_matches_once(world):
    """
    After an outage the block takes effect with the matches that were found before it.
    """
    database = DownOnce(world.database)
    matcher = world.matcher(database)
    database.failures = 2
    await world.queue.publish(message(1, "a1", "g", 1))
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable):
            await matcher.step()
    world.index.remove("mo_1")
    await matcher.step()

    assert world.heard.blocks == [("a1", 1)]


async def phases(world):
    rows = await world.database.read(
        lambda tx: tx.all("select phase, count(*) as count from matches group by phase")
    )
    return {row["phase"]: row["count"] for row in rows}


async def test_a_block_of_many_matches_is_stored_in_parts(world):
    """
    An outage in between leaves the first ones stored; each is stored once in the end.
    """
    down = DownOnce(world.database)
    matcher = world.matcher(down)
    await world.take(matcher, message(1, "b1", "b0", 1))
    await world.queue.publish(message(2, "b2", "b1", 2, times=2 * MOST_MATCHES + 1))
    down.successes, down.failures = 2, 1
    with pytest.raises(DatabaseUnavailable):
        await matcher.step()
    before, tip = await phases(world), matcher.tip("ethereum").hash
    await matcher.step()

    assert ({"detected": 2 * MOST_MATCHES + 1}, "b1") == (before, tip)
    assert await phases(world) == {"detected": 2 * MOST_MATCHES + 2}
    assert matcher.tip("ethereum").hash == "b2"


async def test_blocks_that_wait_share_a_transaction_as_far_as_it_has_room(world):
    """A block of many matches behind another one has transactions of its own."""
    matcher = world.matcher()
    await world.take(matcher, message(1, "b1", "b0", 1))
    await world.queue.publish(message(2, "b2", "b1", 2))
    await world.queue.publish(message(3, "b3", "b2", 3, times=MOST_MATCHES))
    await world.queue.publish(message(4, "b4", "b3", 4))
    tips = []
    while matcher.tip("ethereum").hash != "b4":
        await matcher.step()
        tips.append(matcher.tip("ethereum").hash)

    assert tips == ["b2", "b3", "b4"]
    assert await phases(world) == {"confirmed": 2, "detected": MOST_MATCHES + 1}


async def test_while_many_blocks_are_to_come_a_block_confirms_in_its_own_transaction(world):
    """No second one stands between it and the next."""
    down = DownOnce(world.database)
    matcher = world.matcher(down)
    await world.take(matcher, message(1, "b1", "b0", 1), message(2, "b2", "b1", 2))
    await world.queue.publish(message(3, "b3", "b2", 3, behind=MOST_BLOCKS))
    down.successes, down.failures = 1, 1

    await matcher.step()

    assert await phases(world) == {"confirmed": 1, "detected": 2}
    assert down.failures == 1


async def test_what_was_not_confirmed_before_the_end_is_confirmed_at_the_next_start(world):
    """
    A process that dies between a block and what it confirms leaves that to the next one.
    """
    down = DownOnce(world.database)
    matcher = world.matcher(down)
    await world.take(matcher, message(1, "b1", "b0", 1), message(2, "b2", "b1", 2))
    await world.queue.publish(message(3, "b3", "b2", 3))
    down.successes, down.failures = 1, 1
    with pytest.raises(DatabaseUnavailable):
        await matcher.step()
    before = await phases(world)
    again = world.matcher()
    await again.load()
    await again.step()

    assert {"detected": 3} == before
    assert await phases(world) == {"confirmed": 1, "detected": 2}


async def test_a_network_that_is_not_configured_is_passed_over(world):
    """
    A block of another configuration's network neither takes effect nor blocks the queue.
    """
    foreign = message(1, "a1", "g", 1)
    matcher = world.matcher()
    await world.queue.publish(Message("bsc", 56, 1, foreign.block, None, None, 0))
    await asyncio.wait_for(matcher.step(), HANG_SECONDS)
    await world.take(matcher, message(1, "a1", "g", 1))

    assert world.heard.blocks == [("a1", 1)]


async def test_blocks_that_wait_share_a_transaction(world):
    """What waits behind a block and stands on it is stored with it, whole or not at all."""
    down = DownOnce(world.database)
    matcher = world.matcher(down)
    for number in range(1, 6):
        await world.queue.publish(message(number, f"b{number}", f"b{number - 1}", number))
    down.failures = 1

    with pytest.raises(DatabaseUnavailable):
        await matcher.step()
    stored_before = await world.database.read(lambda tx: tx.value("select count(*) from matches"))
    await matcher.step()
    stored = await world.database.read(
        lambda tx: tx.all("select block_hash, phase from matches order by position")
    )

    assert stored_before == 0
    assert [block for block, _ in world.heard.blocks] == ["b1", "b2", "b3", "b4", "b5"]
    assert [(row["block_hash"], row["phase"]) for row in stored] == [
        ("b1", "confirmed"), ("b2", "confirmed"), ("b3", "confirmed"), ("b4", "detected"), ("b5", "detected"),
    ]  # fmt: skip


async def test_a_branch_waits_for_the_blocks_before_it(world):
    """A block that does not stand on the one before it takes effect after that one, as a reorg."""
    matcher = world.matcher()
    for sequence, (name, parent, number) in enumerate(
        (("b1", "b0", 1), ("b2", "b1", 2), ("c2", "b1", 2), ("c3", "c2", 3)), 1
    ):
        await world.queue.publish(message(sequence, name, parent, number))

    await matcher.step()
    first = [block for block, _ in world.heard.blocks]
    await matcher.step()
    stored = await world.database.read(
        lambda tx: tx.all("select block_hash, phase from matches order by position")
    )

    assert first == ["b1", "b2"]
    assert [block for block, _ in world.heard.blocks] == ["b1", "b2", "c2", "c3"]
    assert {row["block_hash"]: row["phase"] for row in stored} == {
        "b1": "confirmed", "b2": "reverted", "c2": "detected", "c3": "detected",
    }  # fmt: skip
