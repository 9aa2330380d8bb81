"""Balances of past blocks over crashes: what began and ended is told as by one that never died."""

import asyncio
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crypitor.database.job_standings import forget_standings, standings_of, store_job_standings
from crypitor.database.jobs import get_job, insert_job
from crypitor.database.keys import ensure_project
from crypitor.development.simulator.state import FIRST_COINS, State
from crypitor.monitor.becoming import State as Stage
from crypitor.monitor.gauges import Standing
from crypitor.monitor.models import Kind, Reading, rule_of
from tests.backfill.conftest import BUSY

ALL_DATABASES = True
FIRST, LAST = 60, 110
POOR, RICH = FIRST_COINS, FIRST_COINS + 10**18
RULES = {
    "one condition": rule_of(Kind.BALANCE, where=f"balance < {POOR}"),
    "and another one that arms it again": rule_of(
        Kind.BALANCE, where=f"balance < {POOR}", rearm=f"balance > {RICH}"
    ),
}


def truth_of(chain, rearms):
    """(account, height at which it was told) → the height at which it ended, None where it did not."""
    state, truth = State(chain.by_hash), {}
    for actor in chain.actors[BUSY]:
        had = [state.balance(chain.by_number(at), actor.address) for at in range(LAST + 1)]
        raised, begun = had[FIRST - 1] < POOR, None
        for at in range(FIRST, LAST + 1):
            if not raised and had[at] < POOR:
                raised, begun = True, (actor.address, at)
                truth[begun] = None
            elif raised and rearms(had[at]):
                raised = False
                truth |= {begun: at} if begun else {}
                begun = None
    return truth


@pytest.mark.parametrize("which", RULES)
@pytest.mark.parametrize("seed", range(2))
async def test_a_kill_changes_nothing_of_what_began_and_ended(rig, which, seed):
    """Whatever it was waiting for: another job of the monitor, a node, a commit."""
    random = Random(seed)
    await rig.monitor(rules=(RULES[which],))
    await rig.change("update networks set looked_number = 1000, looked_hash = 'seen'")
    await rig.job(FIRST, LAST)
    await rig.job(FIRST - 20, FIRST + 10)  # takes turns, and knows other things of the same
    while rig.chain.head.number < LAST:
        rig.chain.mine(random.randint(1, 4))
        await rig.live()
        step = asyncio.create_task(rig.backfill.step())
        for _ in range(random.randint(0, 40)):
            await asyncio.sleep(0)
        step.cancel()
        await asyncio.gather(step, return_exceptions=True)
        if random.random() < 0.6:
            await rig.begin()
        if random.random() < 0.5:
            await rig.settle()
    await rig.settle()

    rearms = (lambda had: had > RICH) if RULES[which].rearm else (lambda had: had >= POOR)
    wanted = truth_of(rig.chain, rearms)
    rows = await rig.rows("select address, block_number, ended_block from matches")
    found = {(row["address"], row["block_number"]): row["ended_block"] for row in rows}
    assert {key: found.get(key, "not told") for key in wanted} == wanted
    assert [key for key in found if key[1] >= FIRST + 11 and key not in wanted] == []
    assert any(wanted.values())
    assert await rig.rows("select * from job_standings") == []  # both have ended


steps = st.lists(
    st.one_of(
        st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(0, 3), max_size=3)),
        st.integers(0, 4),
    ),
    max_size=8,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, depth=st.integers(0, 6))
async def test_where_gauges_stood_is_known_as_far_as_a_job_goes_back(database, steps, depth):
    """Parts of four blocks each, and goings back over at most so many blocks as may be orphaned."""
    position, told = 0, {}

    async def unit(tx):
        nonlocal position
        project = await ensure_project(tx, 0, bytes)
        if await get_job(tx, project, "jo_1") is None:
            await insert_job(tx, "jo_1", project, "mo_1", "dev", range(1, 1000), 0)
        await forget_standings(tx, "jo_1")
        lowest = 0
        for step in steps:
            if isinstance(step, int):
                position = max(lowest, position - step)
                await forget_standings(tx, "jo_1", above=position)
                for key in [key for key in told if key[1] > position]:
                    del told[key]
            else:
                looks = sorted(
                    (position + 1 + at, name) for name, ats in step.items() for at in ats
                )
                stood = [(name, standing_at(number)) for number, name in looks]
                told.update({(name, number): standing_at(number) for number, name in looks})
                position += 4
                await store_job_standings(tx, "jo_1", stood, position - depth)
                lowest = max(lowest, position - depth)
            known = await standings_of(tx, "jo_1", position, ["a", "b", "c"])
            last = {name: told[name, number] for name, number in sorted(told)}
            assert known == last

    await database.write(unit)


def standing_at(number):
    return Standing(Stage.RAISED, Reading(number, f"0x{number}", number, str(number)), None, number)
