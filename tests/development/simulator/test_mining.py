import asyncio
import time

import pytest

from crypitor.development.simulator import mining
from crypitor.development.simulator.chain import SimulatedChain
from tests.ahead import go_ahead, pass_by_waiting
from tests.patience import HANG_SECONDS

FEW = {"transfers": (0, 3), "actors": 5}


class Heads:
    """Notes the head at every announcement, and stops after so many."""

    def __init__(self, chain, count):
        self.chain = chain
        self.stop = asyncio.Event()
        self.seen = []
        self.count = count

    async def announce(self):
        self.seen.append((self.chain.head.number, self.chain.head.hash))
        if len(self.seen) == self.count:
            self.stop.set()


async def run(chain, count, *, block_seconds=0.001, reorg_every=0):
    """Mine until `count` heads were announced."""
    heads = Heads(chain, count)
    async with asyncio.timeout(HANG_SECONDS):
        await mining.keep_mining(chain, heads, block_seconds, reorg_every, heads.stop)
    return heads.seen


async def test_every_block_is_announced():
    """The head grows by one at each announcement, and the blocks are those of mine()."""
    chain, twin = SimulatedChain(5, **FEW), SimulatedChain(5, **FEW)
    seen = await run(chain, 5)
    twin.mine(5)

    assert [number for number, _ in seen] == [1, 2, 3, 4, 5]
    assert chain.canonical() == twin.canonical()


async def test_reorgs_happen_and_the_head_still_grows():
    """About every n-th block is a reorg of 1 to 3 blocks; the head grows by one all the same."""
    chain = SimulatedChain(5, **FEW)
    seen = await run(chain, 60, reorg_every=6)
    orphans = [block for each, block in chain._blocks.items() if each not in set(chain.canonical())]

    assert [number for number, _ in seen] == list(range(1, 61))
    assert 6 <= chain.reorg_count <= 15
    assert len(orphans) > chain.reorg_count


async def test_reorgs_are_seeded():
    """The same seed gives the same reorgs."""
    one, other = SimulatedChain(5, **FEW), SimulatedChain(5, **FEW)
    await run(one, 30, reorg_every=4)
    await run(other, 30, reorg_every=4)

    assert one.canonical() == other.canonical()
    assert one.reorg_count == other.reorg_count > 0


async def test_blocks_come_at_even_intervals():
    """Ten blocks of 50 ms take half a second, making them included."""
    pass_by_waiting()
    clock, announced = asyncio.get_running_loop().time, []

    class Slow(SimulatedChain):
        def making(self, **options):
            go_ahead(0.02)
            return super().making(**options)

    class Timed(Heads):
        async def announce(self):
            announced.append(clock() - began)
            await super().announce()

    chain = Slow(5)
    heads, began = Timed(chain, 10), clock()
    await mining.keep_mining(chain, heads, 0.05, 0, heads.stop)

    assert announced == pytest.approx([0.05 * number for number in range(1, 11)])


async def test_stopping_is_immediate():
    """A chain with slow blocks stops when it is told to, without one more block."""
    chain = SimulatedChain(5, **FEW)
    stop = asyncio.Event()
    async with asyncio.timeout(HANG_SECONDS), asyncio.TaskGroup() as tasks:
        tasks.create_task(mining.keep_mining(chain, Heads(chain, 9), 3600, 0, stop))
        await asyncio.sleep(0)
        stop.set()

    assert chain.head.number == 0


async def test_the_loop_runs_while_a_block_is_made():
    """Between two transactions other tasks run: no step of a full block takes long."""
    chain = SimulatedChain(5)
    turns = []
    done = asyncio.Event()

    async def watch():
        while not done.is_set():
            begin = time.thread_time()
            await asyncio.sleep(0)
            turns.append(time.thread_time() - begin)

    async def mine():
        await mining.mine(chain, Heads(chain, -1), 10)
        done.set()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watch())
        tasks.create_task(mine())

    assert len(turns) > 300
    assert sorted(turns)[len(turns) * 9 // 10] < sum(turns) / 50


async def test_a_block_that_came_too_late_is_made_again():
    """Two who mine at the same time both get their blocks, each on top of the other's."""
    chain = SimulatedChain(5)
    heads = Heads(chain, -1)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(mining.mine(chain, heads, 3))
        tasks.create_task(mining.mine(chain, heads, 3))
        tasks.create_task(mining.reorg(chain, heads, 0, 1))

    assert chain.head.number == 7
    assert len(heads.seen) == 7


async def test_an_impossible_reorg_is_refused():
    """The error of the chain passes through."""
    chain = SimulatedChain(5, **FEW)
    with pytest.raises(ValueError, match="depth"):
        await mining.reorg(chain, Heads(chain, -1), 1)
