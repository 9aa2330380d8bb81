"""What happened of late in a project, as the overview counts it: the newest rows, never all."""

from dataclasses import dataclass

from crypitor.database.engine import Transaction

MOST_RECENT = 1_000
"""Rows that are looked at; an index has them in this order, whatever else there is."""

MATCHES = """select created_at as at, monitor_id as subject, phase as state from matches
    where project_id = :project_id order by position desc limit :limit"""

DELIVERIES = """select created_at as at, endpoint_id as subject, status as state from deliveries
    where project_id = :project_id order by created_at desc, id desc limit :limit"""

FAILED = """select count(*) from (select 1 from deliveries
    where project_id = :project_id and status = 'failed' and created_at >= :since limit :limit) f"""


@dataclass(frozen=True, slots=True)
class Recent:
    """A match or a delivery. at: unix milliseconds. subject: its monitor or endpoint."""

    at: int
    subject: str | None
    state: str


async def recent_matches(
    tx: Transaction, project_id: str, limit: int = MOST_RECENT
) -> list[Recent]:
    """Return the newest matches of a project, newest first."""
    return [Recent(**row) for row in await tx.all(MATCHES, project_id=project_id, limit=limit)]


async def recent_deliveries(
    tx: Transaction, project_id: str, limit: int = MOST_RECENT
) -> list[Recent]:
    """Return the newest deliveries of a project, newest first."""
    return [Recent(**row) for row in await tx.all(DELIVERIES, project_id=project_id, limit=limit)]


async def count_failed(tx: Transaction, project_id: str, since: int, most: int) -> int:
    """Return how many deliveries created since then have failed; `most` where there are more."""
    count: int = await tx.value(FAILED, project_id=project_id, since=since, limit=most)
    return count
