"""Authorizations by which accounts let a contract's code run in their name. Pure.

What a block alone tells of one is whether its signature, its chain and, by the transactions that
the account sent in the same block, its nonce can be right. Whether the account had that nonce
before the block, and code of its own, it does not tell.
Source: EIP-7702.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import msgspec

from crypitor.evm import rlp
from crypitor.evm.address import ZERO_ADDRESS
from crypitor.evm.keccak import keccak
from crypitor.evm.types import Address, Authorization, Block, number_of

_MAGIC = b"\x05"
_LARGEST_S = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 // 2
"""Half of the order of secp256k1 (EIP-2, EIP-7702)."""

_LARGEST_NONCE = 2**64 - 2
_KEPT = 4096


class Delegation(msgspec.Struct, frozen=True, gc=False):
    """An authorization that may have taken effect.

    transaction_index: position in the block.  item: position in the transaction's list.
    authority: the account, recovered from the signature.
    delegate: whose code runs in its name; None where its code is cleared.
    nonce: of the authority.  chain_id: 0 for any chain.
    """

    transaction_index: int
    item: int
    authority: Address
    delegate: Address | None
    nonce: int
    chain_id: int


@dataclass(slots=True)
class _Nonces:
    """The nonces that an account can have: from `least` to `most`, without `excluded`."""

    least: int = 0
    most: int = _LARGEST_NONCE + 1
    excluded: set[int] = field(default_factory=set)

    def sent(self, nonce: int) -> None:
        """Note a transaction of the account, after which there is one nonce left."""
        self.least = self.most = nonce + 1
        self.excluded.clear()

    def uses(self, nonce: int) -> bool:
        """Whether the account can have this nonce, which is used up then."""
        if not self.least <= nonce <= self.most or nonce in self.excluded:
            return False
        if self.least == self.most:
            self.least = self.most = nonce + 1
            return True
        self.excluded.add(nonce)
        self.excluded.discard(nonce + 1)
        self.most = max(self.most, nonce + 1)
        return True


def delegations(block: Block, chain_id: int) -> list[Delegation]:
    """Return every authorization of a block that can have taken effect, in the chain's order.

    Those of transactions that failed as well: what they authorize stays.
    """
    if not any(transaction.authorization_list for transaction in block.transactions):
        return []
    return list(_possible(block, chain_id))


def _possible(block: Block, chain_id: int) -> Iterator[Delegation]:
    later: dict[Address, list[int]] = {}
    for transaction in reversed(block.transactions):
        if (nonce := number_of(transaction.nonce)) is not None:
            later.setdefault(transaction.sender, []).append(nonce)
    nonces: dict[Address, _Nonces] = {}
    for index, transaction in enumerate(block.transactions):
        sender = transaction.sender
        if (nonce := number_of(transaction.nonce)) is not None:
            later[sender].pop()
            nonces.setdefault(sender, _Nonces()).sent(nonce)
        for item, given in enumerate(transaction.authorization_list or ()):
            found = _read(given, chain_id)
            if found is None:
                continue
            authority, delegate, nonce, chain = found
            next_sent = later.get(authority)
            if next_sent and nonce >= next_sent[-1]:
                continue
            if nonces.setdefault(authority, _Nonces()).uses(nonce):
                yield Delegation(index, item, authority, delegate, nonce, chain)


def _read(given: Authorization, chain_id: int) -> tuple[Address, Address | None, int, int] | None:
    """Return authority, delegate, nonce and chain; None for one that no block can take."""
    chain, nonce = number_of(given.chain_id), number_of(given.nonce, _LARGEST_NONCE)
    if nonce is None or chain not in (0, chain_id):
        return None
    parity = given.y_parity if given.y_parity is not None else given.v
    delegate = str(given.address).lower()
    authority = _authority(
        chain, delegate, nonce, number_of(parity, 1), number_of(given.r), number_of(given.s)
    )
    if authority is None:
        return None
    return authority, None if delegate == ZERO_ADDRESS else delegate, nonce, chain


@lru_cache(maxsize=_KEPT)
def _authority(
    chain_id: int,
    delegate: str,
    nonce: int,
    parity: int | None,
    r: int | None,
    s: int | None,
) -> Address | None:
    """Return who signed this; None where the signature is not one."""
    if parity is None or r is None or s is None or s > _LARGEST_S:
        return None
    try:
        address = bytes.fromhex(delegate.removeprefix("0x"))
    except ValueError:
        return None
    if len(address) != 20:
        return None
    digest = keccak(_MAGIC + rlp.encode([rlp.integer(chain_id), address, rlp.integer(nonce)]))
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([parity])
    try:
        from coincurve import PublicKey  # noqa: PLC0415 - 2 MB, for those who ask who signed

        key = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except ValueError:  # the numbers are no signature
        return None
    return "0x" + keccak(key.format(compressed=False)[1:])[12:].hex()
