"""Where a block stands to what has been matched of its chain. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from crypitor.evm.types import Header


def kept_headers(max_reorg_depth: int) -> int:
    """Return how many matched headers are kept.

    Twice what one reorg may orphan: where a chain gets shorter, the next reorg goes back from a
    lower tip, and headers that were dropped do not come back.
    """
    return 2 * max_reorg_depth + 1


@dataclass(frozen=True, slots=True)
class Position:
    """What has been matched of one chain.

    sequence: of the last message that took effect.
    headers: the newest matched blocks, each the parent of the next; the last one is the tip.
    Empty before the first block.
    first: the height of that, where it was settled; None for any, and where there are headers.
    """

    sequence: int
    headers: tuple[Header, ...]
    first: int | None = None

    @property
    def tip(self) -> Header | None:
        """The newest block that has been matched."""
        return self.headers[-1] if self.headers else None

    def with_block(
        self, sequence: int, ancestor: Header | None, header: Header, keep: int
    ) -> "Position":
        """Return the position after `header` was put on top of `ancestor`."""
        kept = [known for known in self.headers if ancestor and known.number <= ancestor.number]
        return Position(sequence, (*kept, header)[-keep:])


@dataclass(frozen=True, slots=True)
class Extends:
    """The block comes next.

    ancestor: what it stands on; None for the very first block.
    orphaned: matched blocks that it replaces, oldest first; empty unless the chain reorganised.
    """

    ancestor: Header | None
    orphaned: tuple[Header, ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """The block was matched before, or was published before something that was matched since."""


@dataclass(frozen=True, slots=True)
class Unlinked:
    """The block's parent is not known: something is missing in between."""


def place(position: Position, sequence: int, header: Header) -> Extends | Repeated | Unlinked:
    """Say what a published block is, seen from what has been matched."""
    if sequence <= position.sequence or header in position.headers:
        return Repeated()
    if not position.headers:
        return Extends(None, ()) if position.first in (None, header.number) else Unlinked()
    return _linked(position.headers, header) or Unlinked()


def _linked(headers: Sequence[Header], header: Header) -> Extends | None:
    """Find what a block stands on. Only above the tip may a height be without a block.

    Who goes back to stand on a lower one over such a height has the branch left before.
    """
    last = len(headers) - 1
    for at in range(last, -1, -1):
        known = headers[at]
        if known.is_parent_of(header) and (at == last or header.number == known.number + 1):
            return Extends(headers[at], tuple(headers[at + 1 :]))
    return None
