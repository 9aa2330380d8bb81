"""Signed transactions: legacy with EIP-155, access list (EIP-2930) and dynamic fee (EIP-1559)."""

from dataclasses import dataclass

from crypitor.evm import rlp
from crypitor.evm.keccak import keccak
from crypitor.evm.types import Address, Hash
from crypitor.simulator.signing import Signature, address_of, sign

LEGACY, ACCESS_LIST, DYNAMIC_FEE = 0, 1, 2


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
class Envelope:
    """What a sender signs.

    kind: 0, 1 or 2.  to: None creates a contract.  value, fee_cap, tip: wei; a legacy or access
    list transaction has one gas price, fee_cap, and its tip is the same.
    access_list: addresses, each with its storage keys of 32 bytes.
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
    return [chain_id, nonce, rlp.integer(envelope.tip), fee_cap, *tail, access_list]


def _bytes(address: Address) -> bytes:
    return bytes.fromhex(address[2:])
