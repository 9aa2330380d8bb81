"""A node whose chain was begun anew: told as what it is, and followed where that is wanted."""

import contextlib

import pytest

from crypitor.database.networks import genesis_of, resume
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.errors import NodeUnavailable
from crypitor.worker.reset import SURE_MS
from tests.worker.conftest import CHAIN_ID
from tests.worker.faulty import FaultyNode, Upstream, altered
from tests.worker.following import NETWORK, Rig


@pytest.fixture
async def restarted():
    """Serves chains that begin anew: each of `begin` is one; `later` is its genesis' delay."""
    stack = contextlib.AsyncExitStack()

    async def begin(blocks, *, seed="another", later=0.0):
        chain = SimulatedChain(
            seed, chain_id=CHAIN_ID, transfers=(1, 2), genesis_time=1_767_225_600 + later
        )
        chain.mine(blocks)
        server = await stack.enter_async_context(SimulatorServer(chain))
        return chain, server

    async with stack:
        yield begin


@pytest.fixture
async def upstream(server):
    async with Upstream(server.url) as node:
        yield node


async def go_on(rig, rounds=4):
    for _ in range(rounds):
        with contextlib.suppress(NodeUnavailable):
            await rig.settle()
        rig.clock.now += SURE_MS
        rig.pass_seconds(SURE_MS / 1000)


@pytest.mark.parametrize("before", [10, 60])
@pytest.mark.parametrize("blocks", [0, 1, 3, 12, 90])
async def test_a_new_chain_is_followed_from_its_beginning(
    database, chain, upstream, restarted, before, blocks
):
    """Longer or shorter than the old one, the new chain takes its place by itself."""
    chain.mine(before - 10)
    async with Rig(database, upstream.url, reset="follow") as rig:
        await rig.settle()
        taken = len(rig.consumer.taken)
        new, server = await restarted(blocks)
        upstream.url_of_answers = server.url
        await go_on(rig)
        new.mine(2)

        await go_on(rig)

        found = [one.block.header.hash for one in rig.consumer.taken[taken:]]
        assert found == new.canonical()
        assert rig.follower.status.state == "following"
        assert rig.follower.status.trouble is None
        assert rig.health.troubles == {}


@pytest.mark.parametrize("before", [10, 60])
@pytest.mark.parametrize("blocks", [0, 1, 3, 12, 90])
async def test_a_new_chain_stops_a_network_that_does_not_follow_it(
    database, chain, upstream, restarted, before, blocks
):
    """The trouble says that the chain was begun anew, with the one command that goes on."""
    chain.mine(before - 10)
    async with Rig(database, upstream.url) as rig:
        await rig.settle()
        _, server = await restarted(blocks)
        upstream.url_of_answers = server.url

        await go_on(rig)

        status = rig.follower.status
        assert status.state == "stopped"
        assert "the chain was begun anew" in status.trouble
        assert f"crypitor network resume {NETWORK} --from-block 0" in status.trouble
        assert status.tip.number == before


async def test_the_command_that_is_told_goes_on(database, chain, upstream, restarted):
    """`network resume --from-block 0` is all that is needed, while the service runs."""
    async with Rig(database, upstream.url) as rig:
        await rig.settle()
        taken = len(rig.consumer.taken)
        new, server = await restarted(5)
        upstream.url_of_answers = server.url
        await go_on(rig)
        await database.write(lambda tx: resume(tx, NETWORK, before=(), now=1, first=0))

        await go_on(rig)

        assert [one.block.header.hash for one in rig.consumer.taken[taken:]] == new.canonical()
        assert rig.follower.status.state == "following"


@pytest.mark.parametrize("reset", ["follow", "stop"])
async def test_a_reset_while_nobody_watched_is_seen(database, chain, upstream, restarted, reset):
    """The node was started anew while the service was down."""
    async with Rig(database, upstream.url, reset=reset) as rig:
        await rig.settle()
        new, server = await restarted(30)
        upstream.url_of_answers = server.url
        await rig.restart()

        await go_on(rig)

        state = rig.follower.status.state
        assert state == ("following" if reset == "follow" else "stopped")
        if reset == "follow":
            assert (await rig.consumer.hashes())[-1] == new.head.hash


async def test_a_reset_that_keeps_its_genesis_is_told_by_its_times(
    database, chain, upstream, restarted
):
    """A chain whose first blocks are later than blocks that were matched above them is another."""
    chain.mine(50)
    async with Rig(database, upstream.url) as rig:
        await rig.settle()
        genesis = chain.by_number(0)
        _, server = await restarted(3, later=100_000)

        def same_genesis(request, answer):
            if request["params"][0] == "0x0" and answer.get("result"):
                answer["result"]["hash"] = genesis.hash
                answer["result"]["timestamp"] = hex(genesis.timestamp)

        upstream.url_of_answers = server.url
        upstream.alter = altered("eth_getBlockByNumber", same_genesis)

        await go_on(rig)

        assert "the chain was begun anew" in (rig.follower.status.trouble or "")


async def test_follows_one_reset_after_another(database, chain, upstream, restarted):
    """Whoever develops starts the node anew all day."""
    async with Rig(database, upstream.url, reset="follow") as rig:
        await rig.settle()
        for turn in range(3):
            new, server = await restarted(4 + turn, seed=f"turn {turn}")
            upstream.url_of_answers = server.url
            await go_on(rig)

            assert (await rig.consumer.hashes())[-1] == new.head.hash


async def test_a_deep_reorg_is_no_reset(database, chain, faulty):
    """A long fork of the same chain is decided by an operator, also where resets are followed."""
    chain.mine(30)
    async with Rig(database, faulty.url, reset="follow") as rig:
        await rig.settle()
        taken = len(rig.consumer.taken)
        chain.reorg(20)

        await go_on(rig)

        assert rig.follower.status.state == "stopped"
        assert "max_reorg_depth" in rig.follower.status.trouble
        assert len(rig.consumer.taken) == taken


async def test_a_backend_of_another_chain_is_no_reset(database, chain, upstream):
    """What shows another chain for a moment, and its id, is a wrong node."""
    other = SimulatedChain("other", chain_id=CHAIN_ID + 1, transfers=(1, 2))
    other.mine(4)
    async with (
        SimulatorServer(other) as server,
        Rig(database, upstream.url, reset="follow") as rig,
    ):
        await rig.settle()
        upstream.url_of_answers = server.url
        await go_on(rig)
        assert rig.follower.status.state == "waiting"
        assert rig.follower.status.tip.number == 10


async def test_one_node_that_was_reset_among_others_is_left(
    database, chain, server, upstream, restarted
):
    """While another node has our chain, the one with a new chain is wrong."""
    async with (
        FaultyNode(server.url) as sound,
        Rig(database, upstream.url, sound.url, reset="follow") as rig,
    ):
        await rig.settle()
        _, new = await restarted(30)
        upstream.url_of_answers = new.url
        await go_on(rig)
        chain.mine(2)

        await go_on(rig)

        assert (await rig.consumer.hashes())[-1] == chain.head.hash
        assert rig.follower.status.state == "following"


async def test_what_was_published_and_not_matched_has_no_effect(
    database, chain, upstream, restarted
):
    """Blocks of the old chain that wait on the queue are not the first of the new one."""
    async with Rig(database, upstream.url, reset="follow") as rig:
        await rig.settle()
        chain.mine(4)
        for _ in range(4):
            await rig.follower.step()
        new, server = await restarted(3)
        upstream.url_of_answers = server.url
        for _ in range(40):
            with contextlib.suppress(NodeUnavailable):
                await rig.follower.step()
            rig.clock.now += SURE_MS

        await go_on(rig)

        assert (await rig.consumer.hashes()) == new.canonical()


async def test_learns_the_genesis_once(database, chain, faulty):
    """The hash of block 0 is asked for once in the life of a network."""
    async with Rig(database, faulty.url, start=5) as rig:
        await rig.settle()
        assert await database.read(lambda tx: genesis_of(tx, NETWORK)) == chain.by_number(0).hash
        await rig.restart()
        faulty.posts.clear()
        chain.mine()
        await rig.settle()

        assert faulty.posts.count(["eth_getBlockByNumber"]) == 0
