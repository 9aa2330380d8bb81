import asyncio
import contextvars
import json

from crypitor.database.blocks import confirm_as_of
from crypitor.database.cancellations import cancel_for_monitor
from crypitor.database.monitors import delete_monitor
from crypitor.database.networks import position_of, resume
from crypitor.evm.types import Header
from crypitor.monitor.models import Phase, delivery_id
from tests.monitor.test_match import MONITOR


async def test_a_block_and_its_effect_are_stored_together(chain):
    """
    Header, sequence, match and delivery of a block are there after it was saved.
    """
    saved = await chain.take("a1", matches=2)

    position = await chain.database.read(lambda tx: position_of(tx, "ethereum", 10))
    assert (1, "a1") == (position.sequence, position.tip.hash)
    assert (2, {"ep_1"}) == (saved.new_matches, saved.endpoints)
    assert [("a1", "detected", "pending")] * 2 == await chain.told()


async def test_nothing_is_stored_when_somebody_else_was_faster(chain):
    """
    With a sequence that has passed, neither the header nor a match is stored.
    """
    await chain.take("a1")
    chain.sequence -= 1

    assert await chain.take("a2", parent="a1") is None

    position = await chain.database.read(lambda tx: position_of(tx, "ethereum", 10))
    assert position.tip.hash == "a1"
    assert len(await chain.told()) == 1


async def test_confirmed_when_deep_enough_and_after_detected(chain):
    """
    The block that makes a match three deep confirms it; the news waits until detected has ended.
    """
    for name, parent in (("a1", None), ("a2", "a1"), ("a3", "a2")):
        await chain.take(name, parent, matches=name == "a1")

    assert await chain.told() == [("a1", "detected", "pending"), ("a1", "confirmed", "waiting")]
    body = await chain.database.read(
        lambda tx: tx.value("select body from deliveries where phase = 'confirmed'")
    )
    assert (3, 3) == (
        json.loads(body)["data"]["confirmations"],
        json.loads(body)["data"]["confirmations_required"],
    )


async def test_reverted_is_told_to_those_who_heard_before(chain):
    """
    An orphaned match is reverted, and an endpoint that joined later is not told of it.
    """
    await chain.take("a1", matches=0)
    await chain.take("a2", parent="a1")
    await chain.change("insert into monitor_endpoints values ('mo_1', 'ep_2', 1)")
    await chain.take("b2", parent="a1", matches=0)

    assert await chain.told() == [("a2", "detected", "pending"), ("a2", "reverted", "waiting")]
    assert await chain.told("ep_2") == []


async def test_a_reverted_match_is_never_confirmed(chain):
    """
    Blocks on top of the new branch confirm nothing of the old one.
    """
    await chain.take("a1", matches=0)
    await chain.take("a2", parent="a1")
    for name, parent in (("b2", "a1"), ("b3", "b2"), ("b4", "b3"), ("b5", "b4")):
        await chain.take(name, parent, matches=0)

    assert [phase for _, phase, _ in await chain.told()] == ["detected", "reverted"]


async def test_the_rest_of_a_block_is_stored_behind_its_first_matches(chain):
    """
    Those that are stored already are neither told again nor reverted.
    """
    await chain.take("a1", matches=0)
    await chain.begin("a2", "a1", matches=2)
    saved = await chain.take("a2", "a1", matches=3)

    assert saved.new_matches == 1
    assert await chain.told() == [("a2", "detected", "pending")] * 3


async def test_matches_of_the_release_before_are_known_by_their_ids(chain):
    """
    Their ids did not begin with the place in the chain, and are what receivers were told.
    """
    await chain.take("a1", matches=0)
    await chain.take("a2", "a1", matches=2)
    old = "'ma_' || substr(id, 16)"
    await chain.change(f"update deliveries set match_id = {old.replace('(id', '(match_id')}")
    await chain.change(f"update matches set id = {old}")
    await chain.take("b2", "a1", matches=0)
    saved = await chain.take("a2", "a1", matches=2)

    told = await chain.database.read(
        lambda tx: tx.all("select id, match_id, phase from deliveries")
    )
    ids = {one["match_id"] for one in told}
    assert saved.new_matches == 0
    assert {len(one) for one in ids} == {len("ma_") + 22}
    assert {(one["id"], one["phase"]) for one in told} >= {
        (delivery_id(match, Phase.DETECTED, "ep_1", 1), "detected") for match in ids
    }


async def test_a_block_that_was_only_begun_is_reverted_by_the_one_in_its_place(chain):
    """
    As when the process dies in between, and the chain has another block at that height then.
    """
    await chain.take("a1", matches=0)
    await chain.begin("a2", "a1")
    await chain.take("b2", "a1", matches=0)

    assert await chain.told() == [("a2", "detected", "pending"), ("a2", "reverted", "waiting")]


async def test_a_branch_that_was_only_begun_is_left_for_the_old_one(chain):
    """
    Its first matches are reverted, and those of the old branch detected again.
    """
    await chain.take("a1", matches=0)
    await chain.take("a2", "a1")
    await chain.begin("b2", "a1")
    position = await chain.database.read(lambda tx: position_of(tx, "ethereum", 10))
    await chain.take("a2", "a1")

    assert position.tip.hash == "a1"
    assert [(block, phase) for block, phase, _ in await chain.told()] == [
        ("a2", "detected"),
        ("a2", "reverted"),
        ("b2", "detected"),
        ("b2", "reverted"),
        ("a2", "detected"),
    ]


async def test_what_a_block_confirms_can_be_told_after_it(chain):
    """
    Once, and as it would have been told with the block.
    """
    await chain.take("a1")
    await chain.take("a2", "a1", matches=0)
    effect = chain.effect("a3", "a2", matches=0)
    chain.sequence -= 1
    await chain.take("a3", "a2", matches=0, confirming=False)
    before = await chain.told()
    for _ in range(2):
        await chain.database.write(lambda tx: confirm_as_of(tx, effect.tip))

    assert before == [("a1", "detected", "pending")]
    assert await chain.told() == [*before, ("a1", "confirmed", "waiting")]


async def test_nothing_is_confirmed_as_of_a_block_that_was_left(chain):
    """
    Another block has come since, which confirms what there is.
    """
    await chain.take("a1", required=2)
    effect = chain.effect("a2", "a1", matches=0)
    await chain.take("b2", "a1", matches=0, confirming=False)

    assert await chain.database.write(lambda tx: confirm_as_of(tx, effect.tip)) is None
    assert await chain.told() == [("a1", "detected", "pending")]


async def test_resuming_reverts_what_is_above(chain):
    """
    Above the block that an operator chose matches are reverted, and the chain goes on from there.
    """
    for name, parent in (("a1", None), ("a2", "a1"), ("a3", "a2")):
        await chain.take(name, parent, required=9)
    before = (Header(0, "genesis", "", 0), Header(1, "a1", "genesis", 0))

    reverted = await chain.database.write(
        lambda tx: resume(tx, "ethereum", before=before, now=5000)
    )

    assert reverted == 2
    told = await chain.told()
    assert [one for one in told if one[1] == "reverted"] == [
        ("a2", "reverted", "waiting"),
        ("a3", "reverted", "waiting"),
    ]
    position = await chain.database.read(lambda tx: position_of(tx, "ethereum", 10))
    assert position.headers == before
    assert position.sequence == chain.sequence + 1
    assert await chain.take("b2", "a1") is None  # published before the operator came


async def test_a_network_that_is_not_known_cannot_resume(chain):
    """
    Nothing is stored for it.
    """
    before = (Header(1, "a1", "genesis", 0),)

    assert await chain.database.write(lambda tx: resume(tx, "base", before=before, now=1)) is None


async def test_back_on_the_first_branch_the_match_is_told_again(chain):
    """
    A match whose block comes back is detected again under another id, and confirmed in the end.
    """
    await chain.take("a1", matches=0)
    await chain.take("a2", parent="a1")
    await chain.take("b2", parent="a1", matches=0)
    await chain.take("a2", parent="a1")
    await chain.take("a3", parent="a2", matches=0)
    await chain.take("a4", parent="a3", matches=0)

    assert [phase for _, phase, _ in await chain.told()] == [
        "detected", "reverted", "detected", "confirmed",
    ]  # fmt: skip
    rows = await chain.database.read(lambda tx: tx.all("select phase, returns from matches"))
    assert [("confirmed", 1)] == [(row["phase"], row["returns"]) for row in rows]


async def test_confirmed_by_the_tag_of_the_node(chain):
    """
    A monitor that waits for `finalized` is told when that tag has passed the block.
    """
    await chain.take("a1", required="finalized")
    await chain.take("a2", parent="a1", matches=0, finalized=0, safe=1)
    before = len(await chain.told())
    await chain.take("a3", parent="a2", matches=0, finalized=1)

    assert before == 1
    assert [phase for _, phase, _ in await chain.told()] == ["detected", "confirmed"]


async def test_phases_that_nobody_asked_for_are_not_sent(chain):
    """
    A monitor that notifies of confirmations alone is told of nothing else.
    """
    await chain.change("update monitors set notify = '[\"confirmed\"]'")
    await chain.take("a1")
    await chain.take("a2", parent="a1", matches=0)
    await chain.take("a3", parent="a2", matches=0)

    assert await chain.told() == [("a1", "confirmed", "pending")]


async def test_matches_of_a_monitor_that_is_gone_are_not_stored(chain):
    """
    A monitor that was deleted while its match was on the way gets no match and no delivery.
    """
    await chain.change("delete from monitors")
    saved = await chain.take("a1")

    assert saved.new_matches == 0
    assert await chain.told() == []


async def test_positions_follow_the_order_of_commits(chain):
    """
    Every match has the next position, so that a feed by position misses none.
    """
    await chain.take("a1", matches=3)
    await chain.take("a2", parent="a1", matches=2)

    rows = await chain.database.read(
        lambda tx: tx.all("select position from matches order by block_number, position")
    )
    assert [1, 2, 3, 4, 5] == [row["position"] for row in rows]


async def test_a_match_that_comes_back_is_told_as_it_was(chain):
    """
    What was written of it stays, whatever its monitor and its token are called by now.
    """
    await chain.take("a1", matches=0)
    await chain.take("a2", parent="a1")
    await chain.change("update matches set document = replace(document, 'Treasury', 'As it was')")
    await chain.take("b2", parent="a1", matches=0)
    await chain.take("a2", parent="a1")

    bodies = await chain.database.read(
        lambda tx: tx.all(
            "select body from deliveries where phase = 'detected' order by created_at"
        )
    )
    names = [json.loads(row["body"])["data"]["monitor"]["name"] for row in bodies]
    assert names == ["Treasury", "As it was"]


async def test_each_endpoint_has_the_body_of_its_format(chain):
    """
    In every phase; one that is gone from the monitor is still told in its own.
    """
    await chain.change("update endpoints set format = 'crypitor' where id = 'ep_2'")
    await chain.change("insert into monitor_endpoints values ('mo_1', 'ep_2', 1)")
    await chain.take("a1", matches=0)
    await chain.take("a2", parent="a1", required=2)
    await chain.take("a3", parent="a2", matches=0)
    await chain.change("delete from monitor_endpoints where endpoint_id = 'ep_2'")
    await chain.take("b2", parent="a1", matches=0)

    rows = await chain.database.read(
        lambda tx: tx.all("select endpoint_id, body from deliveries order by created_at")
    )
    told = {"ep_1": [], "ep_2": []}
    for row in rows:
        told[row["endpoint_id"]].append(json.loads(row["body"]))
    assert [body["type"] for body in told["ep_1"]] == [
        "match.detected", "match.confirmed", "match.reverted",
    ]  # fmt: skip
    assert [(b["chain"], b["confirm"], b.get("reverted")) for b in told["ep_2"]] == [
        ("Ethereum", False, None), ("Ethereum", True, None), ("Ethereum", False, True),
    ]  # fmt: skip
    assert len({body["eventId"] for body in told["ep_2"]}) == 1


async def test_a_monitor_deleted_while_its_block_is_stored_leaves_nothing_to_deliver(chain):
    """
    What a block queues while its monitor is being deleted ends as cancelled.
    """
    deleting = []

    async def delete(tx):
        await delete_monitor(tx, MONITOR.project_id, MONITOR.id)
        await cancel_for_monitor(tx, MONITOR.id, 9)

    async def begin_to_delete():
        someone_else = contextvars.Context()
        deleting.append(asyncio.create_task(chain.database.write(delete), context=someone_else))
        await asyncio.wait(deleting, timeout=0.3)

    await chain.take("a1", before_commit=begin_to_delete)
    await deleting[0]

    assert await chain.told() == [("a1", "detected", "cancelled")]


async def test_a_reorg_takes_positions_in_the_order_of_all_others(chain):
    """
    A block that reverts before it stores does not wait for one that only stores, while that waits
    for it.
    """
    await chain.take("a1", matches=0)
    await chain.take("a2", parent="a1")
    reorgs = []

    async def other_chain(tx):
        await tx.run("update counters set value = value where name = 'matches'")
        someone_else = contextvars.Context()
        reorgs.append(asyncio.create_task(chain.take("b2", parent="a1"), context=someone_else))
        await asyncio.wait(reorgs, timeout=0.3)
        await tx.run("update counters set value = value where name = 'deliveries'")

    await chain.database.write(other_chain)
    saved = await reorgs[0]

    assert (saved.new_matches, saved.reverted) == (1, 1)


async def test_a_block_that_waits_for_a_delivery_holds_no_position(chain):
    """
    A sender holds the delivery that it has attempted, and then queues that an endpoint fails:
    neither waits for the other.
    """
    await chain.take("a1", required=2)
    [first] = await chain.database.read(
        lambda tx: tx.all("select id from deliveries where phase = 'detected'")
    )
    blocks = []

    async def sender(tx):
        await tx.run("update deliveries set token = token + 1 where id = :id", id=first["id"])
        someone_else = contextvars.Context()
        taken = chain.take("a2", parent="a1", matches=2)  # its own news, and that a1 is confirmed
        blocks.append(asyncio.create_task(taken, context=someone_else))
        await asyncio.wait(blocks, timeout=0.3)
        await tx.run("update counters set value = value where name = 'deliveries'")

    await chain.database.write(sender)
    saved = await blocks[0]

    assert (saved.new_matches, saved.confirmed) == (2, 1)


async def test_what_is_told_and_confirmed_in_one_block_follows_each_other(chain):
    """
    Though both are queued at once, in the order in which they happened.
    """
    await chain.take("a1", required=1)

    assert await chain.told() == [("a1", "detected", "pending"), ("a1", "confirmed", "waiting")]
    rows = await chain.database.read(
        lambda tx: tx.all("select id, follows from deliveries order by position")
    )
    assert [row["follows"] for row in rows] == [None, rows[0]["id"]]
