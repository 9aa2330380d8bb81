"""Making one block: who sends what, how it is signed, and what comes of it."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from random import Random

from crypitor.development.simulator.blocks import (
    Credit,
    Mined,
    Place,
    SimulatedBlock,
    logs_bloom,
    next_base_fee,
    next_blob_fee,
    sealed,
)
from crypitor.development.simulator.calls import Call, Event, Movement
from crypitor.development.simulator.fees import MOST_BLOBS
from crypitor.development.simulator.ledger import Entries, Ledger
from crypitor.development.simulator.payments import BOOTLOADER, coin_events
from crypitor.development.simulator.quirks import Quirk
from crypitor.development.simulator.traffic import Traffic
from crypitor.development.simulator.transactions import (
    ACCESS_LIST,
    BLOB,
    DYNAMIC_FEE,
    LEGACY,
    SET_CODE,
    Actor,
    Envelope,
    SignedTransaction,
    authorized,
    created_address,
    signed,
)
from crypitor.evm.keccak import keccak
from crypitor.evm.types import Address

_TYPE_WEIGHTS = {LEGACY: 22, ACCESS_LIST: 8, DYNAMIC_FEE: 62, BLOB: 4, SET_CODE: 4}
_MOST_BLOBS_EACH = 3
_MOST_AUTHORIZATIONS = 2
_AUTHORIZATION_GAS = 25_000  # EIP-7702, PER_EMPTY_ACCOUNT_COST
_GAS_PER_MOVEMENT = 400_000  # more than any call here uses for one
_LEAST_GAS_LIMIT = 30_000_000
_TRANSACTION_GAS = 21_000  # yellow paper, appendix G
_CREATION_GAS = 32_000
_ZERO_BYTE_GAS, _BYTE_GAS = 4, 16  # EIP-2028
_LISTED_ADDRESS_GAS, _LISTED_KEY_GAS = 2_400, 1_900  # EIP-2930
_STEADY_BRANCHES = 0.5
_MINED_AGAIN = 0.75


@dataclass(frozen=True, slots=True)
class Recipe:
    """What all blocks of a chain have in common.

    seed: names the chain and its id.  transfers: least and most movements in a block.
    authorities: accounts that let code run in their name and send nothing themselves.
    withdrawals: least and most in a block, each to one of the actors.
    """

    seed: str
    chain_id: int
    transfers: tuple[int, int]
    actors: dict[Address, Actor]
    authorities: tuple[Actor, ...]
    traffic: Traffic
    beneficiary: Address
    withdrawals: tuple[int, int] = (0, 0)
    quirks: frozenset[Quirk] = frozenset()

    @property
    def gas_limit(self) -> int:
        """Enough for the fullest block; never changes."""
        return max(_LEAST_GAS_LIMIT, self.transfers[1] * _GAS_PER_MOVEMENT)


class BlockInMaking:
    """A block that grows transaction by transaction over the state that `below` describes.

    branch: how many reorgs came before; with seed and number it decides everything drawn here.
    """

    def __init__(
        self, recipe: Recipe, parent: SimulatedBlock, branch: int, timestamp: int, *below: Entries
    ) -> None:
        number = parent.number + 1
        name = f"{recipe.seed}/branch {branch}/block {number}"
        self._recipe = recipe
        self._rng = Random(name)  # noqa: S311 - must repeat itself; keeps no secret
        self._ledger = Ledger(*below)
        self._base_fee = next_base_fee(parent)
        self._blob_fee = next_blob_fee(parent)
        self._blob_room = MOST_BLOBS
        self._room = self._rng.randint(*recipe.transfers)
        self._transactions: list[Mined] = []
        self._log_count = 0
        self._place = Place(
            parent=parent,
            timestamp=timestamp,
            gas_limit=recipe.gas_limit,
            mark=f"crypitor branch {branch}".encode(),
            randomness=keccak(name.encode()),
            beneficiary=recipe.beneficiary,
            quirks=recipe.quirks,
        )

    def make(self, orphans: list[Mined]) -> Generator[None, None, SimulatedBlock]:
        """Return the block; yield after every transaction, so that a caller may do other work.

        orphans: transactions of blocks that this branch replaces; those mined again are removed.
        """
        again = [mined for mined in orphans if self._rng.random() < _MINED_AGAIN]
        first = 1.0 if self._rng.random() < _STEADY_BRANCHES else 0.5
        while self._room or again:
            if again and (not self._room or self._rng.random() < first):
                orphan = again.pop(0)
                if self._takes(orphan):
                    self._execute(orphan.signed, orphan.call)
                    orphans.remove(orphan)
            else:
                actor, call = self._recipe.traffic.next(self._rng, self._ledger, self._room)
                self._execute(signed(self._envelope(actor, call), actor), call)
            yield
        return sealed(
            self._place, tuple(self._transactions), self._ledger.changes, self._withdrawals()
        )

    def _withdrawals(self) -> tuple[Credit, ...]:
        if not self._recipe.withdrawals[1]:
            return ()
        parent, actors = self._place.parent, list(self._recipe.actors)
        assert parent is not None
        return tuple(
            Credit(
                parent.next_withdrawal + place,
                self._rng.randrange(10**6),
                self._rng.choice(actors),
                self._rng.choice((32 * 10**9, self._rng.randrange(1, 2 * 10**7))),
            )
            for place in range(self._rng.randint(*self._recipe.withdrawals))
        )

    def _takes(self, orphan: Mined) -> bool:
        """Whether the transaction is valid here: next nonce, fee high enough, and room for it."""
        envelope = orphan.signed.envelope
        return (
            envelope.nonce == self._ledger.nonce(orphan.signed.sender)
            and envelope.fee_cap >= self._base_fee
            and orphan.call.movement_count <= self._room
            and (envelope.kind != BLOB or envelope.blob_fee_cap >= self._blob_fee)
            and len(envelope.blob_hashes) <= self._blob_room
        )

    def _envelope(self, actor: Actor, call: Call) -> Envelope:
        kind = self._kind(call)
        offer = self._rng.randint(1, 30) * 10**8
        price = self._base_fee + offer
        listed = kind == ACCESS_LIST and call.to is not None and self._rng.random() < 0.7
        keys = tuple(self._rng.randbytes(32) for _ in range(self._rng.randint(0, 2)))
        access_list = ((call.to, keys),) if listed and call.to else ()
        envelope = Envelope(
            kind=kind,
            chain_id=self._recipe.chain_id,
            nonce=self._ledger.nonce(actor.address),
            tip=offer if kind >= DYNAMIC_FEE else price,
            fee_cap=price + self._base_fee if kind >= DYNAMIC_FEE else price,
            gas=0,
            to=call.to,
            value=call.value,
            data=call.data,
            access_list=access_list,
        )
        if kind == BLOB:
            envelope = self._with_blobs(envelope)
        if kind == SET_CODE:
            envelope = self._with_authorizations(envelope)
        simple = call.to in self._recipe.actors and not call.reverts
        spare = 0 if simple else self._rng.randint(40, 150) * 1000
        return replace(envelope, gas=_intrinsic_gas(envelope) + spare)

    def _kind(self, call: Call) -> int:
        """Draw a type; those that cannot create a contract, or find no room, are dynamic fee."""
        kind = self._rng.choices(list(_TYPE_WEIGHTS), list(_TYPE_WEIGHTS.values()))[0]
        if kind in (BLOB, SET_CODE) and (call.to is None or self._blob_room == 0):
            return DYNAMIC_FEE
        return kind

    def _with_blobs(self, envelope: Envelope) -> Envelope:
        count = self._rng.randint(1, min(_MOST_BLOBS_EACH, self._blob_room))
        hashes = tuple(b"\x01" + self._rng.randbytes(31) for _ in range(count))
        return replace(envelope, blob_hashes=hashes, blob_fee_cap=2 * self._blob_fee + 1)

    def _with_authorizations(self, envelope: Envelope) -> Envelope:
        """Let one or two accounts run a contract's code; each counts a nonce, as a sender does."""
        authorities = self._rng.sample(
            self._recipe.authorities, self._rng.randint(1, _MOST_AUTHORIZATIONS)
        )
        code = f"0x{self._rng.getrandbits(160):040x}"
        given = tuple(
            authorized(envelope.chain_id, code, self._ledger.nonce(each.address), each)
            for each in authorities
        )
        return replace(envelope, authorizations=given)

    def _execute(self, transaction: SignedTransaction, call: Call) -> None:
        envelope, ledger = transaction.envelope, self._ledger
        succeeded = not call.reverts and all(map(ledger.allows, call.owner_changes))
        ledger.use_nonce(transaction.sender)
        self._blob_room -= len(envelope.blob_hashes)
        delegated: list[int] = []
        for item, given in enumerate(envelope.authorizations):
            if given.nonce == ledger.nonce(given.authority):  # another is left out, not an error
                ledger.use_nonce(given.authority)
                delegated.append(item)
        if succeeded:
            for change in call.owner_changes:
                ledger.make(change)
            self._room -= call.movement_count
        created = created_address(transaction.sender, envelope.nonce)
        of_coin = self._coin_events(transaction, call, envelope.to or created)
        events = (*of_coin, *call.events) if succeeded else ()
        quirks = self._recipe.quirks
        phantom = Quirk.PHANTOMS in quirks and not succeeded
        system = Quirk.SYSTEM_TRANSACTIONS in quirks and not self._transactions
        used = 0 if phantom or system else _used_gas(envelope, succeeded)
        before = self._transactions[-1].cumulative_gas_used if self._transactions else 0
        self._transactions.append(
            Mined(
                signed=transaction,
                call=call,
                index=len(self._transactions),
                succeeded=succeeded,
                gas_used=used,
                cumulative_gas_used=before + used,
                first_log=self._log_count,
                bloom=logs_bloom(events),
                created=created if envelope.to is None else None,
                coin_events=of_coin,
                delegated=tuple(delegated),
                committed=not (phantom or system),
                has_receipt=not phantom,
            )
        )
        self._log_count += 0 if Quirk.INDEXES_ANEW in quirks else len(events)

    def _coin_events(
        self, transaction: SignedTransaction, call: Call, target: Address
    ) -> tuple[Event, ...]:
        envelope = transaction.envelope
        own = Movement("native", transaction.sender, target, envelope.value)
        fee = Movement("native", transaction.sender, BOOTLOADER, envelope.gas * self._base_fee)
        moved = [*([own] if envelope.value else []), *call.internal]
        return coin_events(moved, fee, self._recipe.quirks)


def _intrinsic_gas(envelope: Envelope) -> int:
    zeros = envelope.data.count(0)
    gas = _TRANSACTION_GAS + zeros * _ZERO_BYTE_GAS + (len(envelope.data) - zeros) * _BYTE_GAS
    gas += sum(
        _LISTED_ADDRESS_GAS + len(keys) * _LISTED_KEY_GAS for _, keys in envelope.access_list
    )
    gas += len(envelope.authorizations) * _AUTHORIZATION_GAS
    return gas + (_CREATION_GAS if envelope.to is None else 0)


def _used_gas(envelope: Envelope, succeeded: bool) -> int:
    """Beyond the intrinsic gas two thirds of what was asked for; a third if the call fails."""
    intrinsic = _intrinsic_gas(envelope)
    spare = envelope.gas - intrinsic
    return intrinsic + spare * 2 // 3 if succeeded else intrinsic + spare // 3
