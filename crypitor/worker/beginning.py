"""The headers below the first block: what a reorg of the first blocks goes back to."""

import itertools
from collections.abc import Sequence
from typing import Literal, NamedTuple

from crypitor.database import networks
from crypitor.database.engine import Database
from crypitor.errors import NodeUnavailable
from crypitor.evm.types import Header
from crypitor.worker.blockreader import BATCH_CALLS
from crypitor.worker.gap import Gap
from crypitor.worker.nodes import Nodes


class NotLinked(NodeUnavailable):
    """Headers that are not each the parent of the next. linked: the newest of them that are."""

    def __init__(self, first: int, linked: tuple[Header, ...]) -> None:
        super().__init__(f"the headers below block {first} are not linked")
        self.linked = linked


async def headers_below(first: int, count: int, nodes: Nodes) -> tuple[Header, ...]:
    """Return the headers of the `count` heights below `first`, each the parent of the next.

    Fewer at the beginning of the chain, or where the nodes have forgotten it; none if no node has
    the last one. Raises NotLinked if they are not linked: the chain changed meanwhile, or has a
    break.
    """
    before = await nodes.headers(max(first - count, 0), first - 1)
    linked = _linked(before)
    if len(linked) < len(before):
        raise NotLinked(first, linked)
    return before


async def ground_of(first: int, count: int, nodes: Nodes) -> tuple[Header, ...]:
    """Return the headers that a block at height `first` stands on, each the parent of the next.

    At most those of `count` heights, fewer where the chain has a break: below it nothing is needed.
    None where the block itself stands on nothing, or no node has what it stands on. A height
    without a block is passed over. Raises NodeUnavailable.
    """
    if first == 0:
        return ()
    block = next(iter(await nodes.headers_up_to(first, first)), None)
    if block is None:  # it is still to come, or its height has none
        before = await _without_breaks(first, count, nodes)
        if before:
            return before
        block = next(iter(await nodes.headers_up_to(first, first + BATCH_CALLS - 1)), None)
        if block is None:
            return ()
    lowest = max(first - count, 0)
    before = _linked((*await nodes.headers_up_to(lowest, first - 1), block))
    again = _linked((*await nodes.headers_up_to(lowest, first - 1), block))
    if before != again:
        raise NotLinked(first, again)
    return before[:-1]


async def _without_breaks(first: int, count: int, nodes: Nodes) -> tuple[Header, ...]:
    """Return the headers below a height; where they are broken twice in the same way, its end."""
    try:
        return await headers_below(first, count, nodes)
    except NotLinked as once:
        try:
            return await headers_below(first, count, nodes)
        except NotLinked as twice:
            if once.linked != twice.linked:
                raise
            return twice.linked


def _linked(headers: tuple[Header, ...]) -> tuple[Header, ...]:
    """Return the newest headers that are each the parent of the next."""
    breaks = [
        place
        for place, (one, two) in enumerate(itertools.pairwise(headers), 1)
        if not one.is_parent_of(two)
    ]
    return headers[breaks[-1] :] if breaks else headers


class Begun(NamedTuple):
    """How a network begins, as far as that is settled.

    head: of the nodes, None where it was not looked at.  before: the headers below the first block,
    which are stored.  first: the height of the first block where it stands on none of them.
    """

    head: Header | None
    before: Sequence[Header] = ()
    first: int | None = None


class Beginning:
    """Settles which block of a network is the first.

    start: its height, or `latest` for the head.  depth: how many headers below it are wanted, so
    that a reorg of the first blocks finds its ancestor.
    """

    def __init__(
        self,
        network: str,
        nodes: Nodes,
        database: Database,
        gap: Gap,
        *,
        start: int | Literal["latest"],
        depth: int,
    ) -> None:
        self._network = network
        self._nodes = nodes
        self._database = database
        self._gap = gap
        self._start = start
        self._depth = depth

    async def settle(self, settled: int | None, term: int, sequence: int, now: int) -> Begun:
        """Return how the network begins. settled: the height, where an operator chose one.

        now: unix milliseconds. Raises Unavailable.
        """
        if settled is not None:
            return Begun(None, first=settled)
        head = await self._nodes.header_at("latest")
        if head is None:
            return Begun(None)
        first = head.number if self._start == "latest" else self._start
        if first == 0:
            return Begun(head, first=0)
        if first - 1 > head.number:
            return Begun(head)
        before = await ground_of(first, self._depth, self._nodes)
        if not before:
            return Begun(head, first=await self._bare(first, now))
        self._gap.close()
        await self._database.write(
            lambda tx: networks.begin(
                tx, self._network, term=term, sequence=sequence, before=before
            )
        )
        return Begun(head, before)

    async def _bare(self, first: int, now: int) -> int | None:
        """Begin with a block that stands on nothing that the nodes have, if it stays so."""
        sight = await self._nodes.next(first)
        if sight.block is None:
            if sight.lack:
                self._gap.wait(first, sight.lack, now)
        elif self._gap.is_old(first, now):
            self._gap.close()
            return first
        return None
