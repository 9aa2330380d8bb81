"""Which endpoints have something pending, and which of them may be told something: parts of SQL."""

from crypitor.webhook.silence import LONGEST_MS

# The index is read from each endpoint's first entry to the next endpoint's first one: so the cost
# grows with the endpoints that have something pending, not with how much they have.
PENDING = """with recursive pending (id) as (
        select (select endpoint_id from deliveries where status = 'pending'
            order by endpoint_id limit 1)
        union all
        select (select d.endpoint_id from deliveries d
            where d.status = 'pending' and d.endpoint_id > pending.id
            order by d.endpoint_id limit 1)
        from pending where pending.id is not null)"""
"""The beginning of a statement: another table after a comma may follow, or what is selected."""


def first_of(column: str) -> str:
    """Return what an endpoint `e` is sent first; of an ordered one, whatever is due behind it."""
    return f"""case when e.ordered = 1
                then (select d.{column} from deliveries d
                    where d.status = 'pending' and d.endpoint_id = e.id
                    order by d.position limit 1)
                else (select d.{column} from deliveries d
                    where d.status = 'pending' and d.endpoint_id = e.id
                    order by d.due_at limit 1)
            end"""  # noqa: S608 - a column's name


def may_be_told(now: str) -> str:
    """Return the condition that an endpoint `e` need not be left alone. now: name of a parameter.

    An end of quiet that lies further ahead than any window was put there by another clock.
    """
    return f"""e.enabled = 1 and e.state <> 'disabled' and coalesce(e.circuit_until, 0) <= :{now}
            and not (e.quiet_left = 0 and e.quiet_until > :{now}
                and e.quiet_until - case when e.silence is null then coalesce(e.quiet_ms, 0)
                    else {LONGEST_MS} end <= :{now})"""
