"""How many blocks one request for logs covers. Pure."""

FIRST = 500
MOST = 2_000
PATIENCE = 32
"""Answers at the greatest known span before a greater one is tried again."""

_HALF = 0.5


class Span:
    """Halved when a node refuses, grown again while it answers, up to what it refused before.

    Nodes limit ranges, results and time, in many words and with hints that are wrong: only the
    refusal itself is believed.
    """

    def __init__(self) -> None:
        self.blocks = FIRST
        self._ceiling = MOST
        self._answers = 0

    def refused(self, blocks: int) -> bool:
        """Ask for half of that from now on; False when it was a single block."""
        if blocks == 1:
            return False
        self.blocks = self._ceiling = blocks // 2
        self._answers = 0
        return True

    def answered(self) -> None:
        """Note that a node took it; it takes more than it refused, perhaps, after many of these."""
        self._answers += 1
        if self._answers >= PATIENCE:
            self._answers = 0
            self._ceiling = min(self._ceiling * 2, MOST)

    def filled(self, blocks: int, share: float) -> None:
        """Fit the span to what a part can hold.

        blocks: how many were taken.  share: of what a part can hold at most, how much that was.
        """
        if share >= 1:
            self.blocks = blocks
        elif share < _HALF:
            self.blocks = min(self.blocks * 2, self._ceiling)
