"""Signed transactions of every type that Ethereum has.

Legacy with EIP-155, access list (EIP-2930), dynamic fee (EIP-1559), blob (EIP-4844) and set code
(EIP-7702).
"""

from dataclasses import dataclass

from crypitor.development.simulator.signing import Signature, address_of, sign
from crypitor.evm import rlp
from crypitor.evm.keccak import keccak
from crypitor.evm.types import Address, Hash

LEGACY, ACCESS_LIST, DYNAMIC_FEE, BLOB, SET_CODE = range(5)
_AUTHORIZATION_MAGIC = b"\x05"  # EIP-7702


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody with a key. Ordered by how busy they are: the first of a chain does most."""

    address: Address
    secret: int

    @classmethod
    def named(cls, name: str) -> "Actor":
        """Return the actor whose key follows from a name."""
        secret = int.from_bytes(keccak(name.encode()), "big")
        return cls(address_of(secret), secret)


@dataclass(frozen=True, slots=True)
class Authorization:
    """An account's word that code runs in its name; anybody may carry it onto the chain.

    authority: who gave it.  nonce: the authority's, at which it holds.
    """

    chain_id: int
    address: Address
    nonce: int
    authority: Address
    signature: Signature


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a sender signs.

    kind: 0 to 4.  to: None creates a contract; not with kind 3 and 4.  value, fee_cap, tip: wei; a
    legacy or access list transaction has one gas price, fee_cap, and its tip is the same.
    access_list: addresses, each with its storage keys of 32 bytes.
    blob_fee_cap: wei for a unit of blob gas.  blob_hashes: versioned, one for each blob.
    """

    kind: int
    chain_id: int
    nonce: int
    tip: int
    fee_cap: int
    gas: int
    to: Address | None
    value: int
    data: bytes
    access_list: tuple[tuple[Address, tuple[bytes, ...]], ...] = ()
    blob_fee_cap: int = 0
    blob_hashes: tuple[bytes, ...] = ()
    authorizations: tuple[Authorization, ...] = ()


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """raw: the consensus encoding, which the transactions' trie holds and whose keccak is the hash.

    v: as JSON-RPC shows it: 35 + 2 · chain id + y parity for legacy, else the y parity.
    """

    envelope: Envelope
    sender: Address
    signature: Signature
    v: int
    raw: bytes
    hash: Hash

    def gas_price(self, base_fee: int) -> int:
        """Wei that a unit of gas costs in a block with this base fee."""
        return min(self.envelope.fee_cap, base_fee + self.envelope.tip)


def signed(envelope: Envelope, actor: Actor) -> SignedTransaction:
    """Return the envelope with its actor's signature."""
    prefix = bytes([envelope.kind]) if envelope.kind else b""
    fields = _fields(envelope)
    unsigned = fields
    if envelope.kind == LEGACY:
        unsigned = [*fields, rlp.integer(envelope.chain_id), b"", b""]
    signature = sign(keccak(prefix + rlp.encode(unsigned)), actor.secret)
    v = signature.y_parity
    if envelope.kind == LEGACY:
        v += 35 + 2 * envelope.chain_id
    seal = [rlp.integer(number) for number in (v, signature.r, signature.s)]
    raw = prefix + rlp.encode([*fields, *seal])
    return SignedTransaction(envelope, actor.address, signature, v, raw, "0x" + keccak(raw).hex())


def authorized(chain_id: int, address: Address, nonce: int, authority: Actor) -> Authorization:
    """Return the word of an account that the code at `address` runs in its name."""
    fields = [rlp.integer(chain_id), _bytes(address), rlp.integer(nonce)]
    digest = keccak(_AUTHORIZATION_MAGIC + rlp.encode(fields))
    signature = sign(digest, authority.secret)
    return Authorization(chain_id, address, nonce, authority.address, signature)


def created_address(sender: Address, nonce: int) -> Address:
    """Return where a contract goes that `sender` creates with its transaction `nonce`."""
    return "0x" + keccak(rlp.encode([_bytes(sender), rlp.integer(nonce)]))[12:].hex()


def _fields(envelope: Envelope) -> list[rlp.Item]:
    to = _bytes(envelope.to) if envelope.to else b""
    tail: list[rlp.Item] = [
        rlp.integer(envelope.gas),
        to,
        rlp.integer(envelope.value),
        envelope.data,
    ]
    nonce, fee_cap = rlp.integer(envelope.nonce), rlp.integer(envelope.fee_cap)
    if envelope.kind == LEGACY:
        return [nonce, fee_cap, *tail]
    chain_id = rlp.integer(envelope.chain_id)
    access_list: rlp.Item = [
        [_bytes(address), list(keys)] for address, keys in envelope.access_list
    ]
    if envelope.kind == ACCESS_LIST:
        return [chain_id, nonce, fee_cap, *tail, access_list]
    dynamic = [chain_id, nonce, rlp.integer(envelope.tip), fee_cap, *tail, access_list]
    if envelope.kind == BLOB:
        return [*dynamic, rlp.integer(envelope.blob_fee_cap), list(envelope.blob_hashes)]
    if envelope.kind == SET_CODE:
        return [*dynamic, [_authorization(each) for each in envelope.authorizations]]
    return dynamic


def _authorization(given: Authorization) -> rlp.Item:
    seal = [rlp.integer(number) for number in given.signature]
    fields = [rlp.integer(given.chain_id), _bytes(given.address), rlp.integer(given.nonce)]
    return [*fields, *seal]


def _bytes(address: Address) -> bytes:
    return bytes.fromhex(address[2:])
