"""Blocks that do not come: missing for a moment, missing for good, or not there at all."""

import contextlib

import pytest

from crypitor.database.networks import resume
from crypitor.errors import NodeUnavailable
from crypitor.evm.types import Header
from crypitor.worker.beginning import ground_of
from crypitor.worker.gap import PATIENCE_MS
from crypitor.worker.halt import LOOK_MS
from tests.worker.faulty import FaultyNode, altered
from tests.worker.following import MAX_REORG_DEPTH, NETWORK, Rig
from tests.worker.holed import HoledNode, broken_at, heights, missing


@pytest.fixture
async def rig(database, faulty):
    async with Rig(database, faulty.url) as rig:
        yield rig


def numbers(rig):
    return [message.block.header.number for message in rig.consumer.taken]


WORDS = [
    None,
    "requested height 12 is greater than the last accepted 11",
    "header not found",
    "pruned history unavailable",
    "internal error",
    "",
]


# Above the head


@pytest.mark.parametrize("words", WORDS)
async def test_above_the_head_nothing_is_missing(rig, chain, faulty, words):
    """Whatever a node says of a height above its own head means "not yet", and is no outage."""
    faulty.alter = missing(lambda number: number > chain.head.number, words)
    for _ in range(5):
        await rig.settle()
        rig.clock.now += 30_000
        chain.mine()

    await rig.settle()

    assert numbers(rig) == [*range(16)]
    status = rig.follower.status
    assert (status.state, status.trouble, status.nodes[0].error) == ("following", None, None)
    assert status.nodes[0].error_rate == 0


@pytest.mark.parametrize("words", WORDS)
async def test_waits_for_a_start_above_the_head(database, chain, faulty, words):
    """A first block that the chain has not reached is no trouble, in whatever words."""
    faulty.alter = missing(lambda number: number > chain.head.number, words)
    async with Rig(database, faulty.url, start=13) as rig:
        for _ in range(3):
            await rig.settle()
            rig.clock.now += 30_000
        assert rig.follower.status.trouble is None
        chain.mine(4)

        await rig.settle()

        assert numbers(rig) == [13, 14]


# At the head or below


@pytest.mark.parametrize("words", WORDS)
async def test_a_block_that_is_missing_for_a_moment_is_no_outage(rig, chain, faulty, words):
    """A load balancer's backends differ: the block is waited for, and comes."""
    await rig.settle()
    chain.mine(3)
    faulty.alter = missing(lambda number: number > 10, words)
    await rig.settle()
    rig.clock.now += PATIENCE_MS - 1
    await rig.settle()
    assert rig.follower.status.trouble is None

    faulty.heal()
    await rig.settle()

    assert numbers(rig) == [*range(14)]


@pytest.mark.parametrize("words", WORDS)
async def test_a_block_that_stays_missing_is_told(rig, chain, faulty, words):
    """After 15 s the network waits, and says for what; when the block comes, it goes on."""
    await rig.settle()
    chain.mine(3)
    faulty.alter = missing(lambda number: number > 10, words)
    await rig.settle()
    rig.clock.now += PATIENCE_MS

    for _ in range(3):
        with pytest.raises(NodeUnavailable, match="has no block 11, though its head is 13"):
            await rig.settle()
    status = rig.follower.status
    assert status.state == "waiting"
    assert "has no block 11, though its head is 13" in status.trouble
    assert status.nodes[0].state == "failing"

    faulty.heal()
    await rig.settle()
    assert numbers(rig) == [*range(14)]
    assert rig.follower.status.state == "following"


@pytest.mark.parametrize("words", WORDS)
async def test_a_start_below_what_the_node_keeps_is_told(database, chain, faulty, words):
    """A pruned node shows its head; that the first block never comes is not silence."""
    faulty.alter = missing(lambda number: number < 8, words)
    async with Rig(database, faulty.url, start=5) as rig:
        await rig.settle()
        assert rig.follower.status.head.number == 10
        rig.clock.now += PATIENCE_MS

        with pytest.raises(NodeUnavailable, match="has no block 5, though its head is 10"):
            await rig.settle()

        assert rig.follower.status.state == "waiting"


async def test_begins_where_the_history_begins(database, chain, faulty):
    """The oldest block that a node keeps can be the first one: what is below it is not needed."""
    faulty.alter = missing(lambda number: number < 8)
    async with Rig(database, faulty.url, start=8) as rig:
        await rig.settle()
        rig.clock.now += PATIENCE_MS

        await rig.settle()

        assert numbers(rig) == [8, 9, 10]


async def test_other_nodes_are_asked_for_what_is_missing(database, chain, server):
    """A block that one node lacks comes from another one at once."""
    async with (
        FaultyNode(server.url) as first,
        FaultyNode(server.url) as second,
        Rig(database, first.url, second.url) as rig,
    ):
        first.alter = missing(lambda number: number in (4, 5))
        await rig.settle()

        assert numbers(rig) == [*range(11)]


async def test_all_nodes_that_lack_a_block_are_named(database, chain, server):
    """When no node has it, the trouble says so of each."""
    async with (
        FaultyNode(server.url) as first,
        FaultyNode(server.url) as second,
        Rig(database, first.url, second.url) as rig,
    ):
        await rig.settle()
        chain.mine()
        first.alter = second.alter = missing(lambda number: number > 10)
        await rig.settle()
        rig.clock.now += PATIENCE_MS

        with pytest.raises(NodeUnavailable, match=r"node 0: has no block 11.*node 1: has no block"):
            await rig.settle()


async def test_receipts_that_never_come_at_the_head_are_told(rig, chain, faulty):
    """A block that is shown without its receipts, in whichever way they are asked, is told too."""
    await rig.settle()
    chain.mine()

    def alter(asked, answers):
        for method in ("eth_getBlockReceipts", "eth_getTransactionReceipt"):
            altered(method, lambda _, answer: answer.update(result=None))(asked, answers)

    faulty.alter = alter
    await rig.settle()
    rig.clock.now += PATIENCE_MS

    with pytest.raises(NodeUnavailable, match="has block 11, but not its receipts"):
        await rig.settle()


# Heights without a block


@pytest.fixture
async def holed(server):
    async with HoledNode(server.url) as node:
        yield node


@pytest.mark.parametrize("words", [None, "requested epoch was a null round (4)"])
@pytest.mark.parametrize("holes", [{4}, {4, 5}, {1}, {3, 5, 7, 9}, {2, 3, 4, 5, 6, 11}])
async def test_passes_over_heights_without_a_block(database, chain, holed, holes, words):
    """Where a later block stands on the tip, the heights between have none: nothing is lost."""
    holed.holes, holed.words = frozenset(holes), words
    async with Rig(database, holed.url) as rig:
        await rig.settle()
        chain.mine(2)
        await rig.settle()

        assert numbers(rig) == heights(13, holes)
        assert [one.block.header.hash for one in rig.consumer.taken] == chain.canonical()
        assert rig.follower.status.state == "following"


async def test_a_hole_wider_than_a_request_is_passed_over(database, chain, holed):
    """However many heights in a row have no block, the next one is found."""
    holed.holes = frozenset(range(6, 190))
    async with Rig(database, holed.url) as rig:
        for _ in range(10):
            await rig.settle()

        assert numbers(rig) == [0, 1, 2, 3, 4, 5, *range(190, 195)]


async def test_goes_on_above_a_hole_after_a_restart(database, chain, holed):
    """What was stored below a hole is what the block above it stands on."""
    holed.holes = frozenset({6, 7})
    async with Rig(database, holed.url) as rig:
        for _ in range(6):
            await rig.follower.step()
        await rig.consumer.take()
        await rig.restart()

        await rig.settle()

        assert (await rig.consumer.hashes())[-1] == chain.head.hash


@pytest.mark.parametrize("depth", [1, 2, 4, 6])
async def test_follows_a_reorg_over_holes(database, chain, holed, depth):
    """A branch is left by hashes, wherever heights have no block."""
    holed.holes = frozenset({6, 8, 9})
    async with Rig(database, holed.url) as rig:
        await rig.settle()
        chain.reorg(depth)

        await rig.settle()

        assert (await rig.consumer.hashes())[-1] == chain.head.hash
        assert rig.follower.status.last_reorg.depth == depth


async def test_follows_a_reorg_to_a_branch_that_begins_with_a_hole(database, chain, holed):
    """The new branch has no block where ours had its first one."""
    async with Rig(database, holed.url) as rig:
        await rig.settle()
        chain.reorg(3)
        holed.holes = frozenset({8, 9})

        await rig.settle()
        rig.clock.now += 1000
        await rig.settle()

        assert (await rig.consumer.hashes())[-1] == chain.head.hash
        stored = [one.block.header for one in rig.consumer.taken if one.block.header.number > 9]
        assert stored[-1].hash == chain.head.hash


@pytest.mark.parametrize("start", [5, 6, 7])
async def test_begins_beside_a_hole(database, chain, holed, start):
    """The first block may be a height without a block, or stand above one."""
    holed.holes = frozenset({5, 6})
    async with Rig(database, holed.url, start=start) as rig:
        await rig.settle()
        rig.clock.now += PATIENCE_MS
        with contextlib.suppress(NodeUnavailable):
            await rig.settle()

        assert numbers(rig) == [*range(7, 13)]


async def test_a_later_block_on_another_branch_is_no_way_over(rig, chain, faulty):
    """Only what stands on the tip shows that nothing is between: all else is waited for."""
    await rig.settle()
    chain.mine(3)
    faulty.alter = missing(lambda number: number == 11)

    await rig.settle()

    assert numbers(rig) == [*range(11)]


@pytest.mark.parametrize("holes", [{11}, {11, 12}, {9, 11}, {10, 11}])
async def test_a_branch_is_left_though_the_next_height_has_no_block(database, chain, holed, holes):
    """A tip that was replaced is seen by the block above the hole, which does not stand on it."""
    async with Rig(database, holed.url) as rig:
        await rig.settle()
        assert numbers(rig)[-1] == 10
        chain.reorg(2)
        chain.mine(2)
        holed.holes = frozenset(holes)

        for _ in range(3):
            await rig.settle()
            rig.clock.now += 1000

        assert (await rig.consumer.hashes())[-1] == chain.head.hash
        assert rig.follower.status.state == "following"
        assert rig.follower.status.last_reorg.depth == 2


async def test_a_block_that_only_its_height_hides_is_waited_for(rig, chain, faulty):
    """What stands above it by its hash says that it is there: it is neither a fork nor a break."""
    await rig.settle()
    chain.mine(3)
    faulty.alter = missing(lambda number: number == 11)
    await rig.settle()
    rig.clock.now += PATIENCE_MS

    with pytest.raises(NodeUnavailable, match="has no block 11, though its head is 13"):
        await rig.settle()
    assert rig.follower.status.state == "waiting"
    assert rig.follower.status.last_reorg is None

    faulty.heal()
    await rig.settle()
    assert numbers(rig) == [*range(14)]


# A wrong parent link


async def step_until_stopped(rig):
    for _ in range(4):
        with contextlib.suppress(NodeUnavailable):
            await rig.settle()
        rig.clock.now += PATIENCE_MS
        rig.pass_seconds(PATIENCE_MS / 1000)
    assert rig.follower.status.state == "stopped"


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_broken_link_stops_the_network(rig, faulty, restarted):
    """One wrong parent for good is told with the command that goes on, and stays so."""
    faulty.alter = broken_at(8)
    await step_until_stopped(rig)
    if restarted:
        await rig.restart()
        await step_until_stopped(rig)
    rig.clock.now += LOOK_MS

    await rig.settle()

    assert rig.follower.status.tip.number == 7
    assert rig.follower.status.state == "stopped"
    assert f"crypitor network resume {NETWORK} --from-block 8" in rig.follower.status.trouble


def broken_above(holes, number):
    """An `alter` of a chain that has no block at some heights, and a wrong parent above them."""
    hidden, broken = missing(holes.__contains__), broken_at(number)

    def alter(asked, answers):
        broken(asked, answers)
        hidden(asked, answers)

    return alter


@pytest.mark.parametrize("holes", [{8}, {6, 7, 8}])
async def test_a_broken_link_above_a_height_without_a_block_stops_the_network(
    rig, chain, faulty, database, holes
):
    """That the height shows nothing hides the break for 15 s; the command goes on above it."""
    faulty.alter = broken_above(holes, 9)
    await step_until_stopped(rig)
    assert rig.follower.status.tip.number == min(holes) - 1
    assert "--from-block 9" in rig.follower.status.trouble
    rig.clock.now += LOOK_MS
    await rig.settle()
    assert rig.follower.status.state == "stopped"

    before = await ground_of(9, MAX_REORG_DEPTH, rig.nodes)
    await database.write(lambda tx: resume(tx, NETWORK, before=before, now=1, first=9))
    rig.clock.now += 1000
    await rig.settle()

    assert numbers(rig) == [*range(min(holes)), 9, 10]
    assert rig.follower.status.state == "following"


@pytest.mark.parametrize("healed", [(), (8,)])
async def test_what_was_missing_below_a_break_is_read_when_it_comes(rig, chain, faulty, healed):
    """A node that was repaired, in whole or in the height alone, is seen while stopped."""
    faulty.alter = broken_above({8}, 9)
    await step_until_stopped(rig)
    faulty.alter = broken_at(9) if healed else None
    rig.clock.now += LOOK_MS

    with contextlib.suppress(NodeUnavailable):
        await rig.settle()

    assert numbers(rig) == [*range(9 if healed else 11)]


async def test_a_node_without_history_stops_nothing(rig, chain, faulty):
    """Where it does not show our tip either it lacks the past: the network waits for a node."""
    await rig.settle()
    chain.mine(6)
    faulty.alter = broken_above(range(14), 14)
    for _ in range(4):
        with contextlib.suppress(NodeUnavailable):
            await rig.settle()
        rig.clock.now += PATIENCE_MS
        rig.pass_seconds(PATIENCE_MS / 1000)
    assert rig.follower.status.state == "waiting"
    assert "has no block 11" in rig.follower.status.trouble

    faulty.heal()
    await rig.settle()
    assert numbers(rig) == [*range(17)]


async def test_a_link_that_is_broken_for_a_moment_is_waited_for(rig, chain, faulty):
    """A parent that comes after some seconds stops nothing."""
    faulty.alter = broken_at(8)
    for _ in range(3):
        with contextlib.suppress(NodeUnavailable):
            await rig.settle()
        rig.clock.now += 2000
    faulty.heal()

    await rig.settle()

    assert numbers(rig) == [*range(11)]


async def test_goes_on_by_itself_when_the_link_is_mended(rig, chain, faulty):
    """A node that was repaired is seen while the network is stopped."""
    faulty.alter = broken_at(8)
    await step_until_stopped(rig)
    faulty.heal()
    rig.clock.now += LOOK_MS

    await rig.settle()

    assert numbers(rig) == [*range(11)]


@pytest.mark.parametrize("first", [0, 8, 9, 10])
async def test_resumes_above_the_break_and_at_the_beginning(rig, chain, faulty, database, first):
    """Every block from the break on, and 0, can be the one to go on at: nothing below is needed."""
    faulty.alter = broken_at(8)
    await step_until_stopped(rig)
    before = await ground_of(first, MAX_REORG_DEPTH, rig.nodes)
    await database.write(lambda tx: resume(tx, NETWORK, before=before, now=1, first=first))
    rig.clock.now += 1000
    taken = len(rig.consumer.taken)

    if first == 0:
        await step_until_stopped(rig)
        assert numbers(rig)[taken:] == [*range(8)]
    else:
        await rig.settle()
        assert numbers(rig)[taken:] == [*range(first, 11)]
        assert rig.follower.status.state == "following"
        chain.mine(2)
        await rig.settle()
        assert numbers(rig)[-2:] == [11, 12]


async def test_resumes_after_a_restart_with_nothing_below(rig, faulty, database):
    """The height that was chosen is kept where no header says it."""
    faulty.alter = broken_at(8)
    await step_until_stopped(rig)
    await database.write(lambda tx: resume(tx, NETWORK, before=(), now=1, first=8))

    await rig.restart(start="latest")
    await rig.settle()

    assert numbers(rig) == [8, 9, 10]


@pytest.mark.parametrize("start", [8, 9])
async def test_begins_above_a_break(database, faulty, start):
    """A start above a break needs nothing from below it."""
    faulty.alter = broken_at(8)
    async with Rig(database, faulty.url, start=start) as rig:
        await rig.settle()
        rig.clock.now += PATIENCE_MS
        await rig.settle()

        assert numbers(rig) == [*range(start, 11)]


async def test_what_a_block_stands_on_ends_at_the_break(rig, chain, faulty):
    """Of the headers below a block, those above the break are kept."""
    faulty.alter = broken_at(6)

    assert [one.number for one in await ground_of(9, 8, rig.nodes)] == [6, 7, 8]
    assert await ground_of(6, 8, rig.nodes) == ()
    assert [one.number for one in await ground_of(5, 3, rig.nodes)] == [2, 3, 4]


def test_a_parent_may_be_lower_by_more_than_one():
    """What stands on what is told by hashes; a child is above its parent."""
    parent = Header(5, "a", "z", 0)

    assert parent.is_parent_of(Header(6, "b", "a", 0))
    assert parent.is_parent_of(Header(9, "b", "a", 0))
    assert not parent.is_parent_of(Header(5, "b", "a", 0))
    assert not parent.is_parent_of(Header(6, "b", "c", 0))


@pytest.mark.parametrize("of", [6, 3])
async def test_a_parent_that_is_another_block_of_the_chain_stops_it_too(rig, chain, faulty, of):
    """A block that names a lower block of its own chain for good is no fork, again and again."""
    faulty.alter = broken_at(9, chain.by_number(of).hash)
    posts = len(faulty.posts)
    for _ in range(4):
        with contextlib.suppress(NodeUnavailable):
            for _ in range(60):
                if not await rig.follower.step():
                    break
        await rig.consumer.take()
        rig.clock.now += PATIENCE_MS
        rig.pass_seconds(PATIENCE_MS / 1000)

    assert rig.follower.status.state == "stopped"
    assert "--from-block 9" in rig.follower.status.trouble
    assert len(faulty.posts) - posts < 80


@pytest.mark.parametrize("first", [9, 10, 7, 0])
async def test_resumes_over_a_parent_that_is_another_block(rig, chain, faulty, database, first):
    """The block that names a wrong parent, or one above, goes on; below it stops there again."""
    faulty.alter = broken_at(9, chain.by_number(3).hash)
    await step_until_stopped(rig)
    before = await ground_of(first, MAX_REORG_DEPTH, rig.nodes)
    await database.write(lambda tx: resume(tx, NETWORK, before=before, now=1, first=first))
    rig.clock.now += 1000
    taken = len(rig.consumer.taken)
    if first < 9:
        await step_until_stopped(rig)
        assert numbers(rig)[taken:] == [*range(first, 9)]
        return
    await rig.settle()
    chain.mine(2)
    await rig.settle()

    assert numbers(rig)[taken:] == [*range(first, 13)]
    assert rig.follower.status.state == "following"
