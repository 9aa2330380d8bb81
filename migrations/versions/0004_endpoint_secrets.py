"""Secrets that were replaced and still sign, and templates of bodies.

old_secrets: JSON list of secret and unix milliseconds until which it signs, newest first.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    "alter table endpoints add column old_secrets text not null default '[]'",
    "alter table endpoints add column template text",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
