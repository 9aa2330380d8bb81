"""Letters that hold more than one message: seconds between them and most messages, as JSON."""

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.execute("alter table endpoints add column digest text")
