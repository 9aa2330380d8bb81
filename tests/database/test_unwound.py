"""Looks at blocks that a reorg took away, also where headers are forgotten before the looker comes."""

import json
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from crypitor.database.addresses import add_addresses, insert_addresses
from crypitor.database.monitors import insert_monitor, record_changes
from crypitor.database.networks import resume
from crypitor.gauges.kept import Kept, Watched
from crypitor.gauges.looker import Looker
from crypitor.monitor.gauges import Standing, gauges_of, state_rules
from crypitor.monitor.models import Kind, Phase, rule_of
from crypitor.webhook.message import NetworkTitle
from tests.monitor.test_match import MONITOR

ALL_DATABASES = True
ACCOUNT = "0x" + "a1" * 20
RICH, POOR = 9, 1
WATCHED = replace(
    MONITOR,
    id="mo_balance",
    rules=(rule_of(Kind.BALANCE, where="balance < 5", every_blocks=1000),),
    networks=("ethereum",),
    any_address=False,
    endpoints=("ep_1",),
    notify=frozenset(Phase),
)


class Balances:
    """In the place of nodes: what the account has in each block, by the block's hash."""

    def __init__(self, **balances):
        self.balances = balances
        self.before_answer = None

    async def state(self, block_hash, reads):
        if self.before_answer is not None:
            act, self.before_answer = self.before_answer, None
            await act()
        return [f"0x{self.balances[block_hash]:064x}" for _ in reads]

    async def changed(self, _):
        return None  # no lists of what blocks change

    async def header_at(self, _):
        raise AssertionError("nothing here waits for a tag")


class Unobserved:
    def looked(self, *_):
        pass


class Rig:
    """A chain that is given its blocks, and the looker behind it."""

    def __init__(self, chain, nodes):
        self.chain, self.nodes = chain, nodes
        self._looker = self.another()

    def another(self):
        """A looker of another process."""
        return Looker(
            "ethereum",
            1,
            NetworkTitle("Ethereum"),
            self.nodes,
            self.chain.database,
            term=lambda: 1,
            confirmations=3,
            wake=lambda _: None,
            clock=lambda: 5000,
            observer=Unobserved(),
        )

    async def take(self, *names, parent=None, oldest_kept=0, touched=(ACCOUNT,)):
        """Match blocks, each on top of the one before; all of them touch the account."""
        for name in names:
            await self.chain.take(
                name, parent, matches=0, touched=list(touched), oldest_kept=oldest_kept
            )
            parent = name

    async def look(self, looker=None):
        """Look until there is nothing more to do."""
        for _ in range(100):
            if not await (looker or self._looker).step():
                return
        raise AssertionError("the looker comes to no end")

    async def told(self):
        """What the endpoint is told: block and phase, in order."""
        return [(block, phase) for block, phase, _ in await self.chain.told()]


@pytest.fixture
def looking(chain):
    """Begin looks above a block a0, in which nothing is asked."""

    @asynccontextmanager
    async def begin(**balances):
        async def prepare(tx):
            await insert_monitor(tx, WATCHED)
            await insert_addresses(tx, WATCHED.id, [(ACCOUNT, None)])

        await chain.database.write(prepare)
        rig = Rig(chain, Balances(**balances))
        await rig.take("a0")
        await rig.look()
        yield rig

    return begin


async def test_each_block_of_the_new_branch_is_looked_at_though_the_fork_is_forgotten(looking):
    """Its header is not needed: all above it are there, and what became true is told of its block."""
    async with looking(a1=RICH, a2=POOR, b2=RICH, b3=POOR, b4=POOR, b5=RICH) as rig:
        await rig.take("a1", "a2", parent="a0")
        await rig.look()
        await rig.take("b2", "b3", "b4", "b5", parent="a1", oldest_kept=3)
        await rig.look()

        assert await rig.told() == [
            ("a2", "detected"), ("a2", "reverted"), ("b3", "detected"), ("b3", "confirmed"),
        ]  # fmt: skip


async def test_what_was_read_in_a_forgotten_block_of_the_old_branch_does_not_count(looking):
    """An alarm that was retracted is told anew, in the oldest block that is still known."""
    async with looking(a1=RICH, a2=POOR, b5=POOR, b6=POOR) as rig:
        await rig.take("a1", "a2", parent="a0")
        await rig.look()
        await rig.take("b2", "b3", "b4", "b5", "b6", parent="a1", oldest_kept=6)
        await rig.look()

        assert await rig.told() == [("a2", "detected"), ("a2", "reverted"), ("b5", "detected")]


async def test_an_end_in_a_forgotten_block_of_the_old_branch_is_not_told(looking):
    """The match has not ended on the chain that there is."""
    async with looking(a1=POOR, a2=RICH, b5=POOR, b6=POOR) as rig:
        await rig.take("a1", "a2", parent="a0")
        await rig.look()
        await rig.take("b2", "b3", "b4", "b5", "b6", parent="a1", oldest_kept=6)
        await rig.look()

        assert await rig.told() == [("a1", "detected"), ("a1", "confirmed")]


async def test_what_ended_in_a_block_that_was_forgotten_unseen_ends_in_the_oldest_known(looking):
    """Blocks that are gone before they were looked at are passed over, and none that is there."""
    async with looking(a1=POOR, a4=RICH, a5=POOR, a6=POOR) as rig:
        await rig.take("a1", parent="a0")
        await rig.look()
        await rig.take("a2", "a3", "a4", "a5", "a6", parent="a1", oldest_kept=5)
        await rig.look()

        assert await rig.told() == [
            ("a1", "detected"), ("a1", "confirmed"), ("a1", "ended"), ("a5", "detected"),
        ]  # fmt: skip


async def test_a_branch_that_went_and_came_back_during_a_look_is_looked_at_anew(looking):
    """The match was retracted meanwhile: that it is true again has to be told."""
    async with looking(a1=RICH, a2=POOR, a3=POOR, b2=RICH) as rig:
        await rig.take("a1", "a2", parent="a0")
        await rig.look()
        await rig.take("a3", parent="a2")

        async def there_and_back():
            await rig.take("b2", parent="a1")
            await rig.take("a2", "a3", parent="a1")

        rig.nodes.before_answer = there_and_back
        await rig.look()  # what was answered is not of the next block any more
        await rig.look()

        assert await rig.told() == [("a2", "detected"), ("a2", "reverted"), ("a2", "detected")]


async def test_where_an_operator_goes_back_looks_go_back_as_well(looking):
    """What was read above the block is forgotten with what was told of it."""
    async with looking(a1=RICH, a2=POOR, b2=POOR) as rig:
        await rig.take("a1", "a2", parent="a0")
        await rig.look()
        chain = rig.chain
        before = (chain.headers["a0"], chain.headers["a1"])
        await chain.database.write(lambda tx: resume(tx, "ethereum", before=before, now=5000))
        chain.sequence += 1
        await rig.take("b2", parent="a1")
        await rig.look()

        assert await rig.told() == [("a2", "detected"), ("a2", "reverted"), ("b2", "detected")]


async def test_what_another_process_saw_meanwhile_is_not_told_again(looking):
    """What is kept in memory counts only after the block of which it is."""
    async with looking(a1=RICH, a2=POOR, a3=POOR, a4=POOR) as rig:
        await rig.take("a1", parent="a0")
        await rig.look()
        await rig.take("a2", parent="a1")
        await rig.look(rig.another())
        await rig.take("a3", "a4", parent="a2")
        await rig.look()

        assert await rig.told() == [("a2", "detected"), ("a2", "confirmed")]


async def test_a_changed_label_is_told_with_the_next_match(looking):
    """An account that was looked at before is read anew after each change of its monitor."""
    async with looking(a1=RICH, a2=RICH, a3=POOR) as rig:
        await rig.take("a1", "a2", parent="a0")
        await rig.look()

        async def label(tx):
            await add_addresses(tx, WATCHED.id, {ACCOUNT: "payouts"})
            await record_changes(tx, [WATCHED.id])

        await rig.chain.database.write(label)
        await rig.take("a3", parent="a2")
        await rig.look()
        told = await rig.chain.database.read(lambda tx: tx.value("select document from matches"))

        assert json.loads(told)["label"] == "payouts"


def test_who_was_read_first_makes_room_for_others():
    """What is kept is bounded; whose gauges are not kept is read from the database."""
    kept = Kept(most=3)
    [gauge] = gauges_of(WATCHED, state_rules(WATCHED)[0], "ethereum", [(ACCOUNT, None)])
    kept.begin(1, "0xa1")
    for subject, count in (("0x1", 1), ("0x2", 2), ("0x1", 2), ("0x3", 1)):
        kept.put(subject, [Watched(gauge, gauge.read, Standing())] * count)

    assert sorted(kept.subjects(1, "0xa1")) == ["0x1", "0x3"]
    assert not kept.subjects(2, "0xa1")
    assert not kept.subjects(1, "0xb1")
