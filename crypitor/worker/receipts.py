"""Whether a node is asked for all receipts of a block at once, or for one after the other. Pure.

eth_getBlockReceipts is younger than many nodes, and switched off, limited or wrong at others. What
is known decides, and not what they say of it: a block has as many receipts as transactions.
"""

from msgspec.structs import replace

from crypitor.errors import NodeUnavailable, Unproven
from crypitor.evm.profiles import Profile
from crypitor.evm.types import Receipt
from crypitor.worker.block import Served

USELESS_BLOCKS = 3
"""After so many in a row whose receipts had to be asked for singly, a node is asked so at once."""

NULL_LOOKS = 2
"""At so many looks in a row they are null: then they are asked for singly."""

WRONG_LOOKS = 3
"""… or are there and prove nothing; other nodes are asked first."""

KEPT_SECONDS = 3600.0
"""How long, before the other way is tried again."""


class Bulk:
    """How eth_getBlockReceipts of one node fares. All times are seconds that only grow.

    reason: why it is not used, None while it is.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self._until = 0.0
        self._useless = 0
        self._failed_at: int | None = None
        self._failures = 0

    def is_used(self, now: float) -> bool:
        """Whether a node is asked for all receipts at once."""
        return now >= self._until

    def missing(self, reason: str) -> None:
        """Note that the node does not know the method at all: it is never asked for it again."""
        self.reason, self._until = reason, float("inf")

    def worked(self) -> None:
        """Note a block that was proven by receipts that came at once."""
        self._useless, self._failed_at, self.reason = 0, None, None

    def useless(self, reason: str, now: float) -> None:
        """Note a block that could be proven only by single receipts."""
        self._useless += 1
        if self._useless >= USELESS_BLOCKS and now >= self._until:
            self.reason, self._until = reason, now + KEPT_SECONDS

    def failures(self, number: int) -> int:
        """Count a look at a height whose receipts were no good; return how many in a row were."""
        self._failures = self._failures + 1 if self._failed_at == number else 1
        self._failed_at = number
        return self._failures


def is_miscounted(served: Served | None, wrong: NodeUnavailable) -> bool:
    """Whether a block was refused, and has not as many receipts as transactions."""
    return (
        isinstance(wrong, Unproven)
        and served is not None
        and len(served.receipts) != len(served.transactions)
    )


def with_statuses(served: Served, profile: Profile) -> Served:
    """Return a block whose receipts the root has proven, with the statuses that were left out.

    Without a status and without the root that stood in its place before Byzantium, a receipt is
    encoded like one that says 0: if that is what the header commits to, the transaction failed.
    """

    def told(receipt: Receipt, committed: bool) -> Receipt:
        if (
            receipt.status is not None
            or receipt.has_post_state
            or receipt.type in profile.untyped
            or not committed
        ):
            return receipt
        return replace(receipt, status="0x0")

    committed = profile.committed(served.transactions, served.receipts)
    return replace(served, receipts=tuple(map(told, served.receipts, committed)))
