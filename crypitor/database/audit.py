"""Who did what, as it is kept: entries in the order of commits, without secrets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from crypitor.database.engine import Row, Transaction
from crypitor.runtime.concealed import concealed

MOST_BYTES = 65_536
"""Of a state before or after; of what is longer only its length is kept."""

Via: TypeAlias = Literal["api", "command", "start"]

COLUMNS = """position, at, project_id, action, subject, via, key_id, address, request_id, before,
    after"""

INSERT = f"""insert into audit ({COLUMNS})
    values (:position, :at, :project_id, :action, :subject, :via, :key_id, :address, :request_id,
        :before, :after)"""  # noqa: S608 - columns from above

NEXT_POSITION = """update counters set value = value + 1 where name = 'audit' returning value"""

LIST = f"""select {COLUMNS} from audit
    where (:project_id = '' or project_id = :project_id)
        and (:key_id = '' or key_id = :key_id)
        and (:subject = '' or subject = :subject)
        and (:action = '' or action = :action or action like :actions)
        and at >= :since and at < :until
        and (:cursor = -1 or position {{beyond}} :cursor)
    order by position {{order}} limit :limit"""  # noqa: S608 - columns from above

FOREVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, by what way. address: of the caller's machine, where there is one."""

    via: Via
    key_id: str | None = None
    address: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done to whose thing. before, after: its states as JSON shows them, None for none."""

    project_id: str
    action: str
    subject: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry. position: grows in the order of commits. at: unix milliseconds.

    size: characters of what was there before and after, as it is stored.
    """

    position: int
    at: int
    actor: Actor
    deed: Deed
    size: int


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What a list is narrowed to; '' and None for everything.

    action: one, or the beginning of several up to a point (`monitor` for `monitor.create`).
    since, until: unix milliseconds, the second excluded.
    """

    project_id: str | None = None
    key_id: str | None = None
    subject: str | None = None
    action: str | None = None
    since: int | None = None
    until: int | None = None


async def record_deed(tx: Transaction, actor: Actor, deed: Deed, now: int) -> int:
    """Keep what is done in this transaction, without secrets; return the entry's position.

    Call it last: positions follow the order of commits, so the last one is held until the commit.
    """
    position: int = await tx.value(NEXT_POSITION)
    await tx.run(
        INSERT,
        position=position,
        at=now,
        project_id=deed.project_id,
        action=deed.action,
        subject=deed.subject,
        via=actor.via,
        key_id=actor.key_id or None,
        address=actor.address,
        request_id=actor.request_id,
        before=_kept(deed.before),
        after=_kept(deed.after),
    )
    return position


async def amend_deed(tx: Transaction, position: int, after: Mapping[str, Any]) -> None:
    """Say anew what became of a deed that is done in several transactions."""
    await tx.run(
        "update audit set after = :after where position = :position",
        after=_kept(after),
        position=position,
    )


async def list_audit(
    tx: Transaction,
    chosen: AuditFilter,
    limit: int,
    *,
    cursor: int | None = None,
    oldest_first: bool = False,
) -> list[AuditEntry]:
    """Return entries beyond the position `cursor`, newest first unless told otherwise."""
    query = LIST.format(
        order="asc" if oldest_first else "desc", beyond=">" if oldest_first else "<"
    )
    rows = await tx.all(
        query,
        project_id=chosen.project_id or "",
        key_id=chosen.key_id or "",
        subject=chosen.subject or "",
        action=chosen.action or "",
        actions=f"{chosen.action or ''}.%",
        since=chosen.since or 0,
        until=FOREVER if chosen.until is None else chosen.until,
        cursor=-1 if cursor is None else cursor,
        limit=limit,
    )
    return [_entry(row) for row in rows]


def _kept(state: Mapping[str, Any] | None) -> str | None:
    if state is None:
        return None
    text = json.dumps(concealed(state), separators=(",", ":"))
    return text if len(text) <= MOST_BYTES else json.dumps({"too_long": len(text)})


def _entry(row: Row) -> AuditEntry:
    before, after = (row[name] and json.loads(row[name]) for name in ("before", "after"))
    return AuditEntry(
        row["position"],
        row["at"],
        Actor(row["via"], row["key_id"], row["address"], row["request_id"]),
        Deed(row["project_id"], row["action"], row["subject"], before, after),
        len(row["before"] or "") + len(row["after"] or ""),
    )
