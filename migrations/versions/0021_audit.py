"""Who did what: an entry for each change and each secret that was read, in the order of commits.

via: `api`, `command` or `start`. before, after: JSON without secrets.
"""

from alembic import op

revision = "0021"
down_revision = "0020"

STATEMENTS = (
    """create table audit (
        position bigint primary key,
        at bigint not null,
        project_id text not null,
        action text not null,
        subject text,
        via text not null,
        key_id text,
        address text,
        request_id text,
        before text,
        after text)""",
    "create index audit_project on audit (project_id, position)",
    "create index audit_subject on audit (subject, position)",
    "create index audit_at on audit (at)",
    "insert into counters (name, value) values ('audit', 0)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
