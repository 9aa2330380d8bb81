"""Reads past blocks for one question: whole ones, or headers and the blocks that may matter.

Every block is proven and stands on the one before it; a height without a block is passed over where
that shows it. Requests are side by side, and kept apart.
"""

from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import aclosing
from typing import Any, Protocol, TypeVar

from crypitor.backfill.pace import Pace
from crypitor.backfill.question import LogQuestion
from crypitor.backfill.span import Span
from crypitor.backfill.standing import Standing
from crypitor.database.past import Part
from crypitor.errors import NodeUnavailable
from crypitor.evm.types import Block, Hash, Header
from crypitor.monitor.models import Confirmations, Match
from crypitor.worker.ahead import Ahead
from crypitor.worker.blockreader import BATCH_CALLS
from crypitor.worker.nodes import Nodes
from crypitor.worker.rpc import Bloomed, Tag

T = TypeVar("T")


MOST_BLOCKS = 64
"""Whole blocks in one part: what is done again after a crash, and how long others wait."""

MOST_MATCHES = 500
"""In one part and so in one transaction, but that a block is never divided."""


class Asking(Protocol):
    """What a block is asked."""

    async def matches(self, block: Block) -> Sequence[tuple[Match, Confirmations]]:
        """Return the matches of a block, each with the confirmations it requires."""


class Reader:
    """Reads parts of one network.

    standing: what tells that blocks stand on each other.  in_flight: requests at once, which is
    what bounds memory.
    """

    def __init__(self, nodes: Nodes, pace: Pace, standing: Standing, in_flight: int) -> None:
        self._nodes = nodes
        self._pace = pace
        self._standing = standing
        self._in_flight = in_flight

    async def whole(self, question: Asking, blocks: range, parent: Hash | None) -> Part:
        """Return a first part of these heights, every block of it read.

        parent: hash of the block below, None where it is not known. Raises LeftChain where it is
        another one.
        """
        blocks = blocks[:MOST_BLOCKS]
        headers: list[Header] = []
        matches = {}
        count, done, above = 0, blocks[0] - 1, blocks[0]
        async with aclosing(self._blocks(blocks)) as found:
            async for number, block in found:
                if isinstance(block, NodeUnavailable):
                    if number >= above:
                        above = await self._above(number, parent, block)
                    done = number
                    continue
                await self._standing.require_link(block.header, parent, first=not headers)
                headers.append(block.header)
                done, parent = number, block.header.hash
                if of_block := await question.matches(block):
                    matches[number] = of_block
                    count += len(of_block)
                if count >= MOST_MATCHES:
                    break
        return Part(headers, matches, done)

    async def by_logs(
        self,
        question: Asking,
        logs: LogQuestion,
        span: Span,
        blocks: range,
        parent: Hash | None,
    ) -> Part:
        """Return a first part of these heights, without reading what cannot matter.

        A block is read whole if a node names a log of it, or its bloom does not rule one out: what
        a node leaves out is found all the same. Where a node refuses to look for logs even in a
        single block, blocks are read whole.
        """
        asked = blocks[: span.blocks]
        bloomed = looked_at = await self._headers(asked, parent)
        named = await self._named(logs, span, bloomed)
        if named is None:
            return await self.whole(question, blocks, parent)
        heights, bloomed = named
        wanted = [
            one.header.number
            for one in bloomed
            if one.header.number in heights or logs.may_be_in(one.bloom)
        ]
        headers = [one.header for one in bloomed]
        if len(wanted) > MOST_BLOCKS:
            headers = [one for one in headers if one.number < wanted[MOST_BLOCKS]]
        places = {header.number: place for place, header in enumerate(headers)}
        matches = {}
        count = 0
        async with aclosing(self._blocks(wanted[:MOST_BLOCKS])) as found:
            async for number, block in found:
                if isinstance(block, NodeUnavailable):
                    raise block
                if block.header != headers[places[number]]:
                    raise NodeUnavailable(f"block {number} is now another one")
                if of_block := await question.matches(block):
                    matches[number] = of_block
                    count += len(of_block)
                if count >= MOST_MATCHES:
                    del headers[places[number] + 1 :]
                    break
        span.filled(len(headers), max(len(wanted) / MOST_BLOCKS, count / MOST_MATCHES))
        all_done = len(headers) == len(looked_at)
        return Part(headers, matches, asked[-1] if all_done else headers[-1].number)

    async def tag(self, tag: Tag) -> int | None:
        """Return the height of `safe` or `finalized`, None if no node has it."""
        await self._pace.turn()
        header = await self._nodes.header_at(tag)
        return header.number if header else None

    async def _headers(self, blocks: range, parent: Hash | None) -> list[Bloomed]:
        """Return the headers of these heights, each linked to the one before."""
        firsts = blocks[::BATCH_CALLS]

        async def batch(first: int) -> tuple[Bloomed, ...]:
            await self._pace.turn()
            return await self._nodes.blooms(first, min(first + BATCH_CALLS - 1, blocks[-1]))

        bloomed: list[Bloomed] = []
        expected = blocks[0]
        async with aclosing(_side_by_side(batch, firsts, self._in_flight)) as batches:
            async for _, found in batches:
                if isinstance(found, NodeUnavailable):
                    raise found
                for one in found:
                    if one.header.number > expected:
                        await self._standing.require_none(one.header, expected, parent)
                    await self._standing.require_link(one.header, parent, first=not bloomed)
                    expected, parent = one.header.number + 1, one.header.hash
                bloomed += found
        if expected <= blocks[-1]:
            lack = NodeUnavailable(f"no node has block {expected}")
            if await self._above(expected, parent, lack) <= blocks[-1]:
                raise lack
        return bloomed

    async def _above(self, number: int, parent: Hash | None, lack: NodeUnavailable) -> int:
        """Return the height of the next block, where a height has none; raises `lack` where it may.

        parent: hash of the block below, None where it is not known.
        """
        try:
            above = await self._standing.next_above(number, parent)
        except NodeUnavailable:
            raise lack from None
        if above is None:
            raise lack
        return above.number

    async def _named(
        self, logs: LogQuestion, span: Span, bloomed: list[Bloomed]
    ) -> tuple[frozenset[int], list[Bloomed]] | None:
        """Return the heights with logs in as many of the blocks as a node takes at once, and those.

        Whatever it answers may mean that the range is too long: also no answer at all, since it
        has just answered for the headers. None if it does not even take a single block.
        """
        if not logs.filters or not bloomed:
            return frozenset(), bloomed
        while True:
            first, last = bloomed[0].header.number, bloomed[-1].header.number
            await self._pace.turn()
            try:
                heights = await self._nodes.logs(first, last, logs.filters)
            except NodeUnavailable:
                heights = None
            if heights is not None:
                span.answered()
                return heights, bloomed
            if not span.refused(len(bloomed)):
                return None
            bloomed = bloomed[: span.blocks]

    def _blocks(
        self, numbers: Sequence[int]
    ) -> AsyncGenerator[tuple[int, Block | NodeUnavailable], None]:
        return _side_by_side(self._block, numbers, self._in_flight)

    async def _block(self, number: int) -> Block:
        await self._pace.turn()
        try:
            block = await self._nodes.block(number)
        except NodeUnavailable as failure:
            raise NodeUnavailable(f"block {number}: {failure}", failure.retry_after) from failure
        if block is None:
            raise NodeUnavailable(f"no node has all of block {number}")
        return block


async def _side_by_side(
    fetch: Callable[[int], Coroutine[Any, Any, T]], numbers: Sequence[int], width: int
) -> AsyncGenerator[tuple[int, T | NodeUnavailable], None]:
    """Yield each number with what is fetched for it, in their order, `width` of them under way.

    What failed is fetched once more; then the failure takes its place.
    """
    ahead = Ahead(lambda place: fetch(numbers[place]), width)
    try:
        for place, number in enumerate(numbers):
            ahead.reach(place, len(numbers) - 1)
            found: T | NodeUnavailable | None = await ahead.take(place)
            if found is None:
                try:
                    found = await fetch(number)
                except NodeUnavailable as failure:
                    found = failure
            yield number, found
    finally:
        await ahead.drop()
