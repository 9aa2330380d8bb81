"""Deliveries that are sent again, one by one or many by a job; cancelling many in small steps."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    # Attempts before the delivery was last opened again: its schedule began anew after them.
    "alter table deliveries add column earlier_attempts integer not null default 0",
    """create index deliveries_failed_monitor on deliveries (monitor_id, created_at, id)
        where status = 'failed'""",
    """create index deliveries_failed_endpoint on deliveries (endpoint_id, created_at, id)
        where status = 'failed'""",
    # One of monitor_id and endpoint_id is set. since, until: of the deliveries' created_at.
    # place_…: the last delivery that was looked at. due_at: when the next step may be made.
    """create table replays (
        id text primary key,
        project_id text not null references projects (id),
        monitor_id text,
        endpoint_id text,
        statuses text not null,
        since bigint not null,
        until bigint not null,
        status text not null,
        place_at bigint not null,
        place_id text not null,
        due_at bigint not null,
        deliveries_total bigint,
        deliveries_queued bigint not null,
        deliveries_left_out bigint not null,
        trouble text,
        created_at bigint not null,
        started_at bigint,
        finished_at bigint)""",
    "create index replays_open on replays (due_at) where finished_at is null",
    # Monitors and endpoints that were deleted and may still have open deliveries after the place.
    """create table cancellations (
        subject_id text primary key,
        place_at bigint not null,
        place_id text not null)""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
