"""Projects: changed, and deleted with all that they own, in small steps.

A deletion closes the keys and stops the endpoints at once. What is owned goes in steps beside
everything else; the row goes last, when no request can be under way that a closed key began.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crypitor.database.engine import Row, Transaction
from crypitor.database.keys import Project
from crypitor.database.leftovers import leave_addresses
from crypitor.database.limits import own_limits
from crypitor.database.monitors import record_changes
from crypitor.database.sql import skip_locked

AT_ONCE = 200
CLOSED_MS = 10_000
"""How long after the deletion a request may still be under way that began before."""

COLUMNS = "id, name, created_at, operator, limits"

DOOMED = """select id, deleted_at from projects where deleted_at is not null
    order by deleted_at, id limit 1 {lock}"""

MONITORS = "select id from monitors where project_id = :project_id order by id limit :limit"

# In this order: without its job a backfill stores nothing, without its endpoint nothing is sent.
OWNED = (
    ("endpoints", "id"),
    ("jobs", "id"),
    ("replays", "id"),
    ("deliveries", "id"),
    ("matches", "id"),
    ("events", "position"),
    ("uncounted", "id"),
    ("statistics", "at"),
    ("idempotency", "key"),
    ("api_keys", "id"),
)

REMOVE = """delete from {table} where project_id = :project_id and {column} in (
        select {column} from {table} where project_id = :project_id limit :limit)
    returning {column}"""

NOTES = ("retention", "removed_positions", "removed_events")


@dataclass(frozen=True, slots=True)
class Removed:
    """What a step has removed: monitors, by id, and whether there may be more to do at once."""

    monitors: Sequence[str]
    more: bool


async def get_project(tx: Transaction, project_id: str) -> Project | None:
    """Return a project, None for one that is deleted."""
    row = await tx.one(
        f"select {COLUMNS} from projects where id = :id and deleted_at is null",  # noqa: S608
        id=project_id,
    )
    return None if row is None else _project(row)


async def list_projects(
    tx: Transaction, *, only: str | None = None, limit: int = 1000, cursor: str | None = None
) -> list[Project]:
    """Return projects, newest first; `only` one of them, those before the id `cursor`."""
    rows = await tx.all(
        f"""select {COLUMNS} from projects
            where deleted_at is null and (:only = '' or id = :only)
                and (:cursor = '' or id < :cursor)
            order by id desc limit :limit""",  # noqa: S608 - columns from above
        only=only or "",
        cursor=cursor or "",
        limit=limit,
    )
    return [_project(row) for row in rows]


async def update_project(
    tx: Transaction, project_id: str, name: str, limits: Mapping[str, Any]
) -> None:
    """Store a project's name and its own limits."""
    await tx.run(
        "update projects set name = :name, limits = :limits where id = :id",
        id=project_id,
        name=name,
        limits=json.dumps(dict(limits)),
    )


async def delete_project(tx: Transaction, project_id: str, now: int) -> None:
    """Close a project: its keys open nothing, its endpoints are not called; steps do the rest."""
    await tx.run(
        "update projects set deleted_at = :now where id = :id and operator = 0",
        id=project_id,
        now=now,
    )
    await tx.run(
        """update api_keys set revoked_at = coalesce(revoked_at, :now)
            where project_id = :id""",
        id=project_id,
        now=now,
    )
    await tx.run("update endpoints set enabled = 0 where project_id = :id", id=project_id)


async def has_doomed(tx: Transaction) -> bool:
    """Whether a project is being deleted."""
    return await tx.one(DOOMED.format(lock="")) is not None


async def remove_owned(tx: Transaction, now: int) -> Removed:
    """Remove some of what a deleted project owns, and at last the project.

    now: unix milliseconds. The monitors that were removed have to leave the index.
    """
    lock = skip_locked(tx.dialect)
    doomed = await tx.one(DOOMED.format(lock=lock))
    if doomed is None:
        return Removed((), more=False)
    project_id = doomed["id"]
    rows = await tx.all(MONITORS, project_id=project_id, limit=AT_ONCE)
    if rows:
        monitors = [row["id"] for row in rows]
        await _remove_monitors(tx, monitors)
        return Removed(monitors, more=True)
    for table, column in OWNED:
        query = REMOVE.format(table=table, column=column)
        if await tx.all(query, project_id=project_id, limit=AT_ONCE):
            return Removed((), more=True)
    if now < doomed["deleted_at"] + CLOSED_MS:
        return Removed((), more=False)
    for table in NOTES:
        await tx.run(f"delete from {table} where project_id = :id", id=project_id)  # noqa: S608
    await tx.run("delete from projects where id = :id", id=project_id)
    return Removed((), more=True)


async def _remove_monitors(tx: Transaction, monitors: Sequence[str]) -> None:
    for monitor_id in monitors:
        await leave_addresses(tx, monitor_id)
    listed = tx.listed("ids")
    for table, column in (("removed_matches", "monitor_id"), ("monitors", "id")):
        await tx.run(
            f"delete from {table} where {column} in {listed}",  # noqa: S608 - names from above
            ids=json.dumps(list(monitors)),
        )
    await record_changes(tx, monitors)


def _project(row: Row) -> Project:
    return Project(
        row["id"],
        row["name"],
        row["created_at"],
        bool(row["operator"]),
        own_limits(row["limits"]),
    )
