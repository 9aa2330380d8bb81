"""How many calls a node takes in one request, as far as it showed. Pure.

Plans and gateways limit it, in as many ways as there are: with a status, an error for the whole
request or for each call, or fewer answers than calls. None of their words is believed: a request
that is refused is asked again in halves, and what is taken then is the size for this node.
"""

from typing import TYPE_CHECKING

from crypitor.errors import NodeUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crypitor.worker.rpc import Answer

KEPT_SECONDS = 600.0
"""How long a size is kept before a larger request is tried again; twice that the next time."""

LONGEST_KEPT_SECONDS = 86_400.0

POINTLESS_SECONDS = 15.0
"""A node that refused even a single call is not asked in halves for so long."""


class Refused(NodeUnavailable):
    """A node answered a request as a whole with something else than the answers to its calls.

    calls: how many it had.  answers: those to each call, where all of them are errors.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after)
        self.calls = 1
        self.answers: Sequence[Answer] | None = None


class Batches:
    """The size of requests that one node takes. All times are seconds that only grow.

    limit: the most calls in one request, None as long as none was found.  reason: what the node
    said to one call more, or to several.
    """

    def __init__(self) -> None:
        self.limit: int | None = None
        self.reason: str | None = None
        self._until = 0.0
        self._kept_seconds = KEPT_SECONDS
        self._taken = 0
        self._put_off = 0
        self._pointless_until = 0.0

    def most(self, now: float) -> int | None:
        """Return how many calls may go in one request; None for any number."""
        return self.limit if now < self._until else None

    def taken(self, calls: int) -> None:
        """Note a request that was answered."""
        self._put_off = 0
        self._taken = max(self._taken, calls)
        if self.limit is not None and calls > self.limit:
            self.limit, self.reason, self._kept_seconds = None, None, KEPT_SECONDS

    def may_be_too_many(self, refused: Refused, now: float) -> bool:
        """Whether to ask in halves what was refused.

        A node that says when it wants to be asked again is left alone for once.
        """
        if refused.calls < 2 or now < self._pointless_until:
            return False
        if refused.retry_after is not None and self._put_off != refused.calls:
            self._put_off = refused.calls
            return False
        return True

    def pointless(self, now: float) -> None:
        """Note that not even a single call was taken: the number of calls is not the trouble."""
        self._pointless_until = now + POINTLESS_SECONDS

    def found(self, size: int, refused: Refused, now: float) -> None:
        """Note that so many calls are taken where more were refused.

        What was taken before, and is refused for once, is not remembered: that was something else.
        """
        before, self._taken = self._taken, size
        if refused.calls <= before:
            return
        if self.limit is not None:
            self._kept_seconds = min(2 * self._kept_seconds, LONGEST_KEPT_SECONDS)
        self.limit, self.reason = size, str(refused)
        self._until = now + self._kept_seconds
