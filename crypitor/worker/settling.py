"""Proves earlier blocks by the headers that settle them: the level "settled".

Source: Avalanche's ACP-194. A header's receiptsRoot is of the receipts of all blocks that it
settles: those above what its parent settled, up to its settledHeight, in a row.
"""

from collections.abc import Sequence
from dataclasses import replace

from crypitor.errors import NodeUnavailable, Unproven
from crypitor.evm.receipts import encode_receipts
from crypitor.evm.trie import streamed_root
from crypitor.evm.types import Block
from crypitor.worker.nodes import Nodes
from crypitor.worker.sight import Sight


class Settling:
    """Holds what was published of one network against what later headers say of it.

    proven: the height up to which that was done; None before the first.
    """

    def __init__(self, network: str, nodes: Nodes) -> None:
        self._network = network
        self._nodes = nodes
        self._published: dict[int, Block] = {}
        self._last: Block | None = None
        self.proven: int | None = None

    async def proven_by(self, block: Block, sight: Sight) -> Sight:
        """Return what a node showed, its tags no higher than what is proven.

        block: the next one, which is published if this returns. Raises Unproven if its header
        commits to other receipts of earlier blocks than those that were published.
        """
        if block.settlement is None:  # from before the fork: there blocks settle themselves
            self._published.clear()
        elif block.header.number:  # genesis has nothing to settle
            await self._prove(block, block.settlement.height, block.settlement.receipts_root)
        self._published[block.header.number] = self._last = block
        safe, finalized = self._capped(sight.safe), self._capped(sight.finalized)
        return replace(sight, safe=safe, finalized=finalized)

    async def _prove(self, block: Block, height: int, root: str) -> None:
        number = block.header.number
        heights = range(await self._settled_before(block) + 1, height + 1)
        if height >= number:
            raise Unproven("settled", f"block {number} says that it settles block {height}")
        published = [self._published.get(each) for each in heights]
        settled = [
            await self._read(each) if known is None else known
            for each, known in zip(heights, published, strict=True)
        ]
        if _root_of(settled) != root:
            raise await self._mismatch(block, published, heights, root)
        self._published = {each: kept for each, kept in self._published.items() if each > height}
        self.proven = max(height, self.proven or 0)

    async def _settled_before(self, block: Block) -> int:
        """Return up to which height the parent has settled."""
        parent = self._last
        if parent is None or parent.header.hash != block.header.parent_hash:
            parent = await self._read(block.header.number - 1)
            if parent.header.hash != block.header.parent_hash:
                raise NodeUnavailable(f"block {parent.header.number} is now another one")
        return parent.settlement.height if parent.settlement else parent.header.number

    async def _mismatch(
        self, block: Block, published: Sequence[Block | None], heights: range, root: str
    ) -> Unproven:
        """Return what is wrong, with the first block whose receipts are others by now."""
        place = f"block {block.header.number}: the receipts of blocks {heights[0]} to {heights[-1]}"
        now = [await self._read(each) for each in heights]
        changed = [
            known.header.number
            for known, read in zip(published, now, strict=True)
            if known is not None and known.receipts != read.receipts
        ]
        if changed and _root_of(now) == root:
            return Unproven(
                "settled",
                f"{place} are others than were matched: let it go on with"
                f" `crypitor network resume {self._network} --from-block {changed[0]}`",
            )
        return Unproven("settled", f"{place}, which it settles, do not give its root {root}")

    async def _read(self, height: int) -> Block:
        block = await self._nodes.block(height)
        if block is None:
            raise NodeUnavailable(f"no node has all of block {height}")
        return block

    def _capped(self, height: int | None) -> int | None:
        if height is None or self.proven is None:
            return None
        return min(height, self.proven)


def _root_of(blocks: Sequence[Block]) -> str:
    receipts = [receipt for block in blocks for receipt in block.receipts]
    return "0x" + streamed_root(encode_receipts(receipts), len(receipts)).hex()
