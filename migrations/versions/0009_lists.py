"""A list of addresses has an id of its own, so that a monitor can be given another one at once.

What it had is removed in small steps afterwards.
"""

from alembic import op

revision = "0009"
down_revision = "0008"

STATEMENTS = (
    "alter table addresses rename column monitor_id to list_id",
    "alter table leftovers rename column monitor_id to list_id",
    "alter table monitors add column list_id text not null default ''",
    "update monitors set list_id = id",
    "create index monitors_list on monitors (list_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
