import asyncio
import contextlib
import itertools
import random
import re

import pytest

from crypitor.database.networks import ask_rewind, headers, resume, rewind_asked
from crypitor.development.simulator.chain import Branch, SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.errors import BrokerUnavailable, ConfigError, NodeUnavailable, Unproven
from crypitor.queue.memory import MemoryQueue
from crypitor.worker import Unobserved
from crypitor.worker.beginning import headers_below
from crypitor.worker.fork import LONG_FORK, PATIENCE_MS
from crypitor.worker.halt import LOOK_MS
from crypitor.worker.status import MOST_REORGS
from tests.patience import HANG_SECONDS
from tests.worker.faulty import FaultyNode, Upstream, altered, unprovable
from tests.worker.following import KEPT, MAX_REORG_DEPTH, NETWORK, Rig


@pytest.fixture
async def rig(database, faulty):
    """A follower of the whole chain, through a node that can be broken."""
    async with Rig(database, faulty.url) as rig:
        yield rig


def kept(chain):
    """The newest hashes of the chain, as many as are kept."""
    return chain.canonical()[-KEPT:]


def numbers(rig):
    return [message.block.header.number for message in rig.consumer.taken]


def linked(messages):
    """Whether each message's block stands on the one before."""
    return all(
        one.block.header.is_parent_of(two.block.header) for one, two in itertools.pairwise(messages)
    )


# Where it begins


async def test_begins_at_the_head(chain, database, faulty):
    """With `latest`, the head is the first block that is published."""
    async with Rig(database, faulty.url, start="latest") as rig:
        await rig.settle()

        assert numbers(rig) == [10]
        assert rig.follower.status.tip.hash == chain.head.hash


async def test_begins_at_a_height(chain, database, faulty):
    """With a number, that block is the first one, and all up to the head follow."""
    async with Rig(database, faulty.url, start=4) as rig:
        await rig.settle()

        assert numbers(rig) == [*range(4, 11)]


async def test_begins_at_genesis(rig, chain):
    """Block 0 can be the first one."""
    await rig.settle()

    assert numbers(rig) == [*range(11)]
    assert await rig.consumer.hashes() == kept(chain)


async def test_waits_for_a_first_block_above_the_head(chain, database, faulty):
    """A start that the chain has not reached is waited for."""
    async with Rig(database, faulty.url, start=13) as rig:
        await rig.settle()
        chain.mine(2)
        await rig.settle()
        assert numbers(rig) == []

        chain.mine(2)
        await rig.settle()

        assert numbers(rig) == [13, 14]


async def test_goes_on_after_a_restart(rig, chain):
    """A new process goes on from what was matched, not from its configuration."""
    await rig.settle()
    await rig.restart(start="latest")
    chain.mine(3)

    await rig.settle()

    assert numbers(rig) == [11, 12, 13]


async def test_publishes_again_what_was_not_matched(rig, chain):
    """What was published and not matched when the process died is published again."""
    for _ in range(6):
        await rig.follower.step()
    await rig.restart()

    await rig.settle()

    assert await rig.consumer.hashes() == kept(chain)


async def test_sequences_grow_over_restarts(rig, chain):
    """Later processes have higher sequences, whatever the earlier ones published."""
    await rig.settle()
    before = [message.sequence for message in rig.consumer.taken]
    await rig.restart()
    chain.mine(2)

    await rig.settle()

    after = [message.sequence for message in rig.consumer.taken]
    assert [*before, *after] == sorted({*before, *after})


async def test_refuses_a_network_that_was_another_chain(rig, database, faulty):
    """The same name for another chain is a mistake of the configuration."""
    await rig.settle()
    async with Rig(database, faulty.url, chain_id=5) as other:
        with pytest.raises(ConfigError, match="chain_id"):
            await other.follower.open()


# What it publishes


async def test_publishes_each_new_block(rig, chain):
    """Each block that is mined is published once."""
    await rig.settle()
    for _ in range(3):
        chain.mine()
        await rig.settle()

    assert rig.consumer.told == [*range(14)]


async def test_says_when_and_with_which_tags(rig, chain):
    """A message carries the time at which the block came and the node's tags."""
    await rig.settle()
    chain.mine()
    rig.clock.now += 12_345
    await rig.settle()

    message = rig.consumer.taken[-1]
    assert message.seen_at == rig.clock.now
    assert (message.safe, message.finalized) == (chain.safe.number, chain.finalized.number)
    assert (message.network, message.chain_id) == (NETWORK, chain.chain_id)


async def test_rests_when_there_is_nothing_new(rig, faulty):
    """With nothing new, one step is one request, and says that there was nothing to do."""
    await rig.settle()
    faulty.posts.clear()

    assert await rig.follower.step() is False
    assert len(faulty.posts) == 1


async def test_publishes_again_after_an_outage_of_the_broker(database, faulty, chain):
    """A block that the queue did not take is published by the next step."""

    class Refusing(MemoryQueue):
        refusals = 3

        async def publish(self, message):
            if message.block.header.number == 5 and self.refusals:
                self.refusals -= 1
                raise BrokerUnavailable("down")
            await super().publish(message)

    async with Rig(database, faulty.url, queue=Refusing(1000)) as rig:
        outages = 0
        while True:
            try:
                await rig.settle()
                break
            except BrokerUnavailable:
                outages += 1

        assert outages == 3
        assert numbers(rig) == [*range(11)]


# Reorgs


@pytest.mark.parametrize("depth", range(1, MAX_REORG_DEPTH + 1))
async def test_follows_a_reorg(rig, chain, depth):
    """A reorg of any depth up to the limit ends with the node's chain."""
    await rig.settle()
    chain.reorg(depth)

    await rig.settle()

    assert await rig.consumer.hashes() == kept(chain)
    assert rig.follower.status.last_reorg.depth == depth
    assert rig.follower.status.last_reorg.ancestor == 10 - depth


async def test_the_newest_reorgs_are_remembered(rig, chain):
    """With their depths, the newest last; no more than are shown."""
    await rig.settle()
    depths = [1 + number % MAX_REORG_DEPTH for number in range(MOST_REORGS + 2)]
    for depth in depths:
        chain.reorg(depth)
        await rig.settle()

    assert [reorg.depth for reorg in rig.follower.status.reorgs] == depths[2:]
    assert rig.follower.status.last_reorg == rig.follower.status.reorgs[-1]


@pytest.mark.parametrize("length", [1, 2, 3])
async def test_follows_a_reorg_to_a_branch_that_is_not_longer(rig, chain, length):
    """A branch that is shorter than ours, or as long, is followed without waiting for more."""
    await rig.settle()
    chain.reorg(3, length)

    await rig.settle()

    assert (await rig.consumer.hashes())[-1] == chain.head.hash
    assert rig.follower.status.tip.number == 7 + length


async def test_follows_a_reorg_back_to_the_first_branch(rig, chain):
    """Blocks that left the chain and come back are published again."""
    await rig.settle()
    first = [chain.by_number(number) for number in (8, 9, 10)]
    chain.reorg(3)
    await rig.settle()
    assert chain.adopt(Branch(chain.head.hash, 4, (*first,)))
    chain.mine(2)

    await rig.settle()

    assert await rig.consumer.hashes() == kept(chain)
    assert [message.block.header.hash for message in rig.consumer.taken].count(first[0].hash) == 2


async def test_follows_nested_reorgs(rig, chain):
    """A branch that is left while it is being followed is left in turn."""
    await rig.settle()
    chain.reorg(5)
    for _ in range(3):
        await rig.follower.step()
    chain.reorg(4)
    await rig.follower.step()
    chain.reorg(6, 2)

    await rig.settle()

    assert (await rig.consumer.hashes())[-1] == chain.head.hash


async def test_follows_a_reorg_of_the_first_block(chain, database, faulty):
    """A reorg that goes below the first published block finds its ancestor: it was stored."""
    async with Rig(database, faulty.url, start="latest") as rig:
        await rig.settle()
        chain.reorg(4)

        await rig.settle()

        assert numbers(rig) == [10, 7, 8, 9, 10, 11]
        assert rig.follower.status.state == "following"


async def test_follows_a_reorg_after_a_restart(rig, chain):
    """A reorg that happened while nobody watched is found from the stored headers."""
    await rig.settle()
    await rig.restart()
    chain.reorg(MAX_REORG_DEPTH)

    await rig.settle()

    assert await rig.consumer.hashes() == kept(chain)


@pytest.mark.parametrize("restarted", [False, True])
async def test_the_depth_counts_from_the_tip(rig, chain, restarted):
    """A chain that gets shorter with each reorg of the greatest depth stops no network."""
    chain.mine(20)
    await rig.settle()
    for _ in range(2):
        chain.reorg(MAX_REORG_DEPTH, MAX_REORG_DEPTH // 2)
        if restarted:
            await rig.restart()
        await rig.settle()
    chain.reorg(MAX_REORG_DEPTH, MAX_REORG_DEPTH + 1)
    await rig.settle()

    assert rig.follower.status.state == "following"
    assert (await rig.consumer.hashes())[-1] == chain.head.hash
    assert rig.follower.status.last_reorg.depth == MAX_REORG_DEPTH


async def test_stops_at_a_reorg_that_is_too_deep(rig, chain, capsys):
    """Beyond the limit this network stops: one error line, a trouble in the health, no end."""
    await rig.settle()
    chain.reorg(MAX_REORG_DEPTH + 1)
    before = len(rig.consumer.told)

    for _ in range(3):
        await rig.settle()

    assert len(rig.consumer.told) == before
    assert rig.follower.status.state == "stopped"
    assert "crypitor network resume" in rig.follower.status.trouble
    assert "max_reorg_depth" in rig.health.troubles[f"worker {NETWORK} reorg"]
    assert capsys.readouterr().out.count("network stopped") == 1


async def test_goes_on_when_the_old_branch_comes_back(rig, chain):
    """A stopped network looks now and then, and goes on by itself if its branch is there again."""
    await rig.settle()
    orphaned = [chain.by_number(number) for number in range(2, 11)]
    chain.reorg(MAX_REORG_DEPTH + 1)
    await rig.settle()
    chain.adopt(Branch(chain.head.hash, MAX_REORG_DEPTH + 2, (*orphaned,)))
    chain.mine()
    rig.clock.now += LOOK_MS

    await rig.settle()

    assert await rig.consumer.hashes() == kept(chain)
    assert rig.health.troubles == {}
    assert rig.follower.status.state == "following"


async def test_resumes_above_a_block_that_an_operator_chose(rig, chain, database):
    """After a reorg that is too deep, matching goes on above the block that was given."""
    await rig.settle()
    chain.reorg(MAX_REORG_DEPTH + 1)
    await rig.settle()

    before = await headers_below(2, MAX_REORG_DEPTH, rig.nodes)
    await database.write(lambda tx: resume(tx, NETWORK, before=before, now=1))
    rig.clock.now += 1000
    await rig.settle()

    assert await rig.consumer.hashes() == kept(chain)
    assert rig.health.troubles == {}
    assert numbers(rig)[11:] == [*range(2, chain.head.number + 1)]


async def test_resumes_after_a_restart(rig, chain, database):
    """The service need not run while an operator decides."""
    await rig.settle()
    chain.reorg(MAX_REORG_DEPTH + 1)
    await rig.settle()
    before = await headers_below(2, MAX_REORG_DEPTH, rig.nodes)
    await database.write(lambda tx: resume(tx, NETWORK, before=before, now=1))

    await rig.restart()
    await rig.settle()

    assert await rig.consumer.hashes() == kept(chain)


async def test_headers_below_must_be_linked(rig, chain, faulty):
    """Headers that changed while they were read are no beginning."""
    faulty.alter = altered(
        "eth_getBlockByNumber",
        lambda request, answer: (
            answer["result"].update(hash="0x" + "ab" * 32)
            if request["params"][0] == hex(5)
            else None
        ),
    )

    with pytest.raises(NodeUnavailable, match="not linked"):
        await headers_below(8, 6, rig.nodes)


async def test_goes_on_from_a_deep_reorg_when_it_is_told_to(rig, chain, database, capsys):
    """After a rewind was asked for, it looks again, and says from where: the branch may be back."""
    await rig.settle()
    orphaned = [chain.by_number(number) for number in range(2, 11)]
    chain.reorg(MAX_REORG_DEPTH + 1)
    await rig.settle()
    chain.adopt(Branch(chain.head.hash, MAX_REORG_DEPTH + 2, (*orphaned,)))
    chain.mine()

    await database.write(lambda tx: ask_rewind(tx, NETWORK))
    rig.clock.now += 1000
    await rig.settle()

    assert await rig.consumer.hashes() == kept(chain)
    assert rig.health.troubles == {}
    assert re.search(r"going back to the last matched block .*tip=10\b", capsys.readouterr().out)


# Nodes that are wrong


def head_at(chain, number):
    """An `alter` of a backend whose head is `number`."""

    def change(request, answer):
        place = request["params"][0]
        if place == "latest":
            header = chain.by_number(number)
            answer["result"].update(
                number=hex(number), hash=header.hash, parentHash=header.parent_hash
            )
        elif place.startswith("0x") and int(place, 16) > number:
            answer["result"] = None

    return altered("eth_getBlockByNumber", change)


@pytest.mark.parametrize("behind", [1, 3, MAX_REORG_DEPTH])
async def test_a_head_that_jumps_back_is_no_reorg(rig, chain, faulty, behind):
    """A load balancer's backend that lags shows a lower head of the same chain: nothing happens."""
    await rig.settle()
    faulty.alter = head_at(chain, 10 - behind)
    before = list(rig.consumer.told)

    await rig.settle()

    assert rig.consumer.told == before
    assert rig.follower.status.last_reorg is None
    assert rig.follower.status.tip.number == 10


async def test_a_head_far_below_is_an_outage(rig, chain, faulty):
    """A node that is further behind than what is kept cannot be judged: it is unavailable."""
    await rig.settle()
    faulty.alter = head_at(chain, 10 - MAX_REORG_DEPTH - 1)

    with pytest.raises(NodeUnavailable, match="below what was published"):
        await rig.follower.step()


async def test_waits_for_a_node_that_is_down(rig, chain, faulty):
    """Blocks that were mined while the node was down are published when it is back."""
    await rig.settle()
    await faulty.stop()
    chain.mine(5)
    with pytest.raises(NodeUnavailable):
        await rig.follower.step()
    await faulty.start()

    await rig.settle()

    assert rig.consumer.told == [*range(16)]


async def test_goes_on_with_another_node(database, chain, server):
    """When the first node goes, the second one serves the next block."""
    async with (
        FaultyNode(server.url) as first,
        FaultyNode(server.url) as second,
        Rig(database, first.url, second.url) as rig,
    ):
        await rig.settle()
        await first.stop()
        chain.mine(2)

        await rig.settle()

        assert numbers(rig) == [*range(13)]
        assert [one.state for one in rig.follower.status.nodes] == ["failing", "active"]


async def test_never_passes_over_a_block_that_cannot_be_proven(rig, chain, faulty):
    """A block that nobody can prove is waited for; nothing after it is published."""
    await rig.settle()
    chain.mine(4)

    faulty.alter = unprovable(12)
    for _ in range(3):
        with pytest.raises(Unproven):
            await rig.settle()
    assert numbers(rig)[-1] == 11

    faulty.heal()
    await rig.settle()

    assert numbers(rig) == [*range(15)]


async def test_says_what_it_waits_for(rig, chain, faulty):
    """The status shows the block that cannot be proven, and ends when it can."""
    await rig.settle()
    chain.mine()
    faulty.alter = unprovable()
    with pytest.raises(Unproven):
        await rig.settle()
    waiting = rig.follower.status

    faulty.heal()
    await rig.settle()

    assert waiting.state == "waiting"
    assert "block 11" in waiting.trouble
    assert (waiting.head.number, waiting.behind, waiting.seconds_to_head) == (11, 1, None)
    assert (rig.follower.status.state, rig.follower.status.trouble) == ("following", None)


@pytest.fixture
async def elsewhere(chain):
    """A chain with the same id and another history, and its node."""
    other = SimulatedChain(99, chain_id=chain.chain_id, transfers=(1, 2))
    other.mine(30)
    async with SimulatorServer(other) as server:
        yield server


async def test_a_foreign_node_does_not_stop_the_network(database, server, chain, elsewhere):
    """A long fork that only one node shows is not believed while the other one knows better."""
    upstream = Upstream(server.url)
    async with (
        upstream,
        FaultyNode(server.url) as sound,
        Rig(database, upstream.url, sound.url) as rig,
    ):
        await rig.settle()
        upstream.url_of_answers = elsewhere.url
        chain.mine(3)
        for _ in range(6):
            with contextlib.suppress(NodeUnavailable):
                await rig.settle()

        assert rig.follower.status.state == "following"
        assert await rig.consumer.hashes() == kept(chain)
        assert rig.follower.status.last_reorg is None
        assert rig.follower.status.nodes[0].state == "failing"


async def test_a_long_reorg_that_all_nodes_show_is_believed(database, chain, server):
    """What the other node confirms is a reorg, however long."""
    async with (
        FaultyNode(server.url) as first,
        FaultyNode(server.url) as second,
        Rig(database, first.url, second.url) as rig,
    ):
        await rig.settle()
        chain.reorg(MAX_REORG_DEPTH)
        await rig.settle()

        assert await rig.consumer.hashes() == kept(chain)
        assert [node.error for node in rig.follower.status.nodes] == [None, None]


async def test_a_sibling_that_stands_still_does_not_hold_up_a_reorg(database, chain, server):
    """A node that keeps our branch, and never shows a block on it, is not believed for ever."""
    async with (
        FaultyNode(server.url) as first,
        FaultyNode(server.url) as stuck,
        Rig(database, first.url, stuck.url) as rig,
    ):
        await rig.settle()
        old = {block.number: block for block in map(chain.by_number, range(11))}
        stuck.alter = stuck_at(old)
        chain.reorg(LONG_FORK)
        chain.mine(2)
        await rig.settle()
        assert rig.follower.status.last_reorg is None
        rig.clock.now += PATIENCE_MS
        rig.pass_seconds(PATIENCE_MS / 1000)

        await rig.settle()

        assert rig.follower.status.last_reorg.depth == LONG_FORK
        assert await rig.consumer.hashes() == kept(chain)


def stuck_at(blocks):
    """An `alter` of a node whose head and headers stay what they were."""

    def change(request, answer):
        place = request["params"][0]
        if place in ("safe", "finalized"):
            return
        number = max(blocks) if place == "latest" else int(place, 16)
        if number not in blocks:
            answer["result"] = None
        elif not request["params"][1]:
            answer["result"] = {
                "number": hex(number), "hash": blocks[number].hash,
                "parentHash": blocks[number].parent_hash, "timestamp": hex(blocks[number].timestamp),
            }  # fmt: skip

    return altered("eth_getBlockByNumber", change)


# Catching up


async def test_tells_how_far_it_is(database, faulty, chain):
    """While catching up the status has blocks behind, their rate, and an estimate."""
    chain.mine(30)
    async with Rig(database, faulty.url) as rig:
        for _ in range(20):
            rig.clock.now += 50
            await rig.follower.step()
        status = rig.follower.status

        assert status.state == "catching up"
        assert status.behind == 40 - status.tip.number > 0
        assert status.blocks_per_second == pytest.approx(20, rel=0.2)
        assert status.seconds_to_head > 0


async def test_logs_where_a_catch_up_begins_and_ends(database, faulty, chain, capsys):
    """One line at its beginning, one every ten seconds with the rate, one at its end."""
    chain.mine(30)
    async with Rig(database, faulty.url) as rig:
        while rig.follower.status.behind != 0:
            rig.clock.now += 500
            await rig.follower.step()
        chain.mine(2)
        await rig.settle()

    said = capsys.readouterr().out
    lines = [line for line in said.splitlines() if "catching up" in line]
    assert ["seconds_to_head" in line for line in lines] == [False, True]
    assert said.count("caught up") == 1


async def test_looks_at_several_blocks_at_once(database, faulty, chain):
    """Far behind the head, up to `window` blocks are under way, and are published in order."""
    chain.mine(30)
    under_way, most = 0, 0
    original = faulty._post

    async def counted(request):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(random.random() / 100)
        try:
            return await original(request)
        finally:
            under_way -= 1

    await faulty.stop()
    faulty._post = counted
    await faulty.start()
    async with Rig(database, faulty.url, window=6) as rig:
        await rig.settle()

        assert rig.consumer.told == [*range(41)]
        assert linked(rig.consumer.taken)
        assert 3 < most <= 6


async def test_a_failure_while_catching_up_leaves_no_gap(rig, chain, faulty):
    """Blocks that could not be had ahead of time are had when it is their turn."""
    chain.mine(30)
    broken = {12, 13, 20}

    def once(request, answer):
        number = int(request["params"][0], 16)
        if number in broken:
            broken.remove(number)
            answer["result"][0]["cumulativeGasUsed"] = "0x1"

    faulty.alter = altered("eth_getBlockReceipts", once)
    for _ in range(4):
        try:
            await rig.settle()
        except Unproven:
            continue

    assert broken == set()
    assert rig.consumer.told == [*range(41)]


async def test_a_reorg_while_catching_up(rig, chain):
    """Blocks that were looked at ahead of time and left the chain meanwhile are dropped."""
    chain.mine(30)
    for _ in range(20):
        await rig.follower.step()
    chain.reorg(25)

    await rig.settle()

    assert await rig.consumer.hashes() == kept(chain)


async def test_leaves_nothing_under_way(rig, chain):
    """After `close` no task of the follower is left."""
    chain.mine(30)
    for _ in range(3):
        await rig.follower.step()

    await rig.follower.close()

    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("look")] == []


# Rewinds


async def test_goes_back_for_a_message_that_was_lost(rig, chain, database):
    """A block that got lost on the queue is published again, once the matcher asked for it."""
    rig.consumer.losing = {6}
    await rig.settle()
    assert (await rig.consumer.hashes())[-1] == chain.by_number(5).hash

    rig.clock.now += 1000
    await rig.settle()

    assert await rig.consumer.hashes() == kept(chain)
    assert not await database.read(lambda tx: rewind_asked(tx, NETWORK))


async def test_looks_for_a_rewind_once_a_second(rig, database, chain):
    """Within a second the database is not asked again."""
    await rig.settle()
    await database.write(lambda tx: ask_rewind(tx, NETWORK))
    rig.clock.now += 999
    await rig.settle()
    assert await database.read(lambda tx: rewind_asked(tx, NETWORK))

    rig.clock.now += 1
    await rig.settle()

    assert not await database.read(lambda tx: rewind_asked(tx, NETWORK))


# The role


async def run_until(rig, condition):
    """Run the role until something is true; return how it ended."""
    stop = asyncio.Event()
    async with asyncio.timeout(HANG_SECONDS), asyncio.TaskGroup() as tasks:
        tasks.create_task(rig.follower.run(stop))
        while not condition():
            await rig.consumer.take()
            await asyncio.sleep(0.005)
        stop.set()


async def test_wakes_at_a_new_head(database, server, chain):
    """With a WebSocket node, a new block is published at once, however long the poll takes."""
    async with Rig(database, server.ws_url, poll_seconds=3600) as rig:
        stop = asyncio.Event()
        async with asyncio.timeout(HANG_SECONDS), asyncio.TaskGroup() as tasks:
            tasks.create_task(rig.follower.run(stop))
            while not any(client.subscriptions for client in server._clients):
                await asyncio.sleep(0.005)
            for _ in range(3):
                chain.mine()
                await server.announce()
                while rig.consumer.told[-1:] != [chain.head.number]:
                    await asyncio.sleep(0.005)
                    await rig.consumer.take()
            stop.set()

        assert rig.consumer.told == [*range(14)]


async def test_asks_once_a_block_and_never_between(database, server, chain):
    """With announced heads, each block costs one request, and waiting costs none."""
    async with Rig(database, server.ws_url, poll_seconds=0.05) as rig:
        stop = asyncio.Event()
        async with asyncio.timeout(HANG_SECONDS), asyncio.TaskGroup() as tasks:
            tasks.create_task(rig.follower.run(stop))
            while not any(client.subscriptions for client in server._clients):
                await asyncio.sleep(0.005)
            await announced(rig, server, chain)
            before = rig.nodes.requests
            for _ in range(10):
                await announced(rig, server, chain)
            await asyncio.sleep(0.3)
            asked = rig.nodes.requests - before
            stop.set()

        assert rig.consumer.told == [*range(22)]
        assert asked == 10


async def announced(rig, server, chain):
    """Mine a block, tell of it, and wait until it is on the queue."""
    chain.mine()
    await server.announce()
    while rig.consumer.told[-1:] != [chain.head.number]:
        await asyncio.sleep(0.002)
        await rig.consumer.take()


async def test_polls_when_announcements_are_lost(database, server, chain):
    """A block that was not announced is found by polling, and by nothing else."""
    async with Rig(database, server.ws_url, poll_seconds=0.05) as rig:
        stop = asyncio.Event()
        async with asyncio.timeout(HANG_SECONDS), asyncio.TaskGroup() as tasks:
            tasks.create_task(rig.follower.run(stop))
            while rig.consumer.told[-1:] != [10]:
                await asyncio.sleep(0.002)
                await rig.consumer.take()
            for _ in range(3):
                chain.mine()
                while rig.consumer.told[-1:] != [chain.head.number]:
                    await asyncio.sleep(0.002)
                    await rig.consumer.take()
            stop.set()

        assert rig.consumer.told == [*range(14)]


async def test_asks_for_tags_only_where_they_are_wanted(database, faulty, chain):
    """Where nothing waits for them they are looked at once a minute, within the same request."""
    async with Rig(database, faulty.url, tags_wanted=lambda: False) as rig:
        await rig.settle()
        faulty.posts.clear()
        for _ in range(6):
            chain.mine()
            rig.clock.now += 12_000
            await rig.settle()

        assert [post.count("eth_getBlockByNumber") for post in faulty.posts].count(4) == 1
        assert len(faulty.posts) == 6
        assert rig.follower.status.finalized is not None


async def test_tells_of_an_outage_and_goes_on(rig, chain, faulty):
    """While the node is down the health says so; afterwards all is well again."""
    await faulty.stop()
    await run_until(rig, lambda: rig.health.troubles)
    assert "node 0" in rig.health.troubles[f"worker {NETWORK}"]
    await faulty.start()

    await run_until(rig, lambda: rig.consumer.told[-1:] == [10])

    assert rig.health.troubles == {}


async def test_stays_alive_when_the_network_is_stopped(rig, chain):
    """A reorg that is too deep does not end the role: other networks go on."""
    await rig.settle()
    chain.reorg(MAX_REORG_DEPTH + 1)

    await run_until(rig, lambda: rig.follower.status.state == "stopped")

    assert list(rig.health.troubles) == [f"worker {NETWORK} reorg"]


async def test_waits_shortly_for_a_block_that_is_on_its_way(rig, chain, faulty):
    """When a head is known whose block is not there yet, the next look comes soon."""
    await rig.settle()
    assert rig.follower.idle_seconds() > 0.5
    faulty.alter = altered("eth_getBlockReceipts", lambda _, answer: answer.update(result=None))
    chain.mine()
    await rig.follower.step()

    assert rig.follower.idle_seconds() < 0.2


async def test_counts_what_it_does(database, faulty, chain):
    """The observer hears of every published block and every reorg."""
    told = []

    class Tally(Unobserved):
        def published(self, network):
            told.append("block")

        def reorganised(self, network, depth):
            told.append(depth)

    async with Rig(database, faulty.url, observer=Tally(), start=9) as rig:
        await rig.settle()
        chain.reorg(2)
        await rig.settle()

    assert told == ["block", "block", 2, "block", "block", "block"]


# Random scripts


@pytest.mark.parametrize("seed", range(25))
async def test_ends_with_the_nodes_chain(rig, chain, database, seed):
    """Whatever happens in whatever order, the consumer ends with the chain that the node has."""
    chance = random.Random(seed)
    highest = chain.head.number
    await rig.settle()
    for _ in range(12):
        highest = max(highest, chain.head.number)
        deepest = chain.head.number - (highest - MAX_REORG_DEPTH)
        match chance.randrange(6):
            case 0 | 1:
                chain.mine(chance.randint(1, 4))
            case 2 if deepest > 0:
                depth = chance.randint(1, deepest)
                chain.reorg(depth, chance.randint(1, depth + 2))
            case 3:
                for _ in range(chance.randint(1, 5)):
                    await rig.follower.step()
            case 4:
                await rig.consumer.take()
                await rig.restart()
            case 5:
                rig.consumer.losing = {chain.head.number}
                await rig.settle()
                rig.clock.now += 1000
        if chance.random() < 0.5:
            await rig.settle()
    for _ in range(3):
        chain.mine()
        rig.clock.now += 1000
        await rig.settle()

    stored = await database.read(lambda tx: headers(tx, NETWORK, 100))
    assert [one.hash for one in stored] == chain.canonical()[-len(stored) :]
    assert len(stored) >= 5
