"""Balances and views: what is watched of a chain's state, where it stands, what was seen.

headers.touched: which watched accounts and contracts a block touched, JSON; headers.looked: whether
what was due in it was looked at. networks.looked_hash: of the newest block of which that is so.

gauges: one value for one rule. number, hash, timestamp: of the last look, -1 before the first.
value: decimal, or 0x-hex; null where a view reverted. match_id: of what it told and has not ended.
due_block, due_at: when it is looked at again at the latest, by the chain; 0 for now. job_id: of a
backfill, which has gauges of its own; '' for all others.

readings: what a gauge showed when that, or its state, was another than before.

matches.ended_block, ended_hash: in which block the condition ceased to be; ended: what showed it.
"""

from alembic import op

revision = "0029"
down_revision = "0028"

STATEMENTS = (
    "alter table headers add column touched text",
    "alter table headers add column looked integer not null default 0",
    "create index headers_to_look_at on headers (network, number) where looked = 0",
    "alter table networks add column looked_hash text",
    "alter table networks add column looked_number bigint",
    "alter table monitors add column gauges integer not null default 0",
    "create index monitors_gauges on monitors (id) where gauges = 1",
    """create table gauges (
        id text not null,
        job_id text not null,
        network text not null,
        monitor_id text not null,
        rule text not null,
        subject text not null,
        contract text,
        number bigint not null,
        hash text not null,
        timestamp bigint not null,
        value text,
        state text not null,
        match_id text,
        due_block bigint,
        due_at bigint,
        primary key (id, job_id)) {without_rowid}""",
    "create index gauges_subject on gauges (network, subject) where job_id = ''",
    "create index gauges_block on gauges (network, due_block) where due_block is not null",
    "create index gauges_time on gauges (network, due_at) where due_at is not null",
    "create index gauges_monitor on gauges (monitor_id, rule, network)",
    "create index gauges_number on gauges (network, number)",
    "create index gauges_job on gauges (job_id) where job_id <> ''",
    """create table readings (
        gauge_id text not null,
        number bigint not null,
        hash text not null,
        timestamp bigint not null,
        value text,
        state text not null,
        match_id text,
        primary key (gauge_id, number)) {without_rowid}""",
    "create index readings_time on readings (timestamp)",
    "alter table matches add column ended_block bigint",
    "alter table matches add column ended_hash text",
    "alter table matches add column ended text",
    "alter table statistics add column ended bigint not null default 0",
    """create index matches_ending on matches (network, position)
        where phase = 'confirmed' and ended_block is not null""",
    """create index matches_ended on matches (network, ended_block)
        where ended_hash is not null""",
)


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in STATEMENTS:
        op.execute(statement.replace("{without_rowid}", "without rowid" if sqlite else ""))
