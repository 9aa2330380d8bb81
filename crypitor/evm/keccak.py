"""Keccak-256 as Ethereum uses it (the padding from before SHA-3 was standardised)."""

from sha3 import keccak_256


def keccak(data: bytes) -> bytes:
    """Return the 32-byte digest."""
    digest: bytes = keccak_256(data).digest()
    return digest
