"""Whose an attempt is, so that those of a project can be listed by time; EIP-55 in webhooks.

attempts.project_id: that of its delivery, "" of one whose delivery is gone. endpoints.checksum:
whether addresses in its bodies have their checksum, 0 or 1.
"""

from alembic import op

revision = "0032"
down_revision = "0031"

STATEMENTS = (
    "alter table attempts add column project_id text not null default ''",
    """update attempts set project_id = coalesce(
        (select d.project_id from deliveries d where d.id = attempts.delivery_id), '')""",
    """create index attempts_project on attempts
        (project_id, started_at, delivery_id, number)""",
    "alter table endpoints add column checksum integer not null default 0",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
