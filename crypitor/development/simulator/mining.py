"""Growing a chain while its server answers: blocks are made in small steps between other work."""

import asyncio
from collections.abc import Callable, Generator
from random import Random
from typing import Protocol

import structlog

from crypitor.development.simulator.chain import Branch, SimulatedChain
from crypitor.runtime.loop import pause

log = structlog.get_logger(__name__)

_DEPTH_WEIGHTS = {1: 70, 2: 20, 3: 10}


class Announcer(Protocol):
    """Somebody who tells others about new heads."""

    async def announce(self) -> None:
        """Tell about every block that is new since the last call."""


async def mine(chain: SimulatedChain, announcer: Announcer, count: int) -> None:
    """Put `count` blocks on top, and announce each."""
    for _ in range(count):
        await _extend(chain, announcer, chain.making)


async def reorg(
    chain: SimulatedChain, announcer: Announcer, depth: int, length: int | None = None
) -> None:
    """Replace the last `depth` blocks as `SimulatedChain.reorg` does, and announce the new ones."""
    blocks = depth + 1 if length is None else length
    await _extend(chain, announcer, lambda: chain.making(depth=depth, length=blocks))


async def keep_mining(
    chain: SimulatedChain,
    announcer: Announcer,
    block_seconds: float,
    reorg_every: int,
    stop: asyncio.Event,
) -> None:
    """Grow the chain by one block every `block_seconds`, until `stop` is set.

    reorg_every: about how many blocks lie between reorgs, which are 1 to 3 deep; 0 for none. Where
    they fall depends on the chain's seed alone. Each block is made ahead and adopted when it is
    due, so that heads come at even intervals.
    """
    clock = asyncio.get_running_loop().time
    rng = Random(f"{chain.seed}/reorgs")  # noqa: S311 - must repeat itself; keeps no secret
    due = clock() + block_seconds
    until_reorg = _distance(rng, reorg_every)
    while not stop.is_set():
        depth = 0
        if until_reorg == 0:
            wanted = rng.choices(list(_DEPTH_WEIGHTS), list(_DEPTH_WEIGHTS.values()))[0]
            depth = min(wanted, chain.deepest_reorg)
        branch = await _gently(chain.making(depth=depth, length=depth + 1))
        await pause(due - clock(), stop)
        if stop.is_set():
            return
        if chain.adopt(branch):
            if depth:
                log.info("simulated reorg", depth=depth, head=chain.head.number)
            until_reorg = _distance(rng, reorg_every) if until_reorg == 0 else until_reorg - 1
            due += block_seconds
            await announcer.announce()


def _distance(rng: Random, reorg_every: int) -> int:
    """Blocks until the next reorg; negative for never."""
    return rng.randint(max(1, reorg_every // 2), reorg_every * 3 // 2) if reorg_every > 0 else -1


async def _extend(
    chain: SimulatedChain,
    announcer: Announcer,
    making: Callable[[], Generator[None, None, Branch]],
) -> None:
    """Make a branch and adopt it; again if somebody else moved the head meanwhile."""
    while not chain.adopt(await _gently(making())):
        log.debug("head moved while a block was made", head=chain.head.number)
    await announcer.announce()


async def _gently(making: Generator[None, None, Branch]) -> Branch:
    """Run a generator to its end, and let the event loop run after every step."""
    while True:
        try:
            next(making)
        except StopIteration as end:
            branch: Branch = end.value
            return branch
        await asyncio.sleep(0)
