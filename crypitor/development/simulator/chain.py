"""A chain that is mined and forked on demand, the same for the same seed."""

from collections import Counter, defaultdict
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import TypeVar

from crypitor.development.simulator.blocks import Mined, Place, SimulatedBlock, sealed
from crypitor.development.simulator.contracts import Contracts, deployed
from crypitor.development.simulator.happened import Happened
from crypitor.development.simulator.ledger import Entries
from crypitor.development.simulator.making import BlockInMaking, Recipe
from crypitor.development.simulator.quirks import Quirk
from crypitor.development.simulator.traffic import Traffic
from crypitor.development.simulator.transactions import Actor
from crypitor.evm.keccak import keccak
from crypitor.evm.types import Hash

_GENESIS_TIME = 1_767_225_600  # 2026-01-01T00:00:00Z
_AUTHORITIES = 5
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Branch:
    """Blocks that are ready to be adopted.

    head: the head of the chain when they were made.  depth: how many blocks from there they
    replace.  blocks: each on top of the one before.
    """

    head: Hash
    depth: int
    blocks: tuple[SimulatedBlock, ...]


class SimulatedChain:
    """Blocks from genesis to head, and the orphaned ones beside them.

    seed: the same seed, parameters and calls give the same hashes, in every process.
    transfers: least and most movements in a block.  actors: how many.
    genesis_time: unix seconds; block n has the timestamp genesis_time + n · block_seconds.
    safe_depth, finalized_depth: how many blocks the tags stay behind the head.
    left: the head that the last reorg orphaned.  arrivals: how often each block that is kept came
    onto the chain: once, and once more whenever the chain went back to it.
    quirks: how its blocks differ from Ethereum's.
    keep_blocks: blocks further below the head are forgotten, as a pruned node does, so that a
    chain may run for ever; None keeps all.
    coin_logs: whether COIN_LOGS is one of them.
    withdrawals: least and most in a block (EIP-4895).
    state_blocks: of how many blocks from the head down nodes have the state; None for all.
    multicall: whether Multicall3 is deployed.
    access_lists: whether nodes serve block access lists.
    """

    def __init__(
        self,
        seed: int | str = 0,
        *,
        chain_id: int = 1337,
        transfers: tuple[int, int] = (20, 60),
        actors: int = 100,
        genesis_time: float = _GENESIS_TIME,
        block_seconds: float = 1.0,
        safe_depth: int = 32,
        finalized_depth: int = 64,
        keep_blocks: int | None = None,
        coin_logs: bool = False,
        withdrawals: tuple[int, int] = (0, 0),
        quirks: Iterable[Quirk] = (),
        state_blocks: int | None = None,
        multicall: bool = True,
        access_lists: bool = False,
    ) -> None:
        if not 0 <= transfers[0] <= transfers[1]:
            raise ValueError(f"transfers are least and most, got {transfers}")
        if actors < 1:
            raise ValueError(f"a chain has one actor or more, got {actors}")
        if min(safe_depth, finalized_depth) < 0:
            raise ValueError(f"depths are 0 or more, got {safe_depth} and {finalized_depth}")
        self.seed = str(seed)
        self.state_blocks = state_blocks
        self.multicall = multicall
        self.access_lists = access_lists
        self.chain_id = chain_id
        self.block_seconds = block_seconds
        self.safe_depth = safe_depth
        self.finalized_depth = finalized_depth
        self.contracts: Contracts = deployed(self.seed)
        self.actors: tuple[Actor, ...] = tuple(
            Actor.named(f"{self.seed}/actor/{number}") for number in range(actors)
        )
        self.reorg_count = 0
        self.left: SimulatedBlock | None = None
        self.arrivals: Counter[Hash] = Counter()
        self._genesis_time = genesis_time
        self._keep_blocks = keep_blocks
        self._recipe = Recipe(
            seed=f"{self.seed}/chain {chain_id}",
            chain_id=chain_id,
            transfers=transfers,
            actors={actor.address: actor for actor in self.actors},
            authorities=tuple(
                Actor.named(f"{self.seed}/authority/{number}") for number in range(_AUTHORITIES)
            ),
            traffic=Traffic(self.actors, self.contracts),
            beneficiary="0x" + keccak(f"{self.seed}/beneficiary".encode())[12:].hex(),
            withdrawals=withdrawals,
            quirks=frozenset([*quirks, *([Quirk.COIN_LOGS] if coin_logs else [])]),
        )
        self._state = Entries()
        self._undo: dict[Hash, Entries] = {}
        self._canonical: list[Hash] = []
        self._blocks: dict[Hash, SimulatedBlock] = {}
        self._at_height: dict[int, list[Hash]] = defaultdict(list)
        self._transactions: dict[Hash, tuple[SimulatedBlock, Mined]] = {}
        self._forgotten = 0
        self._append(self._genesis())

    # What there is

    @property
    def head(self) -> SimulatedBlock:
        """The newest block."""
        return self._blocks[self._canonical[-1]]

    @property
    def safe(self) -> SimulatedBlock:
        """The block that the tag `safe` names."""
        return self._behind(self.safe_depth)

    @property
    def finalized(self) -> SimulatedBlock:
        """The block that the tag `finalized` names."""
        return self._behind(self.finalized_depth)

    def by_number(self, number: int) -> SimulatedBlock | None:
        """Return the canonical block; None above the head and for a forgotten one."""
        if not 0 <= number < len(self._canonical):
            return None
        return self._blocks.get(self._canonical[number])

    def by_hash(self, block_hash: Hash) -> SimulatedBlock | None:
        """Return a block, canonical or orphaned."""
        return self._blocks.get(block_hash)

    def is_canonical(self, block: SimulatedBlock) -> bool:
        """Whether a block is on the present chain."""
        return self.by_number(block.number) is block

    def at_least(self, number: int) -> SimulatedBlock:
        """Return the canonical block at a height up to the head, or the oldest that is kept."""
        return self._blocks[self._canonical[max(number, self._oldest)]]

    def orphaned_heads(self) -> list[SimulatedBlock]:
        """Return the blocks at which the branches end that were left and are kept, oldest first."""
        parents = {block.parent_hash for block in self._blocks.values()}
        return [
            block
            for block in self._blocks.values()
            if block.hash not in parents and not self.is_canonical(block)
        ]

    def heights_reached(self) -> dict[Hash, int]:
        """Return for each block that is kept the greatest height that was built on top of it."""
        reached: dict[Hash, int] = {}
        for block in sorted(self._blocks.values(), key=lambda each: -each.number):
            height = reached.setdefault(block.hash, block.number)
            reached[block.parent_hash] = max(reached.get(block.parent_hash, 0), height)
        return reached

    @property
    def deepest_reorg(self) -> int:
        """How many blocks can be replaced: all that are kept but the oldest."""
        return self.head.number - self._oldest

    def canonical(self) -> list[Hash]:
        """Return the hashes of the present chain; that of block n stands at n."""
        return list(self._canonical)

    def transaction(self, transaction_hash: Hash) -> tuple[SimulatedBlock, Mined] | None:
        """Return a transaction of the present chain and its block."""
        return self._transactions.get(transaction_hash)

    def truth(self, block_hash: Hash) -> list[Happened]:
        """Return every movement in a block, in order. Raises KeyError for an unknown block."""
        return list(self._blocks[block_hash].truth)

    def beside(self, block_hash: Hash) -> list[Happened]:
        """Return what else happened: transactions as such, delegations and withdrawals."""
        return self._blocks[block_hash].beside

    # What can be done

    def mine(self, count: int = 1, *, timestamp: int | None = None) -> list[SimulatedBlock]:
        """Put `count` blocks on top.

        timestamp: unix seconds of the first of them; left out, it follows from the number.
        """
        mined: list[SimulatedBlock] = []
        for _ in range(count):
            branch = _finish(self.making(timestamp=timestamp))
            self.adopt(branch)
            mined += branch.blocks
            timestamp = None
        return mined

    def reorg(self, depth: int, length: int | None = None) -> list[SimulatedBlock]:
        """Replace the last `depth` blocks by `length` others, depth + 1 of them by default.

        Some of the orphaned transactions are mined again, some are lost, some are new. `length`
        may be smaller than `depth`, and 0. Raises ValueError where there is no such depth.
        """
        branch = _finish(self.making(depth=depth, length=depth + 1 if length is None else length))
        self.adopt(branch)
        return list(branch.blocks)

    def go_back(self, block_hash: Hash) -> None:
        """Make an orphaned block the head again, with the branch that it is on top of.

        Raises ValueError for a block that is not known or not orphaned.
        """
        self.adopt(self.branch_to(block_hash))

    def branch_to(self, block_hash: Hash) -> Branch:
        """Return the way from the head to an orphaned block, ready to be adopted."""
        blocks: list[SimulatedBlock] = []
        block = self._blocks.get(block_hash)
        while block is not None and not self.is_canonical(block):
            blocks.insert(0, block)
            block = self._blocks.get(block.parent_hash)
        if block is None or not blocks:
            raise ValueError(f"no orphaned block on this chain: {block_hash}")
        return Branch(self.head.hash, self.head.number - block.number, tuple(blocks))

    def making(
        self, *, depth: int = 0, length: int = 1, timestamp: int | None = None
    ) -> Generator[None, None, Branch]:
        """Make the blocks of `mine` or `reorg` in steps of less than a millisecond or a few.

        The chain stays as it is until the branch is adopted. Raises ValueError at once.
        """
        if not 0 <= depth <= self.deepest_reorg:
            raise ValueError(f"depth is 0 to {self.deepest_reorg}, got {depth}")
        if length < 0:
            raise ValueError(f"length is 0 or more, got {length}")
        first_orphan = len(self._canonical) - depth
        orphaned = [self._blocks[each] for each in self._canonical[first_orphan:]]
        parent = self._blocks[self._canonical[first_orphan - 1]]
        return self._make(self.head, parent, orphaned, length, timestamp)

    def adopt(self, branch: Branch) -> bool:
        """Make the branch canonical. False, and no change, if the head moved since it was made."""
        if branch.head != self.head.hash:
            return False
        if branch.depth:
            self.left = self.head
        for _ in range(branch.depth):
            self._remove_head()
        for block in branch.blocks:
            self._append(block)
        if branch.depth:
            self.reorg_count += 1
        self._forget()
        return True

    def _make(
        self,
        head: SimulatedBlock,
        parent: SimulatedBlock,
        orphaned: list[SimulatedBlock],
        length: int,
        timestamp: int | None,
    ) -> Generator[None, None, Branch]:
        orphans = [mined for block in orphaned for mined in block.transactions]
        above = Entries()
        for block in reversed(orphaned):
            above.update(self._undo[block.hash])
        blocks: list[SimulatedBlock] = []
        branch = self.reorg_count + bool(orphaned)
        for _ in range(length):
            at = self._timestamp(parent.number + 1) if timestamp is None else timestamp
            at = max(at, parent.timestamp)
            making = BlockInMaking(self._recipe, parent, branch, at, above, self._state)
            parent = yield from making.make(orphans)
            above.update(parent.changes)
            blocks.append(parent)
            timestamp = None
        return Branch(head.hash, len(orphaned), tuple(blocks))

    def _append(self, block: SimulatedBlock) -> None:
        self._undo[block.hash] = {key: self._state.get(key, 0) for key in block.changes}
        self._state.update(block.changes)
        self._canonical.append(block.hash)
        self.arrivals[block.hash] += 1
        if block.hash not in self._blocks:
            self._blocks[block.hash] = block
            self._at_height[block.number].append(block.hash)
        for mined in block.transactions:
            self._transactions[mined.signed.hash] = (block, mined)

    def _remove_head(self) -> None:
        """Orphan the head; it stays readable by its hash."""
        block = self.head
        self._canonical.pop()
        self._state.update(self._undo.pop(block.hash))
        for mined in block.transactions:
            del self._transactions[mined.signed.hash]

    def _forget(self) -> None:
        """Drop the blocks that are too old, but never the genesis block."""
        if self._keep_blocks is None:
            return
        while self._forgotten < self.head.number - self._keep_blocks:
            self._forgotten += 1
            for block_hash in self._at_height.pop(self._forgotten, ()):
                block = self._blocks.pop(block_hash)
                del self.arrivals[block_hash]
                self._undo.pop(block_hash, None)
                for mined in block.transactions:
                    found = self._transactions.get(mined.signed.hash)
                    if found and found[0].hash == block_hash:
                        del self._transactions[mined.signed.hash]

    @property
    def _oldest(self) -> int:
        """The oldest block from which on none is missing."""
        return self._forgotten + 1 if self._forgotten else 0

    def _behind(self, depth: int) -> SimulatedBlock:
        return self.at_least(self.head.number - depth)

    def _timestamp(self, number: int) -> int:
        return int(self._genesis_time + number * self.block_seconds)

    def _genesis(self) -> SimulatedBlock:
        place = Place(
            parent=None,
            timestamp=self._timestamp(0),
            gas_limit=self._recipe.gas_limit,
            mark=f"crypitor chain {self.chain_id}".encode(),
            randomness=keccak(self._recipe.seed.encode()),
            beneficiary=self._recipe.beneficiary,
            quirks=self._recipe.quirks,
        )
        return sealed(place, (), {})


def _finish(making: Generator[None, None, _T]) -> _T:
    """Run a generator to its end and return what it returns."""
    while True:
        try:
            next(making)
        except StopIteration as end:
            value: _T = end.value
            return value
