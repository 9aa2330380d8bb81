"""Readings lie by blocks, so that a look at many gauges writes few pages.

readings.before: the height of the reading before it, of the same gauge; -1 where there is none.
gauges.changed: the height of its newest reading.
"""

from alembic import op

revision = "0036"
down_revision = "0032"

STATEMENTS = (
    "alter table gauges add column changed bigint not null default -1",
    """update gauges set changed = coalesce(
        (select max(number) from readings where gauge_id = gauges.id), -1) where job_id = ''""",
    "drop index readings_time",
    "alter table readings rename to readings_by_gauges",
    """create table readings (
        network text not null,
        number bigint not null,
        gauge_id text not null,
        hash text not null,
        timestamp bigint not null,
        value text,
        state text not null,
        match_id text,
        before bigint not null,
        primary key (network, number, gauge_id)) {without_rowid}""",
    """insert into readings (network, number, gauge_id, hash, timestamp, value, state, match_id,
            before)
        select g.network, r.number, r.gauge_id, r.hash, r.timestamp, r.value, r.state, r.match_id,
            coalesce((select max(o.number) from readings_by_gauges o
                where o.gauge_id = r.gauge_id and o.number < r.number), -1)
        from readings_by_gauges r join gauges g on g.id = r.gauge_id and g.job_id = ''""",
    "drop table readings_by_gauges",
    "create index readings_time on readings (timestamp, gauge_id)",
)


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in STATEMENTS:
        op.execute(statement.replace("{without_rowid}", "without rowid" if sqlite else ""))
