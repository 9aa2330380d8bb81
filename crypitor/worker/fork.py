"""Where another branch left ours, and whether to believe the node that showed it."""

from crypitor.errors import DeepReorg, NodeUnavailable
from crypitor.evm.types import Header
from crypitor.worker.gap import Gap
from crypitor.worker.nodes import Nodes
from crypitor.worker.sight import Sight
from crypitor.worker.trail import Trail

LONG_FORK = 3
"""A fork that orphans so many blocks is believed only if the other nodes do not contradict it."""

PATIENCE_MS = 60_000
"""… or if they show nothing new for so long."""


async def ancestor_of(header: Header, trail: Trail, nodes: Nodes) -> Header:
    """Return the newest published header that `header` descends from, by walking back its parents.

    Raises DeepReorg if there is none, ParentGone if no node has one of the parents, NoBranch where
    it skips blocks that the nodes still have.
    """
    branch = header
    while trail.reaches_below(branch.number):
        known = trail.parent_of(branch)
        if known is not None:
            await _require_left(known, branch, trail, nodes)
            return known
        parent = await nodes.header(branch.parent_hash)
        if parent is None or not parent.is_parent_of(branch):
            raise ParentGone(branch)
        branch = parent
    raise DeepReorg(
        f"block {header.number} {header.hash} descends from none of the last {trail.depth + 1}"
        " blocks: the reorg is deeper than max_reorg_depth; `crypitor network resume` goes on from"
        " a block of your choice"
    )


async def _require_left(known: Header, branch: Header, trail: Trail, nodes: Nodes) -> None:
    """Raise NoBranch where the nodes still have ours above `known`, which `branch` skips."""
    skipped = next((one for one in trail.headers if one.number > known.number), None)
    if skipped is None or skipped.number >= branch.number:
        return
    if await nodes.header_at(skipped.number) == skipped:
        raise NoBranch(branch, known, skipped)


class NoBranch(NodeUnavailable):
    """A block stands on a lower one than the nodes have below it.

    block: that one.  wrong: what is wrong with it.
    """

    def __init__(self, block: Header, named: Header, skipped: Header) -> None:
        self.block = block
        self.wrong = (
            f"block {block.number} {block.hash} names block {named.number} as its parent, though"
            f" the nodes still have block {skipped.number} in between"
        )
        super().__init__(self.wrong)


class ParentGone(NodeUnavailable):
    """No node has the parent that a block names. block, wrong: as of NoBranch."""

    def __init__(self, block: Header) -> None:
        super().__init__(f"the parent of block {block.number} {block.hash} is gone")
        self.block = block
        named = block.parent_hash
        self.wrong = f"block {block.number} {block.hash} names a parent that no node has: {named}"


class Doubts:
    """Holds a node that left our branch against the others."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._tip: Header | None = None
        self._since = 0

    async def is_foreign(self, tip: Header, header: Header, node: str, now: int) -> bool:
        """Whether more of the other nodes have our tip than have another block there.

        Then the node is left alone for a while; but not for ever, if those who have our tip never
        show a block on top of it. now: unix milliseconds.
        """
        if tip != self._tip or now < self._since:  # or the clock was set back
            self._tip, self._since = tip, now
        elif now - self._since >= PATIENCE_MS:
            return False
        others = [one for one in await self._nodes.witnesses(tip.number, node) if one]
        ours = sum(one.hash == tip.hash for one in others)
        if ours <= len(others) - ours:
            return False
        self._nodes.accuse(node, f"block {header.number} {header.hash} is foreign to the others")
        return True


class Branches:
    """Goes back from a branch that left ours. gap: notes what is missing for how long."""

    def __init__(self, nodes: Nodes, gap: Gap) -> None:
        self._nodes = nodes
        self._gap = gap
        self._doubts = Doubts(nodes)

    async def ancestor(self, header: Header, node: str, trail: Trail, now: int) -> Header | None:
        """Return where the branch of `header` left ours; None where it is not believed.

        node: who showed it, and is not believed if the others say that there is no such branch.
        now: unix milliseconds. Raises DeepReorg where it left ours too long ago, BrokenLink if it
        stands on nothing for good, NodeUnavailable as long as that is not known.
        """
        tip = trail.tip
        assert tip is not None
        try:
            ancestor = await ancestor_of(header, trail, self._nodes)
        except DeepReorg:
            if await self.is_foreign(tip, header, node, now):
                return None
            raise
        except NodeUnavailable as gone:
            if isinstance(gone, ParentGone | NoBranch):
                self._gap.require_parent(gone.block, gone.wrong, now)
            self._nodes.accuse(node, str(gone))
            raise
        long = tip.number - ancestor.number >= LONG_FORK
        if long and await self.is_foreign(tip, header, node, now):
            return None
        return ancestor

    async def over(self, sight: Sight, number: int, trail: Trail, now: int) -> Header | bool:
        """Pass over a height that has no block: True; False while its block is waited for.

        Or return a block above it, where that is of a branch that left ours below the height.
        sight: what a node showed of the height.  now: unix milliseconds. Raises BrokenLink where
        what is above stands on nothing for good, NodeUnavailable when the block does not come.
        """
        tip = trail.tip
        above = await self._gap.above(sight, number) if tip is not None else None
        if tip is not None and above is not None:
            if tip.is_parent_of(above):
                self._gap.pass_over(number, tip, above)
                return True
            try:
                if await ancestor_of(above, trail, self._nodes) != tip:
                    return above
            except ParentGone as gone:
                await self._require_ground(gone, number, tip, now)
            except (NoBranch, DeepReorg):
                return above
        self._gap.wait_for(sight, number, now)
        return False

    async def _require_ground(self, gone: ParentGone, number: int, tip: Header, now: int) -> None:
        """Raise BrokenLink where neither a height nor a parent above it comes.

        Nodes that do not show the tip either have no history: what they lack is waited for.
        """
        if self._gap.is_old(number, now) and await self._nodes.header_at(tip.number) == tip:
            raise self._gap.broken(gone.block, gone.wrong, number)

    async def is_foreign(self, tip: Header, header: Header, node: str, now: int) -> bool:
        """Whether the other nodes contradict a branch; see `Doubts`."""
        return await self._doubts.is_foreign(tip, header, node, now)
