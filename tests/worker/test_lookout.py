"""What was seen ahead of time is published only while nothing speaks against it."""

import asyncio

import pytest

from crypitor.evm.types import Header
from crypitor.worker import Unobserved
from crypitor.worker.lookout import FRESH_MS, Lookout
from crypitor.worker.nodes import Nodes
from crypitor.worker.trail import Trail
from tests.worker.following import Clock

WINDOW = 4


class Publishing:
    """Takes height after height from a lookout, as a follower does."""

    def __init__(self, nodes, faulty, depth, read_ahead=WINDOW):
        self.clock = Clock()
        self.trail = Trail(depth)
        self.lookout = Lookout(
            nodes,
            window=WINDOW,
            depth=depth,
            clock=self.clock,
            tags_wanted=lambda: False,
            read_ahead=read_ahead,
        )
        self._faulty = faulty

    async def next(self, number):
        """Publish a height; return its header once all looks under way are over."""
        seen = await self.lookout.next(number, self.trail)
        self.trail.add(seen.sight.block.header)
        ahead = [look for look in self.lookout._ahead._looks.values() if not look.done()]
        if ahead:
            await asyncio.wait(ahead)
        return seen.sight.block.header

    @property
    def requests(self):
        return len(self._faulty.posts)


@pytest.fixture
async def publishing(faulty, open_node):
    """Makes one for a depth; the chain's head is block 10."""
    made = []

    def make(depth=8, **options):
        nodes = Nodes("dev", [open_node(faulty.url)], observer=Unobserved())
        made.append(Publishing(nodes, faulty, depth, **options))
        return made[-1]

    yield make
    for one in made:
        await one.lookout.drop()


async def test_each_height_is_looked_at_once(publishing, chain):
    """What was seen ahead is taken as long as nothing changes."""
    one = publishing()

    found = [(await one.next(number)).hash for number in range(11)]

    assert found == chain.canonical()
    assert one.requests == 11


async def test_a_new_head_makes_what_was_seen_ahead_doubtful(publishing, chain):
    """A head of another branch that is announced: no block of the old one is published any more."""
    one = publishing()
    for number in (5, 6):
        await one.next(number)
    chain.reorg(3, 2)
    head = chain.head
    one.lookout.head = Header(head.number, head.hash, head.parent_hash, head.timestamp)

    found = await one.next(7)

    assert found.hash == chain.by_number(7).hash
    assert (await one.next(8)).hash == chain.by_number(8).hash


async def test_a_later_block_of_another_branch_makes_it_doubtful(publishing, chain):
    """A look at the end of the window that does not fit to the ones before: all are made again."""
    one = publishing()
    await one.next(2)
    await one.next(3)
    chain.reorg(5, 6)
    reached = await one.next(4)

    found = await one.next(5)

    assert reached.hash == chain.by_number(4).hash
    assert [found.hash, (await one.next(6)).hash] == [chain.by_number(n).hash for n in (5, 6)]


async def test_what_was_seen_long_ago_is_looked_at_again(publishing, chain):
    """Where blocks are taken slowly, a block near the head is asked for once more."""
    one = publishing()
    await one.next(2)
    await one.next(3)
    chain.reorg(6, 7)
    one.clock.now += FRESH_MS + 1

    found = await one.next(4)

    assert found.parent_hash == one.trail.at(3).hash
    assert found.hash == chain.by_number(4).hash
    assert (await one.next(5)).hash == chain.by_number(5).hash


async def test_what_no_reorg_can_reach_is_seen_once(publishing):
    """A block that is deeper than a reorg may be needs no second look, however long it waits."""
    one = publishing(depth=2)
    await one.next(2)
    await one.next(3)
    one.clock.now += FRESH_MS + 1
    before = one.requests

    for number in (4, 5):
        await one.next(number)

    assert one.requests == before + 2


async def test_what_is_taken_slowly_is_seen_less_far_ahead(publishing, chain):
    """Near the head, hardly any block is asked for twice because it waited for too long."""
    chain.mine(50)
    one = publishing(depth=64)

    for number in range(2, 61):
        await one.next(number)
        one.clock.now += 400

    assert one.requests <= 59 + 6


async def test_what_waits_for_its_turn_is_as_old_as_its_bytes(publishing, chain):
    """Near the head an answer that arrived long ago is asked for again, though just read."""
    one = publishing(read_ahead=0)
    for number in (5, 6):
        one.trail.add((await one.lookout.next(number, one.trail)).sight.block.header)
    while len(one.lookout._ahead._waiting) < WINDOW - 1:
        await asyncio.sleep(0)
    chain.reorg(4, 5)
    one.clock.now += FRESH_MS + 1

    seen = await one.lookout.next(7, one.trail)

    assert seen.sight.block.header.hash == chain.by_number(7).hash


async def test_what_waits_for_its_turn_knows_less_of_the_head_than_a_node_told_since(
    publishing, chain
):
    """
    A head that was announced meanwhile stays: else the last blocks of a burst wait for another one.
    """
    one = publishing(read_ahead=0)
    one.trail.add((await one.lookout.next(7, one.trail)).sight.block.header)
    one.trail.add((await one.lookout.next(8, one.trail)).sight.block.header)
    while len(one.lookout._ahead._waiting) < 2:
        await asyncio.sleep(0)
    chain.mine()
    head = chain.head
    one.lookout.head = Header(head.number, head.hash, head.parent_hash, head.timestamp)

    for number in (9, 10):
        one.trail.add((await one.lookout.next(number, one.trail)).sight.block.header)

    assert one.lookout.head.number == head.number == 11
