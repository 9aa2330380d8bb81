"""How far a consumer is in each partition, when messages are done in any order. Pure."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from crypitor.queue import Message

P = TypeVar("P", bound=Hashable)
"""A partition."""


class Taken(Generic[P]):
    """Which messages were returned by `next`, and which of them are done, in each partition."""

    def __init__(self) -> None:
        self._done: dict[P, dict[int, bool]] = {}
        self._places: dict[tuple[str, int], tuple[P, int]] = {}

    def add(self, partition: P, offset: int, message: Message | None) -> None:
        """Note what was returned; None, which no `done` will come for, is done."""
        self._done.setdefault(partition, {})[offset] = message is None
        if message is not None:
            self._places[message.network, message.sequence] = (partition, offset)

    def done(self, message: Message) -> P | None:
        """Note that a message is done; return its partition, None if it was given back since."""
        place = self._places.pop((message.network, message.sequence), None)
        if place is None:
            return None
        partition, offset = place
        self._done[partition][offset] = True
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
