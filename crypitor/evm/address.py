"""Addresses and hashes as people write them."""

import re

from crypitor.evm.keccak import keccak
from crypitor.evm.types import Address, Hash

_ADDRESS = re.compile(r"0[xX]([0-9a-fA-F]{40})", re.ASCII)
_HASH = re.compile(r"0[xX]([0-9a-fA-F]{64})", re.ASCII)

ZERO_ADDRESS: Address = "0x" + "0" * 40


def checksummed(address: Address) -> str:
    """Return the EIP-55 form of a lower-case address."""
    digest = keccak(address[2:].encode()).hex()
    return "0x" + "".join(
        letter.upper() if int(digit, 16) >= 8 else letter
        for letter, digit in zip(address[2:], digest, strict=False)
    )


def parse_address(text: str) -> Address:
    """Return the lower-case form of an address in any case.

    Raises ValueError with a sentence for the user; a mixed-case address must carry a true EIP-55
    checksum, because a wrong one is a typing error that would watch somebody else's money.
    """
    found = _ADDRESS.fullmatch(text)
    if not found:
        raise ValueError("an address is 0x and 40 hex digits")
    digits = found[1]
    lower = "0x" + digits.lower()
    if digits not in (digits.lower(), digits.upper()) and checksummed(lower)[2:] != digits:
        raise ValueError(f"the EIP-55 checksum is wrong; the right one is {checksummed(lower)}")
    return lower


def parse_hash(text: str) -> Hash:
    """Return the lower-case form of a 32-byte hash. Raises ValueError with a sentence."""
    found = _HASH.fullmatch(text)
    if not found:
        raise ValueError("a hash is 0x and 64 hex digits")
    return "0x" + found[1].lower()
