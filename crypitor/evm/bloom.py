"""The 2048-bit filter over addresses and topics of logs. Source: yellow paper, section 4.3.1."""

import struct
from collections.abc import Iterable

from sha3 import keccak_256

from crypitor.evm.types import Log

_SIZE = 256
_BITS = 8 * _SIZE
_LAST_BIT = _BITS - 1
_ONE = ord("1")


def bloom(items: Iterable[bytes]) -> bytes:
    """Return the 256-byte filter that has three bits set for each item.

    Each bit's number is the low 11 bits of one of the first three byte pairs of the hash; bit 0 is
    the lowest of the last byte.
    """
    digests = b"".join([keccak_256(item).digest()[:6] for item in items])
    digits = bytearray(b"0") * _BITS
    for number in struct.unpack(f">{len(digests) // 2}H", digests):
        digits[_LAST_BIT - (number & _LAST_BIT)] = _ONE
    return int(digits, 2).to_bytes(_SIZE, "big")


def logs_bloom(logs: Iterable[Log]) -> bytes:
    """Return the 256-byte filter over the address and the topics of every log.

    An item that occurs again sets the same bits: each is hashed once.
    """
    items: set[str] = set()
    for log in logs:
        items.add(log.address)
        items.update(log.topics)
    return bloom([bytes.fromhex(item[2:]) for item in items])
