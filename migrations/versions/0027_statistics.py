"""Counts by minute and hour, of what was told and tried; and what is not in them yet.

span: `minute` or `hour`; at: its beginning. kind, subject: what is counted by, `project` and '' for
all of a project. …_buckets: JSON, bucket → count, see `database/latencies.py`.
"""

import time

from alembic import op

revision = "0027"
down_revision = "0026"

STATEMENTS = (
    """create table statistics (
        project_id text not null,
        kind text not null,
        subject text not null,
        span text not null,
        at bigint not null,
        detected bigint not null,
        confirmed bigint not null,
        reverted bigint not null,
        delivered bigint not null,
        failed bigint not null,
        cancelled bigint not null,
        taken bigint not null,
        refused bigint not null,
        unanswered bigint not null,
        first_count bigint not null,
        first_ms bigint not null,
        first_buckets text not null,
        success_count bigint not null,
        success_ms bigint not null,
        success_buckets text not null,
        primary key (project_id, kind, subject, span, at)) {without_rowid}""",
    "create index statistics_at on statistics (project_id, kind, span, at)",
    # Attempts, and deliveries that ended without one, from their commit until they are counted.
    # Their order does not matter: whoever counts them takes them away in the same transaction.
    """create table uncounted (
        id {identity},
        project_id text not null,
        monitor_id text not null,
        endpoint_id text not null,
        match_id text not null,
        at bigint not null,
        outcome text not null,
        ended text not null,
        first_ms bigint,
        success_ms bigint)""",
    # Up to which position events are counted.
    """insert into counters (name, value)
        select 'statistics', coalesce(min(position) - 1, 0) from events""",
)

ATTEMPTS = """insert into uncounted (project_id, monitor_id, endpoint_id, match_id, at, outcome,
        ended, first_ms, success_ms)
    select d.project_id, d.monitor_id, d.endpoint_id, d.match_id, a.started_at + a.duration_ms,
        case when a.status_code is null then 'unanswered' when a.error is null then 'taken'
            else 'refused' end,
        case when a.number = d.attempts and d.status in ('delivered', 'failed') then d.status
            else '' end,
        case when a.number = 1 and a.started_at < d.created_at then 0
            when a.number = 1 then a.started_at - d.created_at end,
        case when a.status_code is null or a.error is not null or d.earlier_attempts > 0 then null
            when a.started_at + a.duration_ms < d.created_at then 0
            else a.started_at + a.duration_ms - d.created_at end
    from attempts a join deliveries d on d.id = a.delivery_id
    where a.started_at >= {since}"""

CANCELLED = """insert into uncounted (project_id, monitor_id, endpoint_id, match_id, at, outcome,
        ended)
    select project_id, monitor_id, endpoint_id, match_id, finished_at, '', 'cancelled'
    from deliveries where status = 'cancelled' and finished_at >= {since}"""

KEPT_MS = 90 * 86_400_000


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    identity = (
        "integer primary key" if sqlite else "bigint generated always as identity primary key"
    )
    since = int(time.time() * 1000) - KEPT_MS
    for statement in (*STATEMENTS, ATTEMPTS, CANCELLED):
        op.execute(
            statement.format(
                without_rowid="without rowid" if sqlite else "", identity=identity, since=since
            )
        )
