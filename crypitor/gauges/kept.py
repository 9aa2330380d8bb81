"""Gauges that were looked at lately, as they are stored: a touched one need not be read again."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from crypitor.evm.multicall import Read
from crypitor.evm.types import Address, Hash
from crypitor.monitor.gauges import Gauge, Looked, Standing

MOST_KEPT = 20_000
"""Gauges, some 25 MB; those that were read first go first."""


@dataclass(slots=True)
class Watched:
    """A gauge, what it asks, and where it stands."""

    gauge: Gauge
    read: Read
    standing: Standing


class Kept:
    """What is in memory is what is stored, after one block and one change of a monitor.

    Whatever anybody else did meanwhile, in this process or in another, shows in one of the two.
    most: gauges that are kept.
    """

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._of: tuple[int, Hash | None] | None = None
        self._subjects: dict[Address, Sequence[Watched]] = {}
        self._count = 0

    def __contains__(self, subject: Address) -> bool:
        """Whether the gauges of an account or a contract need not be read."""
        return subject in self._subjects

    def clear(self) -> None:
        """Keep nothing."""
        self._of, self._count = None, 0
        self._subjects.clear()

    def subjects(self, revision: int, looked: Hash | None) -> Collection[Address]:
        """Return whose gauges need not be read, as of a revision and the block looked at last."""
        return self._subjects.keys() if self._of == (revision, looked) else ()

    def begin(self, revision: int, looked: Hash | None) -> None:
        """Keep on what is of this revision and this block, and nothing else."""
        if self._of != (revision, looked):
            self.clear()
            self._of = (revision, looked)

    def of(self, subjects: Iterable[Address]) -> Iterable[Watched]:
        """Return the gauges of those that are kept."""
        return chain.from_iterable(self._subjects.get(subject, ()) for subject in subjects)

    def put(self, subject: Address, gauges: Sequence[Watched]) -> None:
        """Keep all gauges of an account or a contract."""
        self._count += len(gauges) - len(self._subjects.pop(subject, ()))
        self._subjects[subject] = gauges
        while self._count > self._most:
            first = next(iter(self._subjects))
            self._count -= len(self._subjects.pop(first))

    def looked(self, block: Hash, pairs: Iterable[tuple[Watched, Looked]]) -> None:
        """Take over what was stored of a look at a block."""
        assert self._of is not None
        self._of = (self._of[0], block)
        for watched, looked in pairs:
            watched.standing = looked.standing
