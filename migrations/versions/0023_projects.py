"""What a project may have, and whether it is being deleted; how many addresses a monitor watches.

limits: JSON, name → number; what is not in it is as the configuration says.
"""

from alembic import op

revision = "0023"
down_revision = "0022"

STATEMENTS = (
    "alter table projects add column limits text not null default '{}'",
    "alter table projects add column deleted_at bigint",
    "alter table monitors add column address_count bigint not null default 0",
    """update monitors set address_count =
        (select count(*) from addresses where addresses.list_id = monitors.list_id)""",
    "create index jobs_project on jobs (project_id, created_at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
