"""Many addresses in a few large pieces of memory.

As objects, 200,000 of them take 40 MB in small pieces, of which a few that are used again keep the
memory around them from coming back. Here they take 5 MB, twice that while they are read.
"""

from array import array

from crypitor.evm.types import Address

ADDRESS_BYTES = 20


class Packed:
    """Addresses in any order, each with a label or None; one may come again.

    repeated: how many have come again, as far as they were put into order.
    """

    __slots__ = ("_addresses", "_ends", "_labels", "_settled", "repeated")

    def __init__(self) -> None:
        self.repeated = 0
        self.clear()

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, address: Address, label: str | None) -> None:
        """Put one to the others; an empty label is none."""
        self._addresses += bytes.fromhex(address[2:])
        if label:
            self._labels += label.encode()
        self._ends.append(len(self._labels))

    def settle(self) -> None:
        """Make all that were added ready to be read."""
        self._settled = bytes(self._addresses)

    def raw(self, place: int) -> bytes:
        """Return the 20 bytes of an address; places begin with 0."""
        at = place * ADDRESS_BYTES
        return self._settled[at : at + ADDRESS_BYTES]

    def address(self, place: int) -> Address:
        """Return an address as text."""
        return "0x" + self.raw(place).hex()

    def label(self, place: int) -> str | None:
        """Return the label that came with it."""
        if not self._labels:
            return None
        first = self._ends[place - 1] if place else 0
        return self._labels[first : self._ends[place]].decode() or None

    def clear(self) -> None:
        """Forget all of them."""
        self._addresses = bytearray()
        self._settled = b""
        self._labels = bytearray()
        self._ends = array("I")
