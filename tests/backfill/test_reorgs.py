"""Reorgs while a backfill reads near the tip: nothing of an orphaned block is left standing."""

import os
import random

import pytest

from crypitor.monitor.models import DEFAULT_RULES, Kind, Rule

SEEDS = int(os.environ.get("CRYPITOR_TEST_SEEDS", "12"))
QUICK_SEEDS = 4
RULES = {"whole": DEFAULT_RULES, "logs": (Rule(Kind.ERC20), Rule(Kind.ERC1155))}


async def test_block_of_another_branch_is_not_told(rig):
    """
    What the node shows and the live path has not matched is not told: the job waits.
    """
    await rig.monitor(live=True)
    await rig.job(70, 80)
    rig.chain.reorg(4)
    await rig.settle()

    assert await rig.told() == []
    assert (await rig.read()).status == "queued"

    await rig.live()
    await rig.settle()

    assert (await rig.problems(70, 81))[0] == []
    assert (await rig.read()).status == "done"


async def test_blocks_that_are_gone_are_waited_for(rig):
    """
    After a reorg to a shorter chain the job goes on when its last block is there again.
    """
    await rig.monitor(live=True)
    await rig.job(70, 80)
    rig.chain.reorg(5, 2)
    await rig.live()
    await rig.settle()
    before = await rig.read()
    rig.chain.mine(10)
    await rig.live()
    await rig.settle()

    assert (before.status, before.position) == ("running", 77)
    assert (await rig.read()).status == "done"
    assert (await rig.problems(70, 87))[0] == []


async def test_part_that_a_reorg_orphans_is_done_again(rig):
    """
    A job whose last block has left the chain reads again from there, and counts as done what is.
    """
    await rig.monitor(live=True)
    await rig.job(70, 80)
    rig.chain.reorg(3, 1)
    await rig.live()
    await rig.settle()
    rig.chain.reorg(4, 9)
    await rig.live()
    await rig.settle()

    assert (await rig.read()).status == "done"
    assert (await rig.problems(70, rig.chain.head.number))[0] == []


@pytest.mark.parametrize("rules", RULES)
async def test_orphaned_while_the_job_rested(rig, rules):
    """
    A job whose last block was orphaned long ago, below the headers that are kept, goes back too.
    """
    await rig.monitor(rules=RULES[rules], live=True)
    await rig.job(70, 80)
    rig.chain.reorg(5, 2)
    await rig.live()
    await rig.settle()
    rig.chain.reorg(3, 4)
    await rig.live()
    rig.chain.mine(20)
    await rig.live()
    for _ in range(3):
        await rig.settle()

    kinds = {str(rule.kind) for rule in RULES[rules]}
    assert (await rig.problems(70, rig.chain.head.number, kinds=kinds))[0] == []
    assert (await rig.read()).status == "done"


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(seed, marks=[pytest.mark.soak] if seed >= QUICK_SEEDS else [])
        for seed in range(SEEDS)
    ],
)
async def test_random_reorgs(rig, seed, rules):
    """
    After random blocks, reorgs and restarts, what was told equals a plain reading of the chain.
    """
    chance = random.Random(seed)
    await rig.monitor(rules=RULES[rules], live=True)
    first = chance.randint(60, 78)
    await rig.job(first, 80)

    async def happens():
        for _ in range(chance.randint(0, 3)):
            if chance.random() < 0.6:
                kept = (await rig.position()).headers[0].number
                depth = min(chance.randint(1, 3), rig.chain.head.number - kept)
                rig.chain.reorg(depth, chance.randint(0, 4))
            else:
                rig.chain.mine(chance.randint(1, 2))
            if chance.random() < 0.7:
                await rig.live()

    for _ in range(8):
        if chance.random() < 0.2:
            await rig.begin()
        await rig.step_while(happens)
    rig.chain.mine(6)
    await rig.live()
    await rig.settle()

    kinds = {str(rule.kind) for rule in RULES[rules]}
    problems, expected = await rig.problems(first, rig.chain.head.number, kinds=kinds)
    assert problems == [], f"seed {seed}"
    assert expected > 5
    assert (await rig.read()).status == "done"
