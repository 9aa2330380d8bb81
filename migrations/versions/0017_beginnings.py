"""Where a network goes on without a block below it, and by which block its chain begins."""

from alembic import op

revision = "0017"
down_revision = "0016"

STATEMENTS = (
    "alter table networks add column first_block bigint",
    "alter table networks add column genesis text",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
