"""Projects that have used up the day's deliveries: their endpoints rest until the next one."""

from crypitor.database.engine import Transaction
from crypitor.database.limits import Limits, own_limits

PROJECTS = "select id, limits from projects where deleted_at is null order by id"

COUNT = """select count(*) from deliveries
    where project_id = :project_id and created_at >= :since and created_at < :until"""

# An endpoint whose circuit is open, or that asked for a longer rest, is left as it is.
REST = """update endpoints set circuit_until = :until, circuit_since = :now,
        circuit_wait_ms = :wait_ms
    where project_id = :project_id and circuit = 'closed' and coalesce(circuit_until, 0) < :until
    returning id"""

END_REST = """update endpoints set circuit_until = null, circuit_since = :now
    where project_id = :project_id and circuit = 'closed' and circuit_until = :until
    returning id"""


async def daily_limits(tx: Transaction, defaults: Limits) -> dict[str, int | None]:
    """Return how many deliveries a day each project may have, by its id; None for any number."""
    rows = await tx.all(PROJECTS)
    return {
        row["id"]: defaults.changed(own_limits(row["limits"])).deliveries_per_day for row in rows
    }


async def deliveries_between(tx: Transaction, project_id: str, since: int, until: int) -> int:
    """Count a project's deliveries of a time: unix milliseconds, the second excluded."""
    count: int = await tx.value(COUNT, project_id=project_id, since=since, until=until)
    return count


async def rest_endpoints(tx: Transaction, project_id: str, until: int, now: int) -> list[str]:
    """Let a project's endpoints rest until then; return those that did not rest so long before."""
    rows = await tx.all(
        REST, project_id=project_id, until=until, now=now, wait_ms=max(until - now, 0)
    )
    return [row["id"] for row in rows]


async def resting_projects(tx: Transaction, until: int) -> frozenset[str]:
    """Return the projects of which endpoints have the rest that `rest_endpoints` gave."""
    rows = await tx.all(
        "select distinct project_id from endpoints where circuit_until = :until", until=until
    )
    return frozenset(row["project_id"] for row in rows)


async def end_rest(tx: Transaction, project_id: str, until: int, now: int) -> list[str]:
    """End the rest that `rest_endpoints` gave; return the endpoints that had it."""
    rows = await tx.all(END_REST, project_id=project_id, until=until, now=now)
    return [row["id"] for row in rows]
