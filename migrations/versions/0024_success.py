"""What the success of an endpoint looks like: JSON, null for every 2xx."""

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.execute("alter table endpoints add column success text")
