"""Of which transactions of a block a receipt is needed, by what monitors ask now. Pure.

Most of what a node sends of a block is receipts, for their logs. Where nobody asks about logs, they
tell of few transactions whether they succeeded.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from crypitor.evm.types import Block, Hash
from crypitor.monitor.index import Index
from crypitor.monitor.match import Tally, search
from crypitor.monitor.models import Match


@dataclass(frozen=True, slots=True)
class Needed:
    """What the monitors of a network need to know of its blocks, as the index has them now."""

    index: Index
    network: str
    chain_id: int

    @property
    def all(self) -> bool:
        """Whether some rule can be answered only by all receipts of a block."""
        return self.network in self.index.asked.by_receipts

    def of(self, block: Block, most: int) -> set[Hash]:
        """Return the transactions whose receipts are needed, of a block of which none is known.

        Those that create, whose receipt alone says what, and those that match if they succeeded. Of
        more than `most` some are left out.
        """
        needed = {
            one.hash
            for one in block.transactions
            if one.to is None or any(call.to is None for call in one.calls)
        }
        for match in search(block, self.network, self.chain_id, self.index, Tally()):
            if match is not None and match.transaction is not None:
                needed.add(match.transaction.hash)
                if len(needed) > most:
                    break
        return needed


def is_known(block: Block, network: str, index: Index, matches: Iterable[Match]) -> bool:
    """Whether a block holds what its search in the index, as it is now, had to know."""
    if block.known is None:
        return True
    if network in index.asked.by_receipts:
        return False
    known = {*block.known}
    return all(one.transaction is None or one.transaction.hash in known for one in matches)
