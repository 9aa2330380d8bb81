"""Where gauges stand: found by their newest reading, and known of those of backfills.

gauges.place: the number of a gauge. latest_readings: under it the height of the reading that its
last look made; where it is above gauges.number, that reading says where the gauge stands.

The index over the times of readings goes: they lie by blocks, and so by time. Retention walks them
network by network; its place has how far it is with each.

job_standings: where the gauges of a backfill stood after each look, JSON: all of them so far as its
position may go back, and below that the last one of each.
"""

from alembic import op

revision = "0039"
down_revision = "0038"

STATEMENTS = (
    "alter table gauges add column place bigint not null default 0",
    """update gauges set place = numbered.place from (
            select id, job_id, row_number() over (order by network, id, job_id) as place from gauges
        ) numbered
        where gauges.id = numbered.id and gauges.job_id = numbered.job_id""",
    "insert into counters (name, value) select 'gauges', count(*) from gauges",
    "create table latest_readings (place {integer} primary key, number bigint not null)",
    """create table job_standings (
        job_id text not null references jobs (id) on delete cascade,
        gauge_id text not null,
        number bigint not null,
        standing text not null,
        primary key (job_id, gauge_id, number)) {without_rowid}""",
    "drop index readings_time",
    "update retention set place_at = -1, place_id = '' where task = 'readings'",
)


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    integer, without_rowid = ("integer", "without rowid") if sqlite else ("bigint", "")
    for statement in STATEMENTS:
        written = statement.replace("{integer}", integer)
        op.execute(written.replace("{without_rowid}", without_rowid))
