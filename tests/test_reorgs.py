"""
Random scripts of mining, reorgs, restarts and failing nodes: whatever happened, in the end each
endpoint has heard what a plain reading of the final chain says, and a retraction of all the rest.
"""

import asyncio
import random
from contextlib import AsyncExitStack

import pytest

from crypitor.development.listen import Receiver
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.faults import Fault
from crypitor.development.simulator.rpc import SimulatorServer
from tests.stepped import SECRET, Asked, Stepped

SCRIPTS = 500
QUICK_SCRIPTS = 25
ACTIONS = 24


class Script:
    """One random life of a chain and of the service that follows it. told: what was done, in order."""

    def __init__(self, rng: random.Random, rig: Stepped, node: SimulatorServer) -> None:
        self.told = []
        self._rng = rng
        self._rig = rig
        self._chain = rig.chain
        self._node = node
        self._acts = {
            self._mine: 8,
            self._burst: 2,
            self._reorg: 8,
            self._go_back: 5,
            self._step: 8,
            self._settle: 4,
            self._send: 3,
            self._reorg_meanwhile: 4,
            self._restart: 2,
            self._kill: 2,
            self._fail_over: 2,
            self._serve_again: 2,
        }

    async def act(self) -> None:
        """Do one thing."""
        act = self._rng.choices(list(self._acts), list(self._acts.values()))[0]
        await act()

    def _note(self, *words: object) -> None:
        self.told.append(" ".join(map(str, words)))
        print(f"{self.told[-1]}; head {self._chain.head.number}, lowest {self._rig.lowest}")

    async def _mine(self) -> None:
        self._note("mine", len(self._chain.mine(self._rng.randint(1, 3))))

    async def _burst(self) -> None:
        self._note("mine", len(self._chain.mine(self._rng.randint(6, 14))))

    async def _reorg(self) -> None:
        self._fork(self._deepest())

    async def _reorg_meanwhile(self) -> None:
        """The chain changes between two requests of the follower, while it catches up."""
        self._note("meanwhile")
        self._chain.mine(self._rng.randint(0, 8))
        following = asyncio.create_task(self._rig.follow(self._rng.randint(1, 8)))
        for _ in range(self._rng.randint(1, 60)):
            await asyncio.sleep(0)
        self._fork(self._deepest())
        await following

    def _deepest(self) -> int:
        """How many blocks may go."""
        return min(self._chain.head.number - self._rig.lowest, self._rig.max_reorg_depth)

    def _fork(self, deepest: int) -> None:
        if deepest < 1:
            return
        depth = self._rng.randint(1, deepest)
        length = max(depth + self._rng.choice((-2, -1, 0, 1, 1, 1, 2, 4)), 0)
        self._note("reorg", depth, "for", length)
        self._chain.reorg(depth, length)

    async def _go_back(self) -> None:
        lowest = self._chain.head.number - self._deepest()
        heads = [
            head
            for head in self._chain.orphaned_heads()[-6:]
            if self._chain.branch_to(head.hash).blocks[0].number > lowest
        ]
        if heads:
            head = self._rng.choice(heads)
            self._note("back to", head.number, head.hash[:8])
            self._chain.go_back(head.hash)

    async def _step(self) -> None:
        steps, matched = self._rng.randint(1, 6), self._rng.randint(0, 6)
        self._note("follow", steps, "match", matched)
        await self._rig.follow(steps)
        await self._rig.match(matched)

    async def _settle(self) -> None:
        self._note("catch up")
        await self._rig.follow(50)
        await self._rig.match(50)

    async def _send(self) -> None:
        self._note("send")
        await self._rig.send()

    async def _restart(self) -> None:
        self._note("restart")
        await self._rig.restart()

    async def _kill(self) -> None:
        self._note("killed at work")
        await self._rig.killed(self._rng.randint(1, 150))

    async def _serve_again(self) -> None:
        """A broker, or a worker that was replaced and does not know it, brings blocks again."""
        count = self._rng.randint(1, 12)
        self._note("serve again", count)
        await self._rig.queue.serve_again(count)

    async def _fail_over(self) -> None:
        """The preferred node is gone, or is back."""
        failing = not self._node.chaos.rates
        self._note("first node", "fails" if failing else "is back")
        self._node.chaos.switch({Fault.HTTP_503: 1.0} if failing else {})


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(seed, marks=[pytest.mark.soak] if seed >= QUICK_SCRIPTS else [])
        for seed in range(SCRIPTS)
    ],
)
async def test_a_random_script(tmp_path, migrated_sqlite, seed):
    """
    After any script each endpoint heard what the final chain holds, and all else was retracted.
    """
    rng = random.Random(f"reorgs {seed}")
    chain = SimulatedChain(
        seed, transfers=(0, 4), actors=5, safe_depth=rng.randint(1, 4), finalized_depth=6
    )
    depth = rng.randint(4, 10)
    start = rng.choice((0, 0, 3))
    chain.mine(start + rng.randint(0, 4))
    first, second = (
        tuple(actor.address for actor in some) for some in (chain.actors[:2], chain.actors[1:4])
    )
    asked = [
        Asked(first, rng.randint(1, depth), "a"),
        Asked(second, "safe", "ab"),
        Asked(first, "finalized", "b"),
    ]
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(SimulatorServer(chain)) for _ in range(2)]
        receiver = await stack.enter_async_context(Receiver(lambda: [SECRET]))
        rig = await stack.enter_async_context(
            Stepped(
                tmp_path, migrated_sqlite, chain, [node.url for node in nodes], receiver, asked,
                start=start, max_reorg_depth=depth,
            )
        )  # fmt: skip
        script = Script(rng, rig, nodes[0])
        for _ in range(ACTIONS):
            await script.act()
        nodes[0].chaos.switch({})
        chain.mine(rng.randint(1, 3))
        await rig.settle()
        audits, stored = rig.audits(steady_node=True), await rig.stored()
        count = receiver.count
        await rig.restart()
        await rig.settle()
        again = await rig.stored()

    story = f"seed {seed}: {script.told}"
    assert {path: [] for path in audits} == {
        path: found.problems for path, found in audits.items()
    }, story
    canonical = set(chain.canonical())
    assert all((block in canonical) == (phase != "reverted") for _, block, phase in stored), story
    assert (count, sorted(stored)) == (receiver.count, sorted(again)), story
