"""A block that is larger than a broker's message: cut into parts, and put together again. Pure.

The parts of a message follow each other in one partition. They are missing only where their worker
died among them; then the block comes again whole, with a higher sequence.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

VERSION = b"\x02"

PART_BYTES = 900_000
"""Of the content: with its frame it stays below 1 MiB, the limit of a broker that was not told."""

MOST_PARTS = 1024

P = TypeVar("P", bound=Hashable)
"""A partition."""


class Part(msgspec.Struct, frozen=True, array_like=True):
    """One piece of an encoded message. place: from 0. count: of all pieces of that message."""

    network: str
    sequence: int
    place: int
    count: int
    content: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Part)


def cut(network: str, sequence: int, encoded: bytes, part_bytes: int = PART_BYTES) -> list[bytes]:
    """Return the records that carry an encoded message: itself, if it is small enough."""
    if len(encoded) <= part_bytes:
        return [encoded]
    pieces = [encoded[at : at + part_bytes] for at in range(0, len(encoded), part_bytes)]
    return [
        VERSION + _encoder.encode(Part(network, sequence, place, len(pieces), piece))
        for place, piece in enumerate(pieces)
    ]


def part_of(record: bytes) -> Part | None:
    """Return the part in a record, None if it is none. Raises ValueError for one that is broken."""
    if record[:1] != VERSION:
        return None
    try:
        part = _decoder.decode(record[1:])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as wrong:
        raise ValueError(f"not a part: {wrong}") from wrong
    if not 0 <= part.place < part.count <= MOST_PARTS or not part.content:
        raise ValueError(f"part {part.place} of {part.count}")
    return part


@dataclass(slots=True)
class Whole:
    """What has come of a message so far. offsets: of the records that carried it."""

    sequence: int
    count: int
    contents: dict[int, bytes] = field(default_factory=dict)
    offsets: list[int] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether no part is missing."""
        return len(self.contents) == self.count

    @property
    def encoded(self) -> bytes:
        """The message, once it is complete."""
        return b"".join(self.contents[place] for place in range(self.count))


class Joining(Generic[P]):
    """The unfinished message of each network, in each partition."""

    def __init__(self) -> None:
        self._open: dict[tuple[P, str], Whole] = {}

    def add(self, partition: P, offset: int, part: Part) -> tuple[Whole | None, list[int]]:
        """Take a part; return its message, if it is complete now, and the offsets given up.

        A worker sends one message after another, so whatever is not the newest is given up: what
        was left unfinished, or a part that comes late.
        """
        key = (partition, part.network)
        whole = self._open.get(key)
        given_up: list[int] = []
        if whole is not None and whole.sequence > part.sequence:
            return None, [offset]
        if whole is None or (whole.sequence, whole.count) != (part.sequence, part.count):
            given_up = whole.offsets if whole else []
            whole = self._open[key] = Whole(part.sequence, part.count)
        whole.contents[part.place] = part.content
        whole.offsets.append(offset)
        if not whole.is_complete:
            return None, given_up
        del self._open[key]
        return whole, given_up

    def give_up(self, partition: P, network: str, sequence: int) -> list[int]:
        """Give up what a whole message of a network came after; return its offsets."""
        whole = self._open.get((partition, network))
        if whole is None or whole.sequence > sequence:
            return []
        return self._open.pop((partition, network)).offsets

    def clear(self, partitions: Iterable[P] | None = None) -> None:
        """Forget some or all partitions."""
        if partitions is None:
            self._open.clear()
            return
        gone = set(partitions)
        self._open = {key: whole for key, whole in self._open.items() if key[0] not in gone}
