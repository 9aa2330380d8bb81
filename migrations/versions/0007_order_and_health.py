"""The place of each delivery in its endpoint's order; an endpoint's circuit and the news it wants.

position: grows with each delivery that is queued, in the order of commits. events: a JSON list.
circuit: `closed`, `open` or `half-open`; until when it rests; how often in a row it was opened.
"""

from alembic import op

revision = "0007"
down_revision = "0006"

STATEMENTS = (
    "alter table deliveries add column position bigint not null default 0",
    """update deliveries set position = placed.position
        from (select d.id, row_number() over (order by d.created_at, m.position, d.id) as position
            from deliveries d left join matches m on m.id = d.match_id) as placed
        where placed.id = deliveries.id""",
    """insert into counters (name, value)
        select 'deliveries', coalesce(max(position), 0) from deliveries""",
    """create index deliveries_order on deliveries (endpoint_id, position)
        where status = 'pending'""",
    "alter table endpoints add column events text not null default '[]'",
    "alter table endpoints add column failed_at bigint",
    "alter table endpoints add column circuit text not null default 'closed'",
    "alter table endpoints add column circuit_since bigint not null default 0",
    "alter table endpoints add column circuit_until bigint",
    "alter table endpoints add column circuit_openings integer not null default 0",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
