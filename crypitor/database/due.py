"""Which endpoints have something to be sent, found by the sender's sweeps."""

from dataclasses import dataclass

from crypitor.database.engine import Transaction

# The index is read from each endpoint's first entry to the next endpoint's first one: so the cost
# grows with the endpoints that have something pending, not with how much they have. Of an ordered
# endpoint only the first in its order counts, whatever is due behind it.
SELECT_DUE = """with recursive pending (id) as (
        select (select endpoint_id from deliveries where status = 'pending'
            order by endpoint_id limit 1)
        union all
        select (select d.endpoint_id from deliveries d
            where d.status = 'pending' and d.endpoint_id > pending.id
            order by d.endpoint_id limit 1)
        from pending where pending.id is not null),
    due (id, project_id, failures_in_row, circuit_until, due_at) as materialized (
        select e.id, e.project_id, e.failures_in_row, coalesce(e.circuit_until, 0),
            case when e.ordered = 1
                then (select d.due_at from deliveries d
                    where d.status = 'pending' and d.endpoint_id = e.id
                    order by d.position limit 1)
                else (select d.due_at from deliveries d
                    where d.status = 'pending' and d.endpoint_id = e.id
                    order by d.due_at limit 1)
            end
        from pending join endpoints e on e.id = pending.id
        where e.enabled = 1 and e.state <> 'disabled'
            and coalesce(e.circuit_until, 0) <= :before
            and not (e.quiet_left = 0 and e.quiet_until > :before
                and e.quiet_until - case when e.silence is null then coalesce(e.quiet_ms, 0)
                    else 691200000 end <= :before))
    select id, project_id, failures_in_row, circuit_until, due_at
    from due where due_at <= :before order by due_at"""


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
