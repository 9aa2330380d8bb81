"""Where a stopped network can go on, and what going on there comes to, before it is done."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeAlias

from crypitor.database.networks import KnownChain
from crypitor.errors import Conflict
from crypitor.evm.types import Hash, Header
from crypitor.worker.beginning import ground_of
from crypitor.worker.blockreader import BATCH_CALLS
from crypitor.worker.nodes import Nodes
from crypitor.worker.passed import Passed, passed_between

KnownAt: TypeAlias = Callable[[int], Awaitable[tuple[int, Hash] | None]]
"""Returns the newest block at or below a height of which the hash is kept."""


class Proposal(NamedTuple):
    """The first block to read again, and why that one, in a sentence."""

    first: int
    reason: str


class Footing(NamedTuple):
    """Where a network would go on.

    before: the headers that the nodes have below it, none where it stands on nothing. passed: the
    heights above what was matched that are left out, None for none.
    """

    before: Sequence[Header]
    passed: Passed | None


async def footing_of(first: int, tip: Header | None, *, depth: int, nodes: Nodes) -> Footing:
    """Return what going on at height `first` stands on, and leaves out.

    tip: what was matched last. depth: at most so many headers below. Raises Conflict where no node
    is that far, and NodeUnavailable.
    """
    head = await nodes.header_at("latest")
    if head is None or head.number < first - 1:
        raise Conflict(
            f"no node has block {first - 1}" + (f": their head is {head.number}" if head else "")
        )
    before = await ground_of(first, depth, nodes)
    leaves = tip is not None and tip.number < first - 1
    return Footing(before, await passed_between(tip, first, nodes) if tip and leaves else None)


async def proposed(known: KnownChain, known_at: KnownAt, nodes: Nodes) -> Proposal:
    """Return the first block that differs from what was matched, as far as that is known.

    Above the fork nothing is the same, so it is searched in halves: some 25 blocks are asked for at
    most. Raises NodeUnavailable.
    """
    good, bad = await _fork(known, known_at, nodes)
    if good is None:
        first = await nodes.header_at(0) if known.genesis is not None else None
        if first is not None and first.hash != known.genesis:
            return Proposal(0, "The chain was begun anew: its block 0 is another one.")
        return Proposal(
            known.oldest,
            f"The nodes have none of the blocks that are known of what was matched; {known.oldest}"
            " is the oldest. Where the chain left earlier, choose the first block that differs.",
        )
    if bad is None:
        return await _above(good, nodes)
    why = f"Block {good} was matched, and the nodes have it still; block {bad} they have not."
    if bad > good + 1:
        why += " Of the blocks between, nothing is known: they are read again to be sure."
    return Proposal(good + 1, why)


async def _fork(
    known: KnownChain, known_at: KnownAt, nodes: Nodes
) -> tuple[int | None, int | None]:
    """Return the newest known block that the nodes have, and the oldest that they have not."""
    low, high = known.oldest, known.newest
    good: int | None = None
    bad: int | None = None
    middle = high  # often all is as it was, and the nodes lack what comes above
    while low <= high:
        place = await known_at(middle)
        if place is None or place[0] < low:
            low = middle + 1
        else:
            header = await nodes.header_at(place[0])
            if header is not None and header.hash == place[1]:
                good, low = place[0], middle + 1
            else:
                bad, high = place[0], place[0] - 1
        middle = (low + high) // 2
    return good, bad


async def _above(newest: int, nodes: Nodes) -> Proposal:
    above = next(iter(await nodes.headers_up_to(newest + 1, newest + BATCH_CALLS)), None)
    first = newest + 1 if above is None else above.number
    return Proposal(
        first,
        f"All that was matched, up to block {newest}, is as the nodes have it: nothing has to be"
        f" reverted, and {first} is the next block.",
    )
