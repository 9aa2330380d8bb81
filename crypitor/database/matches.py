"""Matches as they are read; they are written with the block that holds them."""

from dataclasses import dataclass, fields
from typing import Any, Literal

import msgspec

from crypitor.database.engine import Row, Transaction
from crypitor.monitor.models import Confirmations, Phase

COLUMNS = """id, position, network, phase, block_number, confirm_block, confirm_tag, document,
    ended, created_at, acknowledged_at, acknowledged_by"""

# What each filter compares; only those that are asked for enter the statement, so that each
# database can choose the index that fits.
CONDITIONS = {
    "monitor": "monitor_id = :monitor",
    "network": "network = :network",
    "phase": "phase = :phase",
    "kind": "kind = :kind",
    "since": "created_at >= :since",
    "until": "created_at < :until",
}

# Those that few rows pass, the fewest first; of a hash and an address the index has eight digits,
# and that of few phases is found if the phase is said, not given.
_FEW = {
    "transaction": "substr(transaction_hash, 3, 8) = substr(:transaction, 3, 8)",
    "detected": "phase = 'detected'",
    "reverted": "phase = 'reverted'",
    "address": "substr(address, 15, 8) = substr(:address, 15, 8)",
}

# Beside one of those: what SQLite cannot use an index for. Without statistics it would rather look
# through all that a project, monitor or network has, and would put a value that is compared in a
# column's place.
_HIDDEN = CONDITIONS | {
    "project": "project_id || '' = :project_id",
    "monitor": "monitor_id || '' = :monitor",
    "network": "network || '' = :network",
    "transaction": "transaction_hash || '' = :transaction",
    "address": "address || '' = :address",
}


@dataclass(frozen=True, slots=True)
class MatchFilter:
    """What a list is narrowed to; None for everything.

    since, until: unix milliseconds; `until` itself is not included.
    """

    monitor: str | None = None
    network: str | None = None
    transaction: str | None = None
    address: str | None = None
    phase: str | None = None
    kind: str | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class StoredMatch:
    """A match in its present phase.

    position: follows the order of commits. document: what stays the same in all phases.
    required: confirmations. created_at: unix milliseconds.
    acknowledged_at: the same, None where nobody has; acknowledged_by: the id of a key.
    size: characters of its document, as it is stored.
    """

    id: str
    position: int
    network: str
    phase: Phase
    block_number: int
    required: Confirmations
    document: dict[str, Any]
    created_at: int
    acknowledged_at: int | None
    acknowledged_by: str | None
    size: int


async def get_match(tx: Transaction, project_id: str, match_id: str) -> StoredMatch | None:
    """Return a match of a project."""
    row = await tx.one(
        f"select {COLUMNS} from matches where id = :id and project_id = :project_id",  # noqa: S608
        id=match_id,
        project_id=project_id,
    )
    return _match(row) if row else None


async def acknowledge_match(
    tx: Transaction, project_id: str, match_id: str, key_id: str, now: int
) -> bool:
    """Note that somebody has seen a match, by a key; False where somebody had. now: unix ms."""
    noted = await tx.value(
        """update matches set acknowledged_at = :now, acknowledged_by = :key
            where id = :id and project_id = :project_id and acknowledged_at is null
            returning id""",
        id=match_id,
        project_id=project_id,
        key=key_id,
        now=now,
    )
    return noted is not None


async def newest_position(tx: Transaction) -> int:
    """Return the position of the last match that was stored, of all projects; 0 before the first.

    What is committed later has a higher one.
    """
    position: int = await tx.value("select value from counters where name = 'matches'")
    return position


async def has_matches_from(tx: Transaction, position: int) -> bool:
    """Tell whether there are matches at this position or behind it, of any project."""
    query = "select id from matches where position >= :position limit 1"
    return await tx.one(query, position=position) is not None


async def list_matches(
    tx: Transaction,
    project_id: str,
    chosen: MatchFilter,
    limit: int,
    cursor: int | None = None,
    order: Literal["asc", "desc"] = "desc",
) -> list[StoredMatch]:
    """Return matches of a project by position, those beyond the position `cursor`."""
    values = {
        field.name: value
        for field in fields(chosen)
        if (value := getattr(chosen, field.name)) is not None
    }
    few = next((_FEW[one] for one in _FEW if one in values or one == values.get("phase")), None)
    conditions = (
        ["project_id = :project_id", *(CONDITIONS[name] for name in values)]
        if few is None
        else [few, *(_HIDDEN[name] for name in ("project", *values))]
    )
    if cursor is not None:
        conditions.append(f"position {'>' if order == 'asc' else '<'} :cursor")
    rows = await tx.all(
        f"""select {COLUMNS} from matches where {" and ".join(conditions)}
            order by position {order} limit :limit""",  # noqa: S608 - words from above
        project_id=project_id,
        cursor=cursor,
        limit=limit,
        **values,
    )
    return [_match(row) for row in rows]


def _match(row: Row) -> StoredMatch:
    block: int = row["block_number"]
    required: Confirmations = row["confirm_tag"] or row["confirm_block"] - block + 1
    document = msgspec.json.decode(row["document"])
    if row["phase"] == Phase.ENDED:
        document["ended"] = msgspec.json.decode(row["ended"])
    return StoredMatch(
        id=row["id"],
        position=row["position"],
        network=row["network"],
        phase=Phase(row["phase"]),
        block_number=block,
        required=required,
        document=document,
        created_at=row["created_at"],
        acknowledged_at=row["acknowledged_at"],
        acknowledged_by=row["acknowledged_by"],
        size=len(row["document"]),
    )
