"""Backfills over heights without a block, and over a parent that is wrong for good."""

import json

import pytest

from crypitor.monitor.models import DEFAULT_RULES, Kind, Rule
from crypitor.worker.gap import PATIENCE_MS
from tests.backfill.test_trial import patient
from tests.worker.faulty import altered
from tests.worker.holed import HoledNode, broken_at, missing, with_holes

WAYS = {"whole": DEFAULT_RULES, "logs": (Rule(Kind.ERC20), Rule(Kind.ERC1155))}
NULL_ROUND = "requested epoch was a null round"
HOLES = [
    ({5, 6}, None),
    (set(range(20, 160)), None),
    ({31}, NULL_ROUND),
    ({5, 9, 40, 41, 78, 83}, NULL_ROUND),
]
FIRST, LAST = 5, 60


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def rules(request):
    return request.param


@pytest.fixture
async def holed(rig):
    """A node before the rig's, whose chain has no block at some heights."""
    async with HoledNode(rig.server.url) as node:
        rig.node = node
        await rig.begin()
        yield node


async def told(rig):
    """Every match that was told: its block's hash and where in it."""
    bodies = [json.loads(row["body"]) for row in await rig.rows("select body from deliveries")]
    return {
        (one["block"]["hash"], one["transaction"]["hash"], one["log_index"], one["item"],
         one["kind"], one["direction"], one["address"])
        for one in (body["data"] for body in bodies if body["type"] == "match.detected")
    }  # fmt: skip


async def told_without_holes(rig, first, last, rules):
    """What a backfill of these blocks tells; afterwards nothing was told."""
    await rig.monitor(rules=rules)
    await rig.job(first, last)
    await rig.settle()
    found = await told(rig)
    for table in ("attempts", "deliveries", "events", "matches"):
        await rig.change(f"delete from {table}")
    return found


async def rise(rig, holes):
    """Let what was matched be the chain with the holes, as the live path would have left it."""
    up = with_holes(holes)[1]
    for row in sorted(await rig.rows("select number from headers"), key=lambda row: -row["number"]):
        moved = {"number": hex(row["number"])}
        up(moved)
        await rig.change(
            "update headers set number = :new where number = :old",
            new=int(moved["number"], 16), old=row["number"],
        )  # fmt: skip


def raised(number, holes):
    place = {"number": hex(number)}
    with_holes(holes)[1](place)
    return int(place["number"], 16)


async def stepped(rig):
    """Let the job go on until it rests, as often as it takes to search far."""
    for _ in range(6):
        await rig.settle()
        rig.now += PATIENCE_MS


@pytest.mark.parametrize("holes, words", HOLES)
async def test_every_match_is_told_over_holes(rig, holed, rules, holes, words):
    """Heights without a block end no backfill, wherever they are, and cost no match."""
    wanted = await told_without_holes(rig, FIRST, LAST, rules)
    await rise(rig, holes)
    holed.holes, holed.words = frozenset(holes), words
    job = await rig.job(raised(FIRST, holes), raised(LAST, holes))

    await stepped(rig)

    done = await rig.read(job)
    assert (done.status, done.trouble) == ("done", None)
    assert await told(rig) == wanted
    assert len(wanted) > 10


@pytest.mark.parametrize("first, last", [(9, 12), (10, 13), (11, 11)])
async def test_begins_and_ends_at_heights_without_a_block(rig, holed, rules, first, last):
    """A range may begin or end where no block is, or have none at all."""
    holes = {10, 11, 12}
    await rig.monitor(rules=rules)
    await rise(rig, holes)
    holed.holes = frozenset(holes)
    job = await rig.job(first, last)

    await rig.settle()

    done = await rig.read(job)
    assert (done.status, done.position) == ("done", last)


async def test_goes_on_over_a_hole_after_a_restart(rig, holed, rules):
    """What is known after a restart is enough: the height that is done, and the block below it."""
    wanted = await told_without_holes(rig, FIRST, LAST, rules)
    holes = {20, 21, 22}
    await rise(rig, holes)
    holed.holes = frozenset(holes)
    job = await rig.job(FIRST, LAST + len(holes))
    for position in (21, 22):
        await rig.settle()
        await rig.change(
            "update jobs set position = :position, position_hash = :hash, finished_at = null,"
            " status = 'running' where id = :id",
            position=position, hash=rig.chain.by_number(19).hash, id=job,
        )  # fmt: skip
        await rig.begin()

    await rig.settle()

    assert (await rig.read(job)).status == "done"
    assert await told(rig) == wanted


async def test_stays_where_it_is_on_the_matched_chain(rig, holed, rules):
    """Holes among the kept headers orphan nothing of a job that has come so far."""
    await rig.monitor(rules=rules)
    holes = {76, 79}
    await rise(rig, holes)
    holed.holes = frozenset(holes)
    job = await rig.job(70, 82)
    await rig.settle()
    assert (await rig.read(job)).status == "done"
    before = len(await rig.rows("select id from matches"))

    for position in range(75, 82):
        number = max(n for n in range(70, position + 1) if n not in holes)
        await rig.change(
            "update jobs set position = :position, position_hash ="
            " (select hash from headers where number = :number), finished_at = null,"
            " status = 'running' where id = :id",
            position=position, number=number, id=job,
        )  # fmt: skip
        await rig.settle()
        assert (await rig.read(job)).status == "done"
    assert len(await rig.rows("select id from matches")) == before


async def test_a_block_that_is_only_missing_is_no_hole(rig, rules):
    """A block which the one above stands on is waited for, however long the node lacks it."""
    rig.node.alter = missing(lambda number: number == 30, NULL_ROUND)
    await rig.monitor(rules=rules)
    job = await rig.job(FIRST, LAST)

    await stepped(rig)
    waits = await rig.read(job)
    rig.node.heal()
    await rig.settle()

    assert waits.position < 30
    assert "30" in waits.trouble
    assert (await rig.read(job)).status == "done"
    assert (await rig.problems(FIRST, LAST, **kinds(rules)))[0] == []


async def test_a_first_block_that_is_missing_is_no_hole(rig, rules):
    """Also where nothing below it is known."""
    rig.node.alter = missing(lambda number: number in (FIRST, FIRST + 1))
    await rig.monitor(rules=rules)
    job = await rig.job(FIRST, LAST)

    await stepped(rig)

    assert (await rig.read(job)).position < FIRST


async def test_a_node_that_lacks_the_newest_blocks_is_no_end(rig, rules):
    """What a node does not have yet at the end of a range is waited for."""
    rig.node.alter = missing(lambda number: number > 76)
    await rig.monitor(rules=rules)
    job = await rig.job(70, 80)

    await stepped(rig)

    assert (await rig.read(job)).position <= 76


@pytest.mark.parametrize("number, of", [(20, None), (33, None), (33, 7)])
async def test_goes_on_over_a_parent_that_is_wrong_for_good(rig, rules, number, of):
    """One block that names a parent which is not below it is told, and passed after a while."""
    rig.node.alter = broken_at(number, *([] if of is None else [rig.chain.by_number(of).hash]))
    await rig.monitor(rules=rules)
    job = await rig.job(FIRST, LAST)

    await rig.settle()
    waits = await rig.read(job)
    await stepped(rig)

    assert waits.position < number
    assert f"block {number} does not stand on" in waits.trouble
    assert (await rig.read(job)).status == "done"
    assert (await rig.problems(FIRST, LAST, **kinds(rules)))[0] == []


async def test_two_branches_are_not_passed(rig, rules):
    """A node that shows one branch in the first look and another in the next is waited for."""
    shown = []

    def change(request, answer):
        if request["params"][0] == hex(30):
            shown.append(1)
            answer["result"]["parentHash"] = "0x" + f"{len(shown):064x}"

    rig.node.alter = altered("eth_getBlockByNumber", change)
    await rig.monitor(rules=rules)
    job = await rig.job(FIRST, LAST)

    await stepped(rig)

    assert (await rig.read(job)).position < 30


async def test_says_so_where_the_nodes_are_on_another_chain_than_was_matched(rig, rules):
    """Blocks that are not those which were matched are not stored, and the job says why."""
    await rig.monitor(rules=rules)
    await rig.change("update headers set hash = '0xabc' where number = 75")
    job = await rig.job(70, 80)

    await rig.settle()

    assert await rig.rows("select id from matches") == []
    assert "other blocks" in (await rig.read(job)).trouble


@pytest.mark.parametrize("holes", [{20}, {5, 6, 7, 38, 39, 40, 41}])
async def test_a_trial_passes_over_holes(rig, holed, rules, holes):
    """What would match is told of the blocks that there are; the heights count as looked at."""
    monitor = await rig.monitor(rules=rules)
    holed.holes = frozenset(holes)
    async with rig._nodes(holed.url) as nodes:
        trial = patient(rig, nodes)
        tried = await trial.blocks(monitor, range(FIRST, 41))

    assert tried.complete
    assert tried.blocks == len(set(range(FIRST, 41)) - holes)


async def test_a_trial_of_nothing_but_a_hole(rig, holed, rules):
    """A range without any block has no match, and is complete."""
    monitor = await rig.monitor(rules=rules)
    holed.holes = frozenset({20, 21, 22})
    async with rig._nodes(holed.url) as nodes:
        tried = await patient(rig, nodes).blocks(monitor, range(20, 22))

    assert (tried.complete, tried.blocks, tried.count) == (True, 0, 0)
    assert tried.looked_at == (20, 21)


def kinds(rules):
    return {} if rules is DEFAULT_RULES else {"kinds": frozenset({"erc20", "erc1155"})}
