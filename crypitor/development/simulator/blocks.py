"""Blocks with true hashes, roots and blooms, as a chain makes them since the Prague upgrade.

Sources: yellow paper 4.3; EIP-1559, 3675, 4399, 4788, 4844, 4895, 7685, 7691.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from crypitor.development.simulator.calls import Call, Event, Movement
from crypitor.development.simulator.fees import (
    GAS_PER_BLOB,
    GENESIS_BASE_FEE,
    base_fee_after,
    blob_fee_at,
    excess_after,
)
from crypitor.development.simulator.happened import Happened
from crypitor.development.simulator.ledger import Entries
from crypitor.development.simulator.quirks import Executed, Quirk, has_hole, root_of, settles
from crypitor.development.simulator.transactions import LEGACY, SignedTransaction
from crypitor.evm import rlp
from crypitor.evm.bloom import bloom
from crypitor.evm.keccak import keccak
from crypitor.evm.trie import EMPTY_ROOT, ordered_root
from crypitor.evm.types import Address, Hash

FieldValue: TypeAlias = int | bytes
"""A number, or bytes of fixed or free length."""

NO_BLOOM = bytes(256)
_OWN_GAS = frozenset({Quirk.JOINED_ROOT, Quirk.OWN_GAS})
_REVERTED = 9
_NO_HASH = bytes(32)
_EMPTY_LIST_HASH = keccak(rlp.encode([]))
_WEI_PER_GWEI = 10**9
_NO_REQUESTS_HASH = hashlib.sha256().digest()  # EIP-7685


@dataclass(frozen=True, slots=True)
class Credit:
    """A withdrawal. index: counts all of the chain.  amount: gwei."""

    index: int
    validator_index: int
    address: Address
    amount: int

    def encodable(self) -> rlp.Item:
        """Return what the withdrawals' trie holds, before it is encoded."""
        number = rlp.integer
        address = bytes.fromhex(self.address[2:])
        return [number(self.index), number(self.validator_index), address, number(self.amount)]


@dataclass(frozen=True, slots=True, eq=False)
class Mined:
    """A transaction at its place in a block, with what came of it.

    first_log: index in the block of its first log.  created: the address of the contract that it
    creates, also when that failed.  coin_events: see `payments.coin_events`.
    delegated: which of its authorizations took effect.  committed: whether the header's roots know
    it.
    """

    signed: SignedTransaction
    call: Call
    index: int
    succeeded: bool
    gas_used: int
    cumulative_gas_used: int
    first_log: int
    bloom: bytes
    created: Address | None
    coin_events: tuple[Event, ...] = ()
    delegated: tuple[int, ...] = ()
    committed: bool = True
    has_receipt: bool = True

    @property
    def events(self) -> tuple[Event, ...]:
        """What it emitted, the coin's own logs first: nothing if it failed."""
        if self.coin_events and self.succeeded:
            return (*self.coin_events, *self.call.events)
        return self.call.events if self.succeeded else ()

    @property
    def blob_gas_used(self) -> int:
        """Gas of its blobs, which is paid for apart from the other gas, also when it fails."""
        return len(self.signed.envelope.blob_hashes) * GAS_PER_BLOB

    def encoded_receipt(self, quirks: frozenset[Quirk] = frozenset()) -> bytes:
        """Return what the receipts' root is made of."""
        logs: rlp.Item = [
            [bytes.fromhex(event.address[2:]), list(event.topics), event.data]
            for event in self.events
        ]
        fields: list[rlp.Item] = [
            rlp.integer(self._outcome(quirks)),
            rlp.integer(self.gas_used if quirks & _OWN_GAS else self.cumulative_gas_used),
            self.bloom,
            logs,
        ]
        kind = 0 if Quirk.JOINED_ROOT in quirks else self.signed.envelope.kind
        return bytes([kind] if kind else ()) + rlp.encode(fields)

    def _outcome(self, quirks: frozenset[Quirk]) -> int:
        """Return the status; Kaia's receipts have the reason of a failure in its place."""
        if Quirk.JOINED_ROOT in quirks and not self.succeeded:
            return _REVERTED
        return int(self.succeeded)

    def happened(self) -> list[Happened]:
        """Return what moved, the chain's own coin first: the transaction's, then inside it."""
        if not self.succeeded:
            return []
        found = []
        envelope = self.signed.envelope
        if envelope.value:
            target = envelope.to or self.created
            assert target is not None
            found.append(
                self._at(None, Movement("native", self.signed.sender, target, envelope.value))
            )
        found += [self._at(None, movement) for movement in self.call.internal]
        for place, event in enumerate(self.events, self.first_log):
            found += [self._at(place, movement) for movement in event.movements]
        return found

    def beside(self) -> list[Happened]:
        """Return what it is, whatever moved: a transaction, and delegations that took effect."""
        envelope = self.signed.envelope
        target = envelope.to or (self.created if self.succeeded else None)
        place = self.signed.hash, self.index, None
        found = [Happened("transaction", *place, None, self.signed.sender, target, None, None)]
        for item in self.delegated:
            given = envelope.authorizations[item]
            found.append(
                Happened("delegation", *place, item, given.authority, given.address, None, None)
            )
        return found

    def _at(self, log_index: int | None, movement: Movement) -> Happened:
        return Happened(
            kind=movement.kind,
            transaction_hash=self.signed.hash,
            transaction_index=self.index,
            log_index=log_index,
            item=movement.item,
            from_address=movement.from_address,
            to_address=movement.to_address,
            contract=movement.contract,
            amount=movement.amount,
            token_id=movement.token_id,
        )


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedBlock:
    """A block. There is one object for each, so identity is equality.

    header: the fields under their JSON-RPC names in the order in which they are hashed.
    base_fee: wei that each unit of gas must pay at least.  blob_fee: the same for blob gas.
    truth: what moved in its transactions.  next_withdrawal: index of the next one.
    size: bytes of the whole block, encoded.  changes: what it adds to the ledger.
    unsettled: with late roots, what no header commits to yet, its own last.
    """

    number: int
    hash: Hash
    parent_hash: Hash
    timestamp: int
    header: dict[str, FieldValue]
    base_fee: int
    blob_fee: int
    size: int
    transactions: tuple[Mined, ...] = field(repr=False)
    truth: tuple[Happened, ...] = field(repr=False)
    withdrawals: tuple[Credit, ...] = field(repr=False)
    next_withdrawal: int
    changes: Entries = field(repr=False)
    unsettled: tuple[Executed, ...] = field(default=(), repr=False)

    @property
    def receipts(self) -> tuple[Mined, ...]:
        """Those of its transactions that have a receipt."""
        return tuple(mined for mined in self.transactions if mined.has_receipt)

    @property
    def beside(self) -> list[Happened]:
        """The transactions themselves, delegations that took effect, and withdrawals."""
        found = [one for mined in self.transactions for one in mined.beside()]
        return found + _credited(self.withdrawals)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next block goes.

    parent: None for the genesis block.  mark: at most 32 bytes that tell this branch from others.
    randomness: 32 bytes.  timestamp: unix seconds.
    """

    parent: SimulatedBlock | None
    timestamp: int
    gas_limit: int
    mark: bytes
    randomness: bytes
    beneficiary: Address
    quirks: frozenset[Quirk] = frozenset()


def next_base_fee(parent: SimulatedBlock | None) -> int:
    """Return what EIP-1559 asks of the block after `parent`."""
    if parent is None:
        return GENESIS_BASE_FEE
    return base_fee_after(parent.base_fee, _number(parent, "gasUsed"), _number(parent, "gasLimit"))


def excess_blob_gas(parent: SimulatedBlock | None) -> int:
    """Return what EIP-4844 carries over to the block after `parent`."""
    if parent is None:
        return 0
    return excess_after(_number(parent, "excessBlobGas"), _number(parent, "blobGasUsed"))


def next_blob_fee(parent: SimulatedBlock | None) -> int:
    """Return what a unit of blob gas costs in the block after `parent`."""
    return blob_fee_at(excess_blob_gas(parent))


def sealed(
    place: Place,
    transactions: tuple[Mined, ...],
    changes: Entries,
    withdrawals: tuple[Credit, ...] = (),
) -> SimulatedBlock:
    """Return the block that holds these transactions and withdrawals at this place."""
    raws = [mined.signed.raw for mined in transactions]
    header = _header(place, transactions, withdrawals)
    encoded = rlp.encode([_encodable(value) for value in header.values()])
    body = [
        raw if mined.signed.envelope.kind == LEGACY else rlp.encode(raw)
        for mined, raw in zip(transactions, raws, strict=True)
    ]
    no_list = rlp.encode([])
    credited = rlp.encode([one.encodable() for one in withdrawals])
    whole = rlp.sequence((encoded, rlp.sequence(body), no_list, credited))
    parent = place.parent
    return SimulatedBlock(
        number=parent.number + 1 if parent else 0,
        hash="0x" + keccak(encoded).hex(),
        parent_hash=parent.hash if parent else "0x" + _NO_HASH.hex(),
        timestamp=place.timestamp,
        header=header,
        base_fee=next_base_fee(parent),
        blob_fee=next_blob_fee(parent),
        size=len(whole),
        transactions=transactions,
        truth=tuple(one for mined in transactions for one in mined.happened()),
        withdrawals=withdrawals,
        next_withdrawal=(parent.next_withdrawal if parent else 0) + len(withdrawals),
        changes=changes,
        unsettled=_unsettled(place, transactions),
    )


def _credited(withdrawals: tuple[Credit, ...]) -> list[Happened]:
    return [
        Happened(
            "withdrawal",
            None,
            None,
            None,
            item,
            None,
            one.address,
            None,
            one.amount * _WEI_PER_GWEI,
        )
        for item, one in enumerate(withdrawals)
    ]


def _unsettled(place: Place, transactions: tuple[Mined, ...]) -> tuple[Executed, ...]:
    """Return what this block and those below it leave to later headers."""
    if Quirk.LATE_ROOTS not in place.quirks or place.parent is None:
        return ()
    number = place.parent.number + 1
    left = [one for one in place.parent.unsettled if one.number > settles(number)]
    return (*left, _executed(number, transactions, place.quirks))


def _executed(number: int, transactions: tuple[Mined, ...], quirks: frozenset[Quirk]) -> Executed:
    committed = [mined for mined in transactions if mined.committed]
    receipts = tuple(mined.encoded_receipt(quirks) for mined in committed)
    return Executed(number, receipts, _union(mined.bloom for mined in committed))


def _of_receipts(place: Place, transactions: tuple[Mined, ...]) -> dict[str, FieldValue]:
    """Return the header's root and bloom of receipts, and what it settles."""
    number = place.parent.number + 1 if place.parent else 0
    quirks, late = place.quirks, Quirk.LATE_ROOTS in place.quirks
    if late:
        older = place.parent.unsettled if place.parent else ()
        told = [one for one in older if one.number <= settles(number)]
    else:
        told = [_executed(number, transactions, quirks)]
    bits = 0
    for one in told:
        bits |= one.bloom
    if Quirk.HOLES in quirks and has_hole(number):
        bits |= 1
    receipts = [receipt for one in told for receipt in one.receipts]
    found: dict[str, FieldValue] = {
        "receiptsRoot": root_of(receipts, number, quirks),
        "logsBloom": NO_BLOOM if Quirk.NO_BLOOM in quirks else bits.to_bytes(len(NO_BLOOM), "big"),
    }
    return {**found, "settledHeight": settles(number)} if late else found


def _header(
    place: Place, transactions: tuple[Mined, ...], withdrawals: tuple[Credit, ...]
) -> dict[str, FieldValue]:
    """Return all fields in the order of consensus.

    stateRoot is no trie's root: there is no state to read. It follows from the transactions and
    from the parent's, so that it changes where a true one would.
    """
    parent = place.parent
    parent_hash = bytes.fromhex(parent.hash[2:]) if parent else _NO_HASH
    transactions_root = ordered_root(
        [mined.signed.raw for mined in transactions if mined.committed]
    )
    receipts = _of_receipts(place, transactions)
    return {
        "parentHash": parent_hash,
        "sha3Uncles": _EMPTY_LIST_HASH,
        "miner": bytes.fromhex(place.beneficiary[2:]),
        "stateRoot": keccak(parent_hash + transactions_root),
        "transactionsRoot": transactions_root,
        "receiptsRoot": receipts.pop("receiptsRoot"),
        "logsBloom": receipts.pop("logsBloom"),
        "difficulty": 0,
        "number": parent.number + 1 if parent else 0,
        "gasLimit": place.gas_limit,
        "gasUsed": transactions[-1].cumulative_gas_used if transactions else 0,
        "timestamp": place.timestamp,
        "extraData": place.mark,
        "mixHash": place.randomness,
        "nonce": bytes(8),
        "baseFeePerGas": next_base_fee(parent),
        "withdrawalsRoot": ordered_root([rlp.encode(one.encodable()) for one in withdrawals])
        if withdrawals
        else EMPTY_ROOT,
        "blobGasUsed": sum(mined.blob_gas_used for mined in transactions),
        "excessBlobGas": excess_blob_gas(parent),
        "parentBeaconBlockRoot": keccak(b"beacon" + parent_hash),
        "requestsHash": _NO_REQUESTS_HASH,
        **receipts,
    }


def _union(blooms: Iterable[bytes]) -> int:
    bits = 0
    for each in blooms:
        bits |= int.from_bytes(each, "big")
    return bits


def _encodable(value: FieldValue) -> bytes:
    return rlp.integer(value) if isinstance(value, int) else value


def _number(block: SimulatedBlock, name: str) -> int:
    value = block.header[name]
    assert isinstance(value, int)
    return value


def logs_bloom(events: tuple[Event, ...]) -> bytes:
    """Return the filter over the addresses and topics of the events."""
    if not events:
        return NO_BLOOM
    items = {bytes.fromhex(event.address[2:]) for event in events}
    return bloom(items.union(*(event.topics for event in events)))
