"""Who has claimed a delivery, so that what a process that is gone has claimed need not wait."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute("alter table deliveries add column claimed_by text")
