"""What a backfill tells, compared with what happened on the chain."""

import asyncio

import pytest

from crypitor.database.jobs import cancel_job
from crypitor.development.simulator.audit import Question, audit
from crypitor.monitor.models import Direction, Kind, Rule
from tests.backfill.conftest import CONFIRMATIONS, NOBODY
from tests.worker.faulty import altered


async def test_every_match_of_past_blocks_is_told(rig):
    """
    All kinds of matches of a range are told, and confirmed where they are deep enough.
    """
    await rig.monitor()
    job = await rig.job(5, 80)

    await rig.settle()

    problems, expected = await rig.problems(5, 80)
    assert problems == []
    assert expected > 100
    done = await rig.read(job)
    assert (done.status, done.position, done.trouble) == ("done", 80, None)
    assert done.matches_found == done.matches_new == len(await rig.rows("select id from matches"))
    assert set(rig.woken) == {"ep_1"}


@pytest.mark.parametrize(
    ("kind", "first"), [(Kind.TRANSACTION, 70), (Kind.WITHDRAWAL, 5), (Kind.DELEGATION, 5)]
)
async def test_past_blocks_tell_what_no_log_tells(rig, kind, first):
    """
    Transactions, withdrawals and delegations of everybody, all of a range and no others.
    """
    rule = Rule(kind, where="block.number > 4", include_failed=True)
    await rig.monitor(rules=(rule,), any_address=True, actors=NOBODY)
    await rig.job(first, 80)

    await rig.settle()

    asked = Question("mo_1", first, CONFIRMATIONS, None, kinds=frozenset({kind.value}))
    found = audit(rig.chain, [asked], await rig.told(), 80)
    assert found.problems == []
    assert found.expected > 5


async def test_new_matches_are_counted_once(rig):
    """
    What is stored of past blocks counts as matches of its kind; what was known does not count again.
    """
    await rig.monitor()
    for _ in range(2):
        await rig.job(5, 20)
        await rig.settle()

    rows = await rig.rows("select kind, count(*) as matches from matches group by kind")
    assert rig.counted() == {row["kind"]: row["matches"] for row in rows}
    assert len(rows) > 2


async def test_nothing_outside_of_the_range_is_told(rig):
    """
    A backfill of ten blocks tells of those ten.
    """
    await rig.monitor()
    await rig.job(20, 29)

    await rig.settle()

    heights = {told.json["data"]["block"]["number"] for told in await rig.told()}
    assert heights <= set(range(20, 30))
    assert len(heights) > 5


async def test_confirmed_follows_detected(rig):
    """
    A deep match is told as detected first; confirmed waits for it, with its true number of blocks.
    """
    await rig.monitor()
    await rig.job(10, 12)

    await rig.settle()

    rows = await rig.rows("select phase, status, follows from deliveries")
    assert {(row["phase"], row["status"]) for row in rows} == {
        ("detected", "pending"),
        ("confirmed", "waiting"),
    }
    deep = {
        told.json["data"]["block"]["number"] + told.json["data"]["confirmations"]
        for told in await rig.told()
        if told.json["type"] == "match.confirmed"
    }
    assert deep == {81}


async def test_matches_near_the_tip_are_confirmed_by_the_live_path(rig):
    """
    What is not deep enough yet is confirmed when the chain grows.
    """
    await rig.monitor(live=True)
    await rig.job(75, 80)
    await rig.settle()
    rig.chain.mine(3)

    await rig.live()

    problems, _ = await rig.problems(75, 83)
    assert problems == []


async def test_tags_of_the_node_confirm(rig):
    """
    A monitor that waits for `finalized` hears at once of what is; the rest waits.
    """
    await rig.monitor(confirmations="finalized")
    await rig.job(70, 80)

    await rig.settle()

    confirmed = {
        told.json["data"]["block"]["number"]
        for told in await rig.told()
        if told.json["type"] == "match.confirmed"
    }
    assert confirmed
    assert max(confirmed) <= 76


async def test_existing_matches_are_not_sent_again(rig):
    """
    A second backfill, and one of blocks that were matched live, store and send nothing new.
    """
    await rig.monitor(live=True)
    rig.chain.mine(10)
    await rig.live()
    await rig.job(81, 90)
    before = sorted(told.webhook_id for told in await rig.told())

    await rig.settle()

    done = await rig.read()
    assert sorted(told.webhook_id for told in await rig.told()) == before
    assert done.matches_found > done.matches_new == 0


async def test_goes_on_where_it_was_after_a_restart(rig):
    """
    A new process begins with the block after the stored position, and nothing is missing.
    """
    await rig.monitor()
    await rig.job(1, 80)
    await rig.backfill.step()
    position = (await rig.read()).position
    rig.node.posts.clear()

    await rig.begin()
    await rig.settle()

    assert 1 <= position < 80
    assert rig.asked("eth_getBlockReceipts") == 80 - position
    assert (await rig.problems(1, 80))[0] == []


async def test_can_be_cut_off_at_any_await(rig):
    """
    A process that ends at any moment of a step leaves a job that goes on to the same result.
    """
    await rig.monitor()
    await rig.job(1, 80)
    for moments in range(1, 400, 7):
        step = asyncio.create_task(rig.backfill.step())
        for _ in range(moments):
            await asyncio.sleep(0)
        step.cancel()
        await asyncio.gather(step, return_exceptions=True)
        await rig.begin()

    await rig.settle()

    job = await rig.read()
    assert (await rig.problems(1, 80))[0] == []
    assert job.matches_found == job.matches_new == len(await rig.rows("select id from matches"))


async def test_cancelled_job_stores_nothing_more(rig):
    """
    A job that is cancelled while a part of it is being read drops that part.
    """
    await rig.monitor()
    job = await rig.job(1, 80)
    await rig.backfill.step()
    before = len(await rig.told())

    async def cancel():
        await rig.database.write(lambda tx: cancel_job(tx, job, None, rig.now))

    assert not await rig.step_while(cancel)
    assert len(await rig.told()) == before
    assert (await rig.read()).status == "cancelled"


async def test_another_process_that_leads_takes_over(rig):
    """
    A process that does not lead the network any more stores nothing.
    """
    await rig.monitor()
    await rig.job(1, 80)
    old = rig.backfill
    await rig.begin()

    assert not await old.step()
    assert await rig.told() == []

    await rig.settle()

    assert (await rig.problems(1, 80))[0] == []


async def test_deleted_monitor_ends_its_job(rig):
    """
    The job of a monitor that is gone is cancelled, with the reason.
    """
    await rig.monitor()
    await rig.job(1, 80)
    await rig.backfill.step()
    await rig.change("delete from monitors")

    await rig.settle()

    job = await rig.read()
    assert (job.status, job.trouble) == ("cancelled", "the monitor was deleted")


async def test_address_added_meanwhile_counts_from_then_on(rig):
    """
    A backfill asks what the monitor asks when a block is read.
    """
    await rig.monitor(actors=slice(1))
    await rig.job(1, 80)
    await rig.backfill.step()
    position = (await rig.read()).position
    added = rig.chain.actors[1].address
    await rig.change("insert into addresses values ('mo_1', :address, null)", address=added)
    await rig.change("update monitors set updated_at = 1")

    await rig.settle()

    of_added = {
        told.json["data"]["block"]["number"]
        for told in await rig.told()
        if told.json["data"]["address"] == added
    }
    assert of_added
    assert min(of_added) > position


async def test_jobs_take_turns(rig):
    """
    A short job does not wait for the end of a long one that was there before.
    """
    await rig.monitor()
    await rig.job(1, 80)
    short = await rig.job(3, 5)

    await rig.backfill.step()
    await rig.backfill.step()

    assert (await rig.read(short)).status == "done"
    assert (await rig.read()).status == "running"


async def test_waits_while_an_endpoint_has_many_deliveries(rig):
    """
    A backfill does not put thousands of deliveries before the live ones of a healthy endpoint.
    """
    await rig.monitor()
    await rig.job(1, 80)
    await rig.backfill.step()
    told = len(await rig.told())
    await rig.change(
        """insert into deliveries (id, project_id, monitor_id, match_id, endpoint_id, phase,
            status, attempts, due_at, token, body, created_at)
        with recursive n (i) as (select 1 union all select i + 1 from n where i < 500)
        select 'de_' || i, 'pr_1', 'mo_2', 'ma', 'ep_1', 'detected', 'pending', 0, 0, 0, '{}', 0
        from n"""
    )

    assert not await rig.backfill.step()
    assert "many deliveries" in (await rig.read()).trouble

    await rig.change("update deliveries set status = 'delivered'")
    await rig.settle()

    assert (await rig.read()).status == "done"
    assert len(await rig.rows("select id from deliveries")) > told + 500


async def test_node_outage_is_told_in_the_job(rig):
    """
    A job says why it makes no progress, and goes on when the node is back.
    """
    await rig.monitor()
    await rig.job(1, 80)
    await rig.node.stop()

    assert not await rig.backfill.step()
    assert (await rig.read()).trouble

    await rig.node.start()
    await rig.settle()

    assert (await rig.read()).trouble is None
    assert (await rig.problems(1, 80))[0] == []


async def test_unproven_block_is_never_passed_over(rig):
    """
    A job stays before a block that lost a log, however often it is asked for.
    """
    await rig.monitor()
    await rig.job(1, 30)

    def damage(request, answer):
        if request["params"][0] == hex(20):
            logs = [receipt for receipt in answer["result"] if receipt["logs"]]
            logs[0]["logs"].pop()

    rig.node.alter = altered("eth_getBlockReceipts", damage)
    for _ in range(3):
        await rig.backfill.step()

    assert (await rig.read()).position < 20

    rig.node.heal()
    await rig.settle()

    assert (await rig.problems(1, 30))[0] == []


async def test_rules_with_direction_and_contract(rig):
    """
    Contracts and directions limit a backfill as they limit the live path.
    """
    token = rig.chain.contracts.tokens[0].address
    rules = (Rule(Kind.ERC20, Direction.IN, frozenset({token})),)
    await rig.monitor(actors=slice(10), rules=rules)
    await rig.job(1, 80)

    await rig.settle()

    limits = {"contracts": frozenset({token}), "directions": frozenset({"in"})}
    problems, expected = await rig.problems(
        1, 80, actors=slice(10), kinds=frozenset({"erc20"}), **limits
    )
    assert problems == []
    assert expected > 5
