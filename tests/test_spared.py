"""Blocks that come with few receipts miss nothing, whatever is asked while they are on their way."""

import asyncio
import random
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from crypitor.database.monitors import insert_monitor
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.monitor.index import Index
from crypitor.monitor.match import find_matches
from crypitor.monitor.matcher import Chain, Matcher
from crypitor.monitor.models import Kind, Rule
from crypitor.monitor.needed import Needed
from crypitor.monitor.position import kept_headers
from crypitor.queue.memory import MemoryQueue
from crypitor.runtime.loop import Health, clock
from crypitor.webhook.message import NetworkTitle
from crypitor.worker import Unobserved
from crypitor.worker.follower import Follower
from crypitor.worker.node import Node
from crypitor.worker.nodes import Nodes
from tests.monitor.test_match import MONITOR
from tests.patience import HANG_SECONDS

NETWORK, CHAIN_ID, DEPTH = "dev", 1337, 8
NATIVE, TOKENS, FAILED = (
    (Rule(Kind.NATIVE),),
    (Rule(Kind.NATIVE), Rule(Kind.ERC20), Rule(Kind.ERC1155)),
    (Rule(Kind.NATIVE, include_failed=True, where="status == 'failed'"), Rule(Kind.TRANSACTION)),
)  # fmt: skip
FEW_AT_FIRST, BLOCKS = 4, 30


class Edited:
    """A monitor whose rules and addresses change; what it asked, and from which block on."""

    def __init__(self, chance, parties):
        self.index = Index()
        self.asked = [(0, NATIVE, set(parties[:3]))]
        self.chance, self._parties = chance, parties
        self._put(self.index, *self.asked[0][1:])

    def change(self, armed_from):
        """Change both at one moment, as the API does."""
        rules = self.chance.choice((NATIVE, NATIVE, TOKENS, FAILED))
        some = set(self.chance.sample(self._parties, len(self._parties) // 2))
        self.index.remove_addresses("mo_1", self.asked[-1][2])
        self._put(self.index, rules, some)
        self.asked.append((armed_from or 0, rules, some))

    def at(self, number):
        """The index as it was in force for a block."""
        index, (_, rules, some) = Index(), [one for one in self.asked if one[0] <= number][-1]
        self._put(index, rules, some)
        return index

    @staticmethod
    def _put(index, rules, some):
        index.put(replace(MONITOR, networks=(NETWORK,), rules=rules))
        index.add_addresses("mo_1", [(address, None) for address in some])


class OnItsWay(MemoryQueue):
    """A queue on whose way something happens to some blocks, before they are matched."""

    def __init__(self, happens):
        super().__init__()
        self.known = []
        self._happens = happens

    async def publish(self, message):
        """Let it happen, and go on."""
        self.known.append(message.block.known)
        self._happens()
        await super().publish(message)


class Rig:
    """A follower and a matcher on one queue and one index, as one process has them."""

    def __init__(self, url, database, edited):
        self.edited = edited
        needed = Needed(edited.index, NETWORK, CHAIN_ID)
        self.node = Node(
            url,
            "node",
            chain_id=CHAIN_ID,
            timeout_seconds=HANG_SECONDS,
            verify="off",
            needed=needed,
        )
        self.nodes = Nodes(NETWORK, [self.node], observer=Unobserved())
        self.queue = queue = OnItsWay(self.edit)
        self.follower = Follower(
            NETWORK, CHAIN_ID, self.nodes, queue, database, start=0, max_reorg_depth=DEPTH,
            window=4, poll_seconds=0.01, clock=clock, health=Health(), observer=Unobserved(),
        )  # fmt: skip
        chain = Chain(NetworkTitle("Dev"), confirmations=3, kept_headers=kept_headers(DEPTH))
        self.matcher = Matcher(
            queue, database, edited.index, {NETWORK: chain}, wake=lambda _: None, clock=clock,
            observer=self, refresh=self._looks,
        )  # fmt: skip

    def block_matched(self, message, matches, tally, saved, seconds):
        pass

    def edit(self):
        """Change what is asked, now and then."""
        if self.edited.chance.random() < 0.3:
            self.edited.change(self.matcher.armed_from(NETWORK))

    async def _looks(self):
        self.edit()

    async def until(self, number):
        async with asyncio.timeout(HANG_SECONDS):
            while (tip := self.matcher.tip(NETWORK)) is None or tip.number < number:
                await asyncio.sleep(0.005)


async def stored(database):
    rows = await database.read(lambda tx: tx.all("select id from matches"))
    return {row["id"] for row in rows}


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_is_missed_or_invented_by_edits_between(database, seed):
    """Each block's matches are those of the whole block by what was asked from it on."""
    chance = random.Random(seed)
    chain = SimulatedChain(seed, chain_id=CHAIN_ID, transfers=(3, 8))
    chain.mine(FEW_AT_FIRST)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(SimulatorServer(chain))
        plain = Node(
            server.url, "plain", chain_id=CHAIN_ID, timeout_seconds=HANG_SECONDS, verify="receipts"
        )
        stack.push_async_callback(plain.close)
        first = [await plain.block(number) for number in range(1, FEW_AT_FIRST + 1)]
        parties = sorted({one.sender for block in first for one in block.transactions})
        edited = Edited(chance, parties)
        await database.write(_prepared)
        rig = Rig(server.url, database, edited)
        await stack.enter_async_context(rig.nodes)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            roles = [
                tasks.create_task(rig.follower.run(stop)),
                tasks.create_task(rig.matcher.run(stop, Health())),
            ]
            for _ in range(BLOCKS):
                chain.mine(1)
                for _ in range(chance.randrange(60)):
                    await asyncio.sleep(0)
            await rig.until(chain.head.number)
            for role in roles:  # one that ends by itself would leave the other waiting for it
                role.cancel()
        whole = [await plain.block(number) for number in range(chain.head.number + 1)]

    expected = {
        match.id
        for block in whole
        for match in find_matches(block, NETWORK, CHAIN_ID, edited.at(block.header.number))
    }
    assert await stored(database) == expected
    assert expected
    assert any(known is None for known in rig.queue.known)
    assert any(known is not None for known in rig.queue.known)


async def _prepared(tx):
    await tx.run("insert into projects (id, name, created_at) values ('pr_1', 'default', 0)")
    await insert_monitor(tx, MONITOR)
