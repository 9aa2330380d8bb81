"""What users ask (Monitor, Rule) and what answers it (Match). Pure."""

import base64
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from crypitor.evm.types import Address, Hash, Header, Log, Receipt, Transaction


class Kind(StrEnum):
    """What a rule looks at, and what a match is."""

    NATIVE = "native"
    ERC20 = "erc20"
    ERC721 = "erc721"
    ERC1155 = "erc1155"


class Direction(StrEnum):
    """Of a match: `in` the watched address received, `out` it sent. `all` only in a rule."""

    IN = "in"
    OUT = "out"
    ALL = "all"


class Phase(StrEnum):
    """Of a match, in the order in which they can come."""

    DETECTED = "detected"
    CONFIRMED = "confirmed"
    REVERTED = "reverted"


Confirmations: TypeAlias = int | Literal["safe", "finalized"]
"""head - block + 1 that is required (1 or more), or the node's tag that must have passed."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One part of the question.

    contracts: only these token contracts; None for any. Never given for native transfers.
    """

    kind: Kind
    direction: Direction = Direction.ALL
    contracts: frozenset[Address] | None = None


DEFAULT_RULES = tuple(Rule(kind) for kind in Kind)


@dataclass(frozen=True, slots=True)
class Monitor:
    """A user's standing question, without its addresses (there may be a million).

    networks: names from the configuration.
    any_address: every party is watched; then each rule names its contracts.
    endpoints: ids, in the user's order.
    notify: the phases that are delivered.
    confirmations: None for what the network's configuration says.
    created_at, updated_at: unix milliseconds.
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


@dataclass(frozen=True, slots=True)
class Transfer:
    """Value that moved from one address to another in a transaction.

    log: the event that says so; None for native.  item: within a TransferBatch, else None.
    amount: wei or the token's smallest unit; 1 for erc721.
    token_id: for erc721 and erc1155.
    """

    kind: Kind
    sender: Address
    receiver: Address
    amount: int
    token_id: int | None
    log: Log | None
    item: int | None


@dataclass(frozen=True, slots=True)
class Match:
    """One transfer that answered one monitor in one direction.

    address: the watched party.  label: what the user called it.
    """

    id: str
    monitor: Monitor
    network: str
    direction: Direction
    address: Address
    label: str | None
    header: Header
    transaction: Transaction
    receipt: Receipt
    transfer: Transfer


def computed_id(prefix: str, *parts: object) -> str:
    """Return an id that is the same whenever it is computed of the same parts: 128 bits of hash."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return prefix + base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def match_id(
    monitor_id: str,
    direction: Direction,
    address: Address,
    block_hash: Hash,
    transaction_hash: Hash,
    transfer: Transfer,
) -> str:
    """Return the id of a match: the same in all phases, after a crash and in a backfill."""
    log_index = None if transfer.log is None else int(transfer.log.index, 16)
    return computed_id(
        "ma_",
        monitor_id,
        transfer.kind,
        direction,
        address,
        block_hash,
        transaction_hash,
        log_index,
        transfer.item,
    )


def delivery_id(match: str, phase: Phase, endpoint_id: str, returns: int) -> str:
    """Return the id of a delivery, which is also its `webhook-id`.

    returns: how often the match's block had left the chain and come back before this phase; 0 but
    for reorgs that go back to an earlier branch, whose news must not be taken for a repetition.
    """
    return computed_id("de_", match, phase, endpoint_id, *([returns] if returns else []))
