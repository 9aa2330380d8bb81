"""Which endpoints have something to be sent, found by the sender's sweeps."""

from dataclasses import dataclass

from crypitor.database.engine import Transaction
from crypitor.database.pending import PENDING, first_of, may_be_told

SELECT_DUE = f"""{PENDING},
    due (id, project_id, failures_in_row, circuit_until, due_at) as materialized (
        select e.id, e.project_id, e.failures_in_row, coalesce(e.circuit_until, 0),
            {first_of("due_at")}
        from pending join endpoints e on e.id = pending.id
        where {may_be_told("before")})
    select id, project_id, failures_in_row, circuit_until, due_at
    from due where due_at <= :before order by due_at"""  # noqa: S608 - parts of SQL


@dataclass(frozen=True, slots=True)
class Due:
    """An endpoint's next pending delivery. due_at: unix milliseconds, not before its rest ends."""

    endpoint_id: str
    project_id: str
    due_at: int
    failures_in_row: int


async def due_endpoints(tx: Transaction, before: int) -> list[Due]:
    """Return the endpoints that may be called and have something due by then, longest due first.

    before: unix milliseconds.
    """
    rows = await tx.all(SELECT_DUE, before=before)
    return [
        Due(
            row["id"],
            row["project_id"],
            max(row["due_at"], row["circuit_until"]),
            row["failures_in_row"],
        )
        for row in rows
    ]
