"""A chain as one backend of a node sees it: behind the others, or still on a branch they left."""

from collections.abc import Iterator
from typing import Protocol

from crypitor.development.simulator.blocks import Mined, SimulatedBlock
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.evm.types import Hash


class Shown(Protocol):
    """What the methods of a node need of a chain; see `SimulatedChain`."""

    @property
    def chain_id(self) -> int:
        """The answer to eth_chainId."""

    @property
    def head(self) -> SimulatedBlock:
        """The newest block."""

    @property
    def safe(self) -> SimulatedBlock:
        """The block that the tag `safe` names."""

    @property
    def finalized(self) -> SimulatedBlock:
        """The block that the tag `finalized` names."""

    def by_number(self, number: int) -> SimulatedBlock | None:
        """Return the block at a height."""

    def by_hash(self, block_hash: Hash) -> SimulatedBlock | None:
        """Return a block that is known."""

    def transaction(self, transaction_hash: Hash) -> tuple[SimulatedBlock, Mined] | None:
        """Return a transaction and its block."""


class Backend:
    """Sees a chain up to `head`, which may be orphaned.

    forgetful: whether it knows nothing of the blocks above; else only its tags are behind.
    """

    def __init__(
        self, chain: SimulatedChain, head: SimulatedBlock, *, forgetful: bool = True
    ) -> None:
        self.chain_id = chain.chain_id
        self.head = head
        self._chain = chain
        self._forgetful = forgetful
        self._branch = {block.number: block for block in _off_chain(chain, head)}

    @property
    def safe(self) -> SimulatedBlock:
        """The block that the tag `safe` names."""
        return self._behind(self._chain.safe_depth)

    @property
    def finalized(self) -> SimulatedBlock:
        """The block that the tag `finalized` names."""
        return self._behind(self._chain.finalized_depth)

    def by_number(self, number: int) -> SimulatedBlock | None:
        """Return the block at a height."""
        if self._forgetful and number > self.head.number:
            return None
        return self._branch.get(number) or self._chain.by_number(number)

    def by_hash(self, block_hash: Hash) -> SimulatedBlock | None:
        """Return a block that is not above the head."""
        block = self._chain.by_hash(block_hash)
        if block is None or (self._forgetful and block.number > self.head.number):
            return None
        return block

    def transaction(self, transaction_hash: Hash) -> tuple[SimulatedBlock, Mined] | None:
        """Return a transaction of this backend's chain and its block."""
        for block in self._branch.values():
            for mined in block.transactions:
                if mined.signed.hash == transaction_hash:
                    return block, mined
        found = self._chain.transaction(transaction_hash)
        return found if found and self.by_number(found[0].number) is found[0] else None

    def _behind(self, depth: int) -> SimulatedBlock:
        number = self.head.number - depth
        return self._branch.get(number) or self._chain.at_least(number)


def _off_chain(chain: SimulatedChain, head: SimulatedBlock) -> Iterator[SimulatedBlock]:
    """Yield the orphaned blocks from `head` down."""
    block: SimulatedBlock | None = head
    while block is not None and not chain.is_canonical(block):
        yield block
        block = chain.by_hash(block.parent_hash)
