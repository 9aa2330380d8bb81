"""How far a consumer is in each partition, when messages are done in any order. Pure."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, TypeVar

from crypitor.queue import Message

P = TypeVar("P", bound=Hashable)
"""A partition."""


class Taken(Generic[P]):
    """Which records were read, and which of them are done, in each partition."""

    def __init__(self) -> None:
        self._done: dict[P, dict[int, bool]] = {}
        self._places: dict[tuple[str, int], tuple[P, Sequence[int]]] = {}

    def read(self, partition: P, offset: int) -> None:
        """Note a record that was read: nothing is committed beyond it before it is done."""
        self._done.setdefault(partition, {})[offset] = False

    def returned(self, partition: P, offsets: Sequence[int], message: Message) -> None:
        """Note which records carried a message that was returned by `next`."""
        twin = self._places.get((message.network, message.sequence))
        if twin is not None:
            self.dismissed(*twin)
        self._places[message.network, message.sequence] = (partition, offsets)

    def dismissed(self, partition: P, offsets: Iterable[int]) -> None:
        """Note records that no `done` will come for."""
        known = self._done.get(partition, {})
        known.update((offset, True) for offset in offsets if offset in known)

    def done(self, message: Message) -> P | None:
        """Note that a message is done; return its partition, None if it was given back since."""
        place = self._places.pop((message.network, message.sequence), None)
        if place is None:
            return None
        partition, offsets = place
        self.dismissed(partition, offsets)
        return partition

    def settled(self, partition: P) -> int | None:
        """Forget what is done without anything undone before it; return the offset after that.

        None if that is nothing.
        """
        offsets = self._done.get(partition, {})
        after = None
        for offset in sorted(offsets):
            if not offsets[offset]:
                break
            del offsets[offset]
            after = offset + 1
        return after

    def clear(self, partitions: Iterable[P] | None = None) -> dict[P, int]:
        """Forget some or all partitions; return the first offset of each that is not done."""
        chosen = [*self._done] if partitions is None else [*partitions]
        firsts = {}
        for partition in chosen:
            undone = [at for at, done in self._done.pop(partition, {}).items() if not done]
            if undone:
                firsts[partition] = min(undone)
        self._places = {key: place for key, place in self._places.items() if place[0] in self._done}
        return firsts
