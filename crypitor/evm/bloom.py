"""The 2048-bit filter over addresses and topics of logs. Source: yellow paper, section 4.3.1."""

from collections.abc import Iterable

from crypitor.evm.keccak import keccak
from crypitor.evm.types import Log

_SIZE = 256
_LAST = _SIZE - 1


def bloom(items: Iterable[bytes]) -> bytes:
    """Return the 256-byte filter that has three bits set for each item.

    Each bit's number is the low 11 bits of one of the first three byte pairs of the hash; bit 0 is
    the lowest of the last byte.
    """
    bits = bytearray(_SIZE)
    for item in items:
        high1, low1, high2, low2, high3, low3 = keccak(item)[:6]
        bits[_LAST - ((high1 & 7) << 5 | low1 >> 3)] |= 1 << (low1 & 7)
        bits[_LAST - ((high2 & 7) << 5 | low2 >> 3)] |= 1 << (low2 & 7)
        bits[_LAST - ((high3 & 7) << 5 | low3 >> 3)] |= 1 << (low3 & 7)
    return bytes(bits)


def logs_bloom(logs: Iterable[Log]) -> bytes:
    """Return the 256-byte filter over the address and the topics of every log.

    An item that occurs again sets the same bits: each is hashed once.
    """
    items: set[str] = set()
    for log in logs:
        items.add(log.address)
        items.update(log.topics)
    return bloom(bytes.fromhex(item[2:]) for item in items)
