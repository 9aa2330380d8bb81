"""The 2048-bit filter over addresses and topics of logs. Source: yellow paper, section 4.3.1."""

import struct
from binascii import unhexlify
from collections.abc import Iterable

from sha3 import keccak_256

from crypitor.evm.types import Log

_SIZE = 256
_BITS = 8 * _SIZE
_LOW_BITS = (_BITS - 1).to_bytes(2, "big")
_ONE = ord("1")


def bloom(items: Iterable[bytes]) -> bytes:
    """Return the 256-byte filter that has three bits set for each item.

    Each bit's number is the low 11 bits of one of the first three byte pairs of the hash; bit 0 is
    the lowest of the last byte.
    """
    digests = b"".join([keccak_256(item).digest()[:6] for item in items])
    size = len(digests)
    # The other bits are cleared in one go: as many bytes as one number.
    mask = int.from_bytes(_LOW_BITS * (size // 2), "big")
    numbers = (int.from_bytes(digests, "big") & mask).to_bytes(size, "big")
    digits = bytearray(b"0") * _BITS
    for number in struct.unpack(f">{size // 2}H", numbers):
        digits[number] = _ONE
    digits.reverse()
    return int(digits, 2).to_bytes(_SIZE, "big")


def logs_bloom(logs: Iterable[Log]) -> bytes:
    """Return the 256-byte filter over the address and the topics of every log.

    An item that occurs again sets the same bits: each is hashed once.
    """
    logs = [*logs]
    texts = {log.address for log in logs}
    texts.update(*[log.topics for log in logs])
    try:
        items = [unhexlify(text[2:]) for text in texts]
    except ValueError:
        items = [bytes.fromhex(text[2:]) for text in texts]  # skips blanks
    return bloom(items)
