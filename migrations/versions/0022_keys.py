"""Until when a key opens, and when it last did."""

from alembic import op

revision = "0022"
down_revision = "0021"

STATEMENTS = (
    "alter table api_keys add column expires_at bigint",
    "alter table api_keys add column last_used_at bigint",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
