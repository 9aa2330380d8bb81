"""The log of what was told, by its order; and when a match was told of last.

A match's event has no body: it is made again of the match's document. Other news has one.
"""

from alembic import op

revision = "0013"
down_revision = "0012"

STATEMENTS = (
    """create table events (
        project_id text not null,
        position bigint not null,
        type text not null,
        at bigint not null,
        match_id text,
        confirmations bigint,
        body text,
        primary key (project_id, position)) {without_rowid}""",
    "insert into counters (name, value) values ('events', 0)",
    # Up to which position events of a project may be missing.
    "create table removed_events (project_id text primary key, position bigint not null)",
    "alter table matches add column told_at bigint",
)


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in STATEMENTS:
        op.execute(statement.replace("{without_rowid}", "without rowid" if sqlite else ""))
