"""Where gauges stand is found by their newest reading: a look at many of them writes few pages.

gauges.place: the number of a gauge. latest_readings: under it the height of the reading that its
last look made; where it is above gauges.number, that reading says where the gauge stands.

The index over the times of readings goes: they lie by blocks, and so by time. Retention walks them
network by network; its place has how far it is with each.
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
    "drop index readings_time",
    "update retention set place_at = -1, place_id = '' where task = 'readings'",
)


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in STATEMENTS:
        op.execute(statement.replace("{integer}", "integer" if sqlite else "bigint"))
