"""Monitors tried on a simulated chain: what they would match, and that nothing comes of it."""

import asyncio
import json

import pytest

from crypitor.backfill.trial import MOST_MATCHES, Trial
from crypitor.errors import NodeUnavailable
from crypitor.monitor.models import Direction, Kind, rule_of
from tests.ahead import go_ahead
from tests.backfill.conftest import CHAIN_ID, NETWORK, NOBODY
from tests.patience import HANG_SECONDS
from tests.worker.faulty import altered

TABLES = ("matches", "deliveries", "tokens", "addresses", "jobs", "changes")
ALL = slice(None)
TOKENS = tuple(map(rule_of, (Kind.ERC20, Kind.ERC721, Kind.ERC1155)))


@pytest.fixture
async def trial(rig):
    """What tries monitors of the simulated chain, through a node that can misbehave."""
    async with rig._nodes(rig.node.url) as nodes:
        yield patient(rig, nodes)


def patient(rig, nodes, **options):
    return Trial(
        NETWORK,
        CHAIN_ID,
        nodes,
        rig.database,
        traced=False,
        **{"requests_per_second": 1e6, "seconds": HANG_SECONDS, **options},
    )


async def stored(rig, *tables):
    return {table: await rig.rows(f"select * from {table}") for table in tables or TABLES}


@pytest.mark.parametrize("rules", [None, TOKENS], ids=["whole blocks", "by logs"])
async def test_blocks_have_the_matches_that_the_live_path_stored(rig, trial, rules):
    """
    What is tried on the whole chain is what the live path matched, also of a disabled monitor.
    """
    changes = {"enabled": False, **({"rules": rules} if rules else {})}
    tried = await rig.monitor(name="mo_1", **changes)
    await rig.monitor(name="mo_2", live=True, **({"rules": rules} if rules else {}))
    rig.chain.mine(60)
    await rig.live()
    before = await stored(rig)
    head = await trial.head()
    answer = await trial.blocks(tried, range(81, head + 1))

    live = [json.loads(row["document"]) for row in before["matches"]]
    wanted = [(match["block"]["number"], match["direction"], match["kind"]) for match in live]
    got = [(m.header.number, m.direction, m.subject.kind) for m in answer.matches]
    assert sorted(wanted)[:5] != []
    assert (answer.complete, answer.blocks, answer.count) == (True, head - 80, len(live))
    assert (
        sorted(got) == sorted(wanted)[: len(got)] if len(live) <= MOST_MATCHES else len(got) == 100
    )
    assert sum(blocks for blocks, _ in answer.days.values()) == answer.blocks
    assert sum(matches for _, matches in answer.days.values()) == answer.count
    assert await stored(rig) == before


async def test_addresses_are_looked_up_and_not_loaded(rig, trial):
    """
    Of a monitor with thousands of addresses only the parties of the blocks are asked for.
    """
    monitor = await rig.monitor(actors=ALL)
    many = [(f"0x{number:040x}", None) for number in range(20_000)]
    await rig.database.write(lambda tx: insert(tx, many))
    asked = []
    read = rig.database.read

    class Counting:
        async def read(self, work):
            found = await read(work)
            asked.append(len(found))
            return found

    trial._database = Counting()
    answer = await trial.blocks(monitor, range(70, 81))

    assert answer.count > 0
    assert max(asked) < 200


async def insert(tx, pairs):
    from crypitor.database.addresses import insert_addresses

    await insert_addresses(tx, "mo_1", pairs)


async def test_a_transaction_is_explained_rule_by_rule(rig, trial):
    """
    A transfer's sender matches the rule for out, not the one for in, and strangers match none.
    """
    rules = (
        rule_of(Kind.NATIVE, direction=Direction.OUT),
        rule_of(Kind.NATIVE, direction=Direction.IN, where="amount < 0"),
    )
    monitor = await rig.monitor(actors=ALL, rules=rules)
    nobody = await rig.monitor(actors=NOBODY, rules=rules, name="mo_2")
    blocks = await trial.blocks(monitor, range(1, 81))
    moved = next(
        match for match in blocks.matches if match.subject.receiver != match.subject.sender
    )
    name = moved.transaction.hash
    tried = await trial.transaction(monitor, name)
    strangers = await trial.transaction(nobody, name)

    assert [match.id for match in tried.matches] == [moved.id]
    assert [rule.matched for rule in tried.rules] == [1, 0]
    assert [[r.obstacle for r in each.reasons] for each in tried.rules[0].findings] in (
        [[], ["direction"]], [[], ["direction", "party"]],
    )  # fmt: skip
    assert tried.rules[1].findings[-1].where.parts[0].values == {"amount": moved.subject.amount}
    assert strangers.matches == []
    assert "party" in [reason.obstacle for reason in strangers.rules[0].findings[0].reasons]


async def test_a_transaction_that_no_node_knows(rig, trial):
    """
    An unknown transaction is none; one without a block is pending.
    """
    monitor = await rig.monitor()
    unknown = await trial.transaction(monitor, "0x" + "7" * 64)
    known = rig.chain.by_number(70).transactions[0].signed

    def unmined(_request, answer):
        answer["result"]["blockNumber"] = answer["result"]["blockHash"] = None

    rig.node.alter = altered("eth_getTransactionByHash", unmined)
    pending = await trial.transaction(monitor, known.hash)

    assert (unknown, pending) == (None, "pending")


async def test_another_transaction_than_asked_for_is_not_believed(rig, trial):
    """
    A node that answers about another transaction, or of a block without it, is not believed.
    """
    monitor = await rig.monitor()
    known = rig.chain.by_number(70).transactions[0].signed.hash
    for lie in ({"hash": "0x" + "8" * 64}, {"blockNumber": "0x1"}):
        rig.node.alter = altered(
            "eth_getTransactionByHash", lambda _, answer, lie=lie: answer["result"].update(lie)
        )
        with pytest.raises(NodeUnavailable):
            await trial.transaction(monitor, known)


async def test_what_there_is_no_time_for_is_left_out(rig, trial):
    """
    When the time is over, what was looked at is told, whole parts of it; nothing at all is 503.
    """
    monitor = await rig.monitor()
    asked = []

    def slow(requests, answers):
        asked.append(requests)
        rig.node.hanging = len(asked) > 20

    async def until_time_is_over():
        """Try blocks while the node hangs, until there is no time left."""
        trying = asyncio.create_task(trial.blocks(monitor, range(1, 81)))
        before = len(rig.node.posts)
        while not rig.node.hanging or len(rig.node.posts) == before:
            await asyncio.sleep(0)
        go_ahead(HANG_SECONDS)
        return await trying

    rig.node.alter = slow
    tried = await until_time_is_over()
    with pytest.raises(NodeUnavailable, match=rf"not one block within {HANG_SECONDS:g} s"):
        await until_time_is_over()

    assert not tried.complete
    assert tried.blocks == 16
    assert [header.number for header in tried.headers] == [1, 16]


async def test_trials_wait_for_each_other(rig, trial):
    """
    Two trials of a network ask its node at once; a third waits, and has its turn.
    """
    monitor = await rig.monitor()
    rig.node.hanging = True
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(trial.blocks(monitor, range(70, 72))) for _ in range(3)]
        while len(rig.node.posts) < 4:
            await asyncio.sleep(0)
        waiting = trial._turns.locked()
        rig.node.heal()

    assert waiting
    assert [task.result().blocks for task in tasks] == [2, 2, 2]
