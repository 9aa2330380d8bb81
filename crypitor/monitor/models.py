"""What users ask (Monitor, Rule) and what answers it (Match). Pure."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, TypeAlias

import msgspec

from crypitor.evm.abi import Event, Function, Values, parse_event, parse_function
from crypitor.evm.delegations import Delegation
from crypitor.evm.types import Address, Hash, Header, Log, Receipt, Transaction, Withdrawal


class Kind(StrEnum):
    """What a rule looks at, and what a match is."""

    NATIVE = "native"
    INTERNAL = "internal"
    ERC20 = "erc20"
    ERC721 = "erc721"
    ERC1155 = "erc1155"
    EVENT = "event"
    CALL = "call"
    DEPLOYMENT = "deployment"
    TRANSACTION = "transaction"
    WITHDRAWAL = "withdrawal"
    DELEGATION = "delegation"
    BALANCE = "balance"
    VIEW = "view"


STATE_KINDS = (Kind.BALANCE, Kind.VIEW)
"""What is read from a chain's state, and not found in what its blocks hold."""


class Direction(StrEnum):
    """Of a match: `in` the watched address received, `out` it sent. `all` only in a rule."""

    IN = "in"
    OUT = "out"
    ALL = "all"


class Phase(StrEnum):
    """Of a match, in the order in which they can come."""

    DETECTED = "detected"
    CONFIRMED = "confirmed"
    ENDED = "ended"
    REVERTED = "reverted"


Confirmations: TypeAlias = int | Literal["safe", "finalized"]
"""head - block + 1 that is required (1 or more), or the node's tag that must have passed."""


Signature: TypeAlias = str | Mapping[str, Any]
"""As a user wrote it: human-readable text, or an entry of a JSON ABI, also as text."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One part of the question.

    direction: of transfers, deployments and transactions; events and calls have none, a withdrawal
        is always `in` and a delegation `out`.
    contracts: only these; None for any. Never given for native and internal transfers, deployments
        and transactions.
    where: a condition of `crypitor.monitor.condition`.
    include_failed: of native transfers and of transactions, also those that failed.
    signature: of an event, a call or a view.
    args: of a view, as JSON: a list, or an object by their names.
    token_id: of a balance of an ERC-1155 token.
    rearm: of balances and views, the condition that must hold before they can tell again; None for
        `where` being false.
    every_seconds, every_blocks: how long a balance or a view is not looked at, at most; by the
        chain's own time. None for no limit of this sort.
    """

    kind: Kind
    direction: Direction = Direction.ALL
    contracts: frozenset[Address] | None = None
    where: str | None = None
    include_failed: bool = False
    signature: Signature | None = field(default=None, hash=False)
    args: Any = field(default=None, hash=False)
    token_id: int | None = None
    rearm: str | None = None
    every_seconds: int | None = None
    every_blocks: int | None = None
    _abi: Event | Function | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def abi(self) -> Event | Function | None:
        """What the signature says. Raises SignatureError.

        Read when somebody asks: of a page of monitors nobody does, and the largest signature takes
        ten milliseconds and a thousand objects.
        """
        if self._abi is None and self.signature is not None:
            read = parse_event if self.kind is Kind.EVENT else parse_function
            object.__setattr__(self, "_abi", read(self.signature))
        return self._abi


def rule_of(
    kind: Kind,
    *,
    direction: Direction = Direction.ALL,
    contracts: frozenset[Address] | None = None,
    where: str | None = None,
    include_failed: bool = False,
    signature: Signature | None = None,
    **state: Any,
) -> Rule:
    """Return a rule whose signature has been read. Raises SignatureError.

    state: what only balances and views have.
    """
    rule = Rule(kind, direction, contracts, where, include_failed, signature, **state)
    rule.abi  # noqa: B018 - a wrong one is told now
    return rule


DEFAULT_RULES = tuple(map(Rule, (Kind.NATIVE, Kind.ERC20, Kind.ERC721, Kind.ERC1155)))


SEVERITIES = ("info", "warning", "error", "critical")
"""In the words that PagerDuty has for them, the mildest first."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """A user's standing question, without its addresses (there may be a million).

    networks: names from the configuration.
    any_address: every party is watched; then a rule has contracts or a condition.
    endpoints: ids, in the user's order.
    notify: the phases that are delivered.
    confirmations: None for what the network's configuration says.
    created_at, updated_at: unix milliseconds.
    severity: one of `SEVERITIES`, None where its owner says nothing.
    quiet_most, quiet_seconds: messages to an endpoint in a window of so long, None for all.
    quiet_webhooks: standard webhooks too.  silence: hours in which nothing is told, as
    `webhook.silence.silence_text` writes them.
    """

    id: str
    project_id: str
    name: str
    networks: tuple[str, ...]
    rules: tuple[Rule, ...]
    any_address: bool
    endpoints: tuple[str, ...]
    notify: frozenset[Phase]
    confirmations: Confirmations | None
    tags: tuple[str, ...]
    note: str
    enabled: bool
    created_at: int
    updated_at: int
    severity: str | None = None
    quiet_most: int | None = None
    quiet_seconds: int | None = None
    quiet_webhooks: bool = False
    silence: str | None = None


class Reading(msgspec.Struct, frozen=True, gc=False):
    """What a gauge showed at a block.

    value: a balance as decimal text; of a view what it returned, as 0x-hex, None where it reverted.
    """

    number: int
    hash: Hash
    timestamp: int
    value: str | None


class Seen(msgspec.Struct, frozen=True, gc=False):
    """Two readings of one gauge, of which the later one made a condition true.

    gauge: its id.  before: None where it was not looked at before.  reading: the later one.
    """

    gauge: str
    before: Reading | None
    reading: Reading


class Subject(msgspec.Struct, frozen=True, gc=False):
    """What a match is about: a transfer of value, a log, a call, a creation, a transaction.

    sender, receiver: of a transfer, a call and a transaction; the creator and its contract; None
        for an event. A failed creation has no receiver.
    amount: wei or the token's smallest unit; 1 for erc721; None where nothing is transferred.
    token_id: for erc721 and erc1155.
    log: the event that says so; None for native, internal, calls, deployments and transactions.
    item: within a TransferBatch, or among the internal transfers of its transaction, else None.
    contract: that emitted the log, was called or was created; None for native, internal and
        transactions.
    abi, args: for events and calls, the signature and the values of its arguments.
    withdrawal, delegation: of those kinds. A delegation's sender is the authority, its receiver the
        delegate; a withdrawal's item is its place in the block.
    seen: of a balance or a view; its args are those that a view is called with.
    """

    kind: Kind
    sender: Address | None
    receiver: Address | None
    amount: int | None
    token_id: int | None = None
    log: Log | None = None
    item: int | None = None
    contract: Address | None = None
    abi: Event | Function | None = None
    args: Values = ()
    withdrawal: Withdrawal | None = None
    delegation: Delegation | None = None
    seen: Seen | None = None

    @property
    def log_index(self) -> int | None:
        """Position of its log among all logs of the block."""
        return None if self.log is None else int(self.log.index, 16)


class Match(msgspec.Struct, frozen=True, gc=False):
    """One subject that answered one monitor, in one direction if it has directions.

    direction, address: the watched party; None for events and calls.
    label: what the user called the address.
    transaction, receipt: None for what no transaction carries: withdrawals, balances and views.
    """

    id: str
    monitor: Monitor
    network: str
    direction: Direction | None
    address: Address | None
    label: str | None
    header: Header
    transaction: Transaction | None
    receipt: Receipt | None
    subject: Subject


_HASH_CHARACTERS = 22
_AFTER_TRANSACTIONS = 0xFFFF


def computed_id(prefix: str, *parts: object) -> str:
    """Return an id that is the same whenever it is computed of the same parts: 128 bits of hash."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return prefix + base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def match_id(
    monitor_id: str,
    direction: Direction | None,
    address: Address | None,
    header: Header,
    transaction: Transaction | None,
    subject: Subject,
) -> str:
    """Return the id of a match: the same in all phases, after a crash and in a backfill.

    It begins with the place in the chain, so that what is stored together is together in the
    indexes of ids too.
    """
    place = _AFTER_TRANSACTIONS if transaction is None else int(transaction.index, 16)
    return computed_id(
        f"ma_{header.number:08x}{place:04x}",
        monitor_id,
        subject.kind,
        direction,
        address,
        header.hash,
        None if transaction is None else transaction.hash,
        subject.log_index,
        subject.item,
        *(() if subject.seen is None else (subject.seen.gauge,)),
    )


def placeless_id(match: str) -> str:
    """Return the id that a match had before ids began with the place in the chain."""
    return "ma_" + match[-_HASH_CHARACTERS:]


def delivery_id(match: str, phase: Phase, endpoint_id: str, returns: int) -> str:
    """Return the id of a delivery, which is also its `webhook-id`.

    returns: how often the match's block had left the chain and come back before this phase; 0 but
    for reorgs that go back to an earlier branch, whose news must not be taken for a repetition.
    """
    place = match[len("ma_") : -_HASH_CHARACTERS]
    return computed_id("de_" + place, match, phase, endpoint_id, *([returns] if returns else []))
