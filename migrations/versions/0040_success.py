"""What the success of an endpoint looks like: JSON, null for every 2xx."""

from alembic import op

revision = "0040"
down_revision = "0015"


def upgrade() -> None:
    op.execute("alter table endpoints add column success text")
