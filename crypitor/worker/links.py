"""Blocks that do not say what they stand on, as Hardhat makes them when it mines many at once.

What one block leaves out, its neighbours tell: the block of the height below, and that the block
above, where there is one, stands on it or says nothing either.
"""

from collections.abc import Awaitable, Callable, Sequence

import structlog
from msgspec.structs import replace

from crypitor.errors import NodeUnavailable
from crypitor.evm.types import Header

log = structlog.get_logger(__name__)

NO_PARENT = "0x" + "00" * 32


class Links:
    """Gives the blocks of one node the parents that they leave out; warns of it once.

    node: its name, for the log. wanted: whether the chain is known to have such blocks; on others
    they stay as they are. read: returns the headers of some heights, as they were served, those
    that the node does not have left out.
    """

    def __init__(
        self,
        node: str,
        *,
        wanted: bool,
        read: Callable[[Sequence[int]], Awaitable[Sequence[Header]]],
    ) -> None:
        self._node = node
        self._wanted = wanted
        self._read = read
        self._told = False

    async def one(self, header: Header) -> Header:
        """Return a header with its parent. Raises NodeUnavailable where neighbours disagree."""
        return (await self.all((header,)))[0] if self._lacks(header) else header

    async def all(self, headers: Sequence[Header]) -> list[Header]:
        """Return headers, each with its parent. Raises NodeUnavailable where neighbours disagree.

        The headers themselves are read again with their neighbours: all are of one branch then.
        """
        lacking = [header for header in headers if self._lacks(header)]
        if not lacking:
            return [*headers]
        near = {header.number + step for header in lacking for step in (-1, 0, 1)}
        shown = {header.number: header for header in await self._read(sorted(near))}
        parents = {header.hash: _parent_of(header, shown) for header in lacking}
        self._tell(lacking[0])
        return [
            replace(header, parent_hash=parents.get(header.hash, header.parent_hash))
            for header in headers
        ]

    def _lacks(self, header: Header) -> bool:
        return self._wanted and header.parent_hash == NO_PARENT and header.number > 0

    def _tell(self, header: Header) -> None:
        if self._told:
            return
        self._told = True
        log.warning(
            "blocks name no parent: taken to stand on the block of the height below",
            node=self._node,
            block=header.number,
            hash=header.hash,
        )


def _parent_of(header: Header, shown: dict[int, Header]) -> str:
    """Return the hash of the block below, if both neighbours agree that it is the parent."""
    number = header.number
    below, itself, above = (shown.get(number + step) for step in (-1, 0, 1))
    if (
        below is None
        or itself is None
        or itself.hash != header.hash
        or below.timestamp > header.timestamp
        or (above is not None and above.parent_hash not in (header.hash, NO_PARENT))
    ):
        raise NodeUnavailable(
            f"block {number} {header.hash} names no parent, and what is beside it does not tell it"
        )
    return below.hash
