"""How far each walk of the retention has come, and what it has removed."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = (
    # One row for each walk; project_id is '' where it is one for all. place_…: the last row that
    # was looked at. restarted_at: when it last began from the first.
    """create table retention (
        task text not null,
        project_id text not null,
        place_at bigint not null,
        place_id text not null,
        restarted_at bigint not null,
        due_at bigint not null,
        primary key (task, project_id))""",
    "create index retention_due on retention (due_at)",
    # The blocks of which matches of a monitor were removed: they must not come back as new.
    """create table removed_matches (
        monitor_id text not null,
        network text not null,
        from_block bigint not null,
        to_block bigint not null,
        primary key (monitor_id, network))""",
    # The last position of a project's matches that was removed.
    """create table removed_positions (
        project_id text primary key,
        position bigint not null)""",
    # Finds the changes that a later one of the same monitor has replaced.
    "create index changes_monitor on changes (monitor_id, revision)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
