"""Addresses and hashes as people write them."""

import re
from functools import lru_cache

from crypitor.evm.keccak import keccak
from crypitor.evm.types import Address, Hash

_ADDRESS = re.compile(r"0[xX]([0-9a-fA-F]{40})", re.ASCII)
# The quote that begins a text is not escaped; one within it is.
_JSON_ADDRESS = re.compile(r'(?<!\\)"(0x[0-9a-f]{40})"(?!\s*:)', re.ASCII)
_HASH = re.compile(r"0[xX]([0-9a-fA-F]{64})", re.ASCII)

# For each digit of an address whether it is a letter, and a capital; of a digest, 8 or more.
_LETTERS = bytes.maketrans(b"0123456789abcdef", b"0" * 10 + b"1" * 6)
_CAPITALS = bytes.maketrans(b"0123456789abcdefABCDEF", b"0" * 16 + b"1" * 6)
_HIGH = bytes.maketrans(b"0123456789abcdef", b"0" * 8 + b"1" * 8)

ZERO_ADDRESS: Address = "0x" + "0" * 40


def checksummed(address: Address) -> str:
    """Return the EIP-55 form of a lower-case address."""
    digest = keccak(address[2:].encode()).hex()
    return "0x" + "".join(
        letter.upper() if int(digit, 16) >= 8 else letter
        for letter, digit in zip(address[2:], digest, strict=False)
    )


_written = lru_cache(maxsize=10_000)(checksummed)


def checksummed_json(text: str) -> str:
    """Return JSON text with each value that is a lower-case address in its EIP-55 form.

    Names of fields, and addresses within longer texts, stay as they are.
    """
    return _JSON_ADDRESS.sub(lambda found: f'"{_written(found[1])}"', text)


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
    if digits not in (lower[2:], digits.upper()) and not _is_checksummed(digits):
        raise ValueError(f"the EIP-55 checksum is wrong; the right one is {checksummed(lower)}")
    return lower


def _is_checksummed(digits: str) -> bool:
    """Say whether the capitals are those of EIP-55; a quarter of the time of writing them."""
    lower = digits.lower().encode()
    high = keccak(lower)[:20].hex().encode().translate(_HIGH)
    capitals = int(high, 2) & int(lower.translate(_LETTERS), 2)
    return capitals == int(digits.encode().translate(_CAPITALS), 2)


def parse_hash(text: str) -> Hash:
    """Return the lower-case form of a 32-byte hash. Raises ValueError with a sentence."""
    found = _HASH.fullmatch(text)
    if not found:
        raise ValueError("a hash is 0x and 64 hex digits")
    return "0x" + found[1].lower()
